"""Environments of one process do not share state.

What it does: plays seed 0 in one environment, then again while another one is reset and stepped in between, and
compares the two.

Why it matters: training steps several environments in one process. What they share, such as an attribute of the class,
a module's variable, one simulator or Python's global random numbers, makes each of them depend on the others: data from
episodes that nobody meant.

What to do: keep state in ``self`` and create it in the constructor or in ``reset``; draw from ``self.np_random``.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, flatten, trajectory
from rldoctor.preflight.probes.inspection import global_random_state, has_running_statistics
from rldoctor.preflight.probes.plays import same

_STEPS = 15


@check(
    "ENV112",
    "shared-state",
    late=1,
    requires=("ENV105", "ENV111"),
    faults=("environments-share-state", "global-random-state"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play one environment while another one plays too."""
    if has_running_statistics(context.env) or (context.spec and context.spec.nondeterministic):
        raise Skipped("it does not repeat itself, on purpose")
    if not context.repeatable:
        raise NotRun("it does not repeat itself (ENV105)")
    steps = context.budget.steps(_STEPS, plays=3)
    before = global_random_state()
    alone = trajectory(context.env, 0, steps)
    uses_global = global_random_state() != before
    context.spare.reset(seed=1)
    disturber, random = context.spare, np.random.default_rng(99)

    def disturb() -> None:
        _, _, terminated, truncated, _ = disturber.step(draw(disturber.action_space, random))
        if terminated or truncated:
            disturber.reset(seed=1)

    own = np.random.default_rng(12345)
    observation, _ = context.env.reset(seed=0)
    disturber.reset(seed=1)
    rows = [np.append(flatten(observation), 0.0)]
    for _ in range(steps):
        disturb()
        observation, reward, terminated, truncated, _ = context.env.step(draw(context.env.action_space, own))
        rows.append(np.append(flatten(observation), float(reward)))
        if terminated or truncated:
            break
    together = np.stack(rows)
    if same(together, alone):
        return f"the same {len(alone) - 1} steps alone and beside another environment"
    if uses_global:
        # As in ENV105: a training seeds these generators.
        yield warning(
            "global-random-state",
            "It draws from the global random numbers (numpy.random or random), which all environments of a process "
            "share: seed 0 plays differently beside another environment.",
            "Draw from self.np_random, seeded by super().reset(seed=seed).",
        )
    else:
        yield error(
            "environments-share-state",
            "Environments of one process share state: seed 0 plays differently while another environment is stepped.",
            "Keep state in self, created in the constructor or in reset: no attribute of the class, no variable of the "
            "module, no simulator that several environments use.",
        )
    return ""
