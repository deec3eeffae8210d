"""The environment steps fast enough.

What it does: steps one environment with random actions in four short rounds and takes the fastest, so that a moment
of other load on the machine does not count.

Why it matters: PPO on a small network spends most of its time in the environment. At the usual warning line of 500
steps/s, 500,000 steps take 17 minutes; FetchReachDense-v4 does about 1,800 steps/s on one core.

What to do: look for rendering left on, a physics model with too many substeps, or other programs on the machine.
"""

from __future__ import annotations

import time

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw

# The troubleshooting table of the tutorial chapter: "Training is slow (<500 fps)".
SLOW = 500.0
_ROUNDS = 4
# 40 steps of FetchReach are 22 ms: long against the clock, short against the preflight.
_STEPS = 40


def steps_per_second(context: PreflightContext) -> float:
    """Return the steps per second of the fastest round."""
    env = context.env
    random = np.random.default_rng(0)
    actions = [draw(env.action_space, random) for _ in range(_STEPS)]
    env.reset(seed=0)
    best = 0.0
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        best = max(best, _STEPS / (time.perf_counter() - started))
    return best


@check("SYS301", "throughput", Group.MACHINE, requires=("ENV102",), faults=("environment-slow",))
def run(context: PreflightContext) -> CheckFindings:
    """Time random steps."""
    rate = steps_per_second(context)
    context.measured["steps_per_second"] = round(rate)
    if rate < SLOW:
        yield warning(
            "environment-slow",
            f"One environment does {rate:,.0f} steps/s, slower than the usual {SLOW:,.0f} steps/s.",
            "Turn rendering off, look for other programs on the machine, or run several environments in processes.",
            observed=round(rate),
            expected=SLOW,
        )
    return f"{rate:,.0f} steps/s"
