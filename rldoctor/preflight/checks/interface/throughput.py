"""The environment steps fast enough.

What it does: times the steps of random episodes in rounds of forty and takes the fastest round, so that a moment of
other load on the machine does not count.

Why it matters: PPO on a small network spends most of its time in the environment. At the usual warning line of 500
steps/s, 500,000 steps take 17 minutes; FetchReachDense-v4 does about 1,800 steps/s on one core.

What to do: look for rendering left on, a physics model with too many substeps, or other programs on the machine.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, check, note
from rldoctor.preflight.context import PreflightContext

# The troubleshooting table of the tutorial chapter: "Training is slow (<500 fps)".
SLOW = 500.0
# 40 steps of FetchReach are 22 ms: long against the clock, and a batch has some of them.
_STEPS = 40


def steps_per_second(context: PreflightContext) -> float:
    """Return the steps per second of the fastest round."""
    seconds = context.batch.seconds
    rounds = np.array_split(seconds, max(1, len(seconds) // _STEPS))
    return float(1.0 / max(1e-9, min(part.mean() for part in rounds)))


@check("SYS301", "throughput", Group.MACHINE, requires=("ENV102",), faults=("environment-slow",))
def run(context: PreflightContext) -> CheckFindings:
    """Time random steps."""
    rate = steps_per_second(context)
    context.measured["steps_per_second"] = round(rate)
    if rate < SLOW:
        yield note(
            "environment-slow",
            f"One environment does {rate:,.0f} steps/s, slower than the usual {SLOW:,.0f} steps/s.",
            "Turn rendering off, look for other programs on the machine, or run several environments in processes.",
            observed=round(rate),
            expected=SLOW,
        )
    return f"{rate:,.0f} steps/s"
