"""Actions have an effect.

What it does: from the same state, holds each dimension of the action at its bounds for five steps (each choice of a
discrete space), and measures how far the observation and the reward move away from those of the zero action (of the
first choice). What does nothing at the start is tried from three later states as well.

Why it matters: a policy whose actions do nothing cannot learn. A single dead dimension only wastes exploration; the
gripper's in FetchReach is dead by design.

What to do: follow the action through the wrappers and ``step`` to where it should reach the simulation.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note, warning
from rldoctor.preflight.context import PreflightContext

# A dead dimension moves nothing at all, to the last bit, where the environment is deterministic. 1e-4 of the
# strongest dimension's effect leaves room for rounding; FetchReach's weakest living one has 0.9 of the strongest.
_DEAD = 1e-4
_NOTHING = 1e-9


@check(
    "ENV302",
    "action-effects",
    requires=("ENV111", "ENV201", "ENV202", "ENV205", "ENV301"),
    faults=(
        "actions-without-effect",
        "actions-change-reward-alone",
        "action-dimension-dead",
        "action-dimension-dead-as-known",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Hold each action and measure what moves."""
    effects = context.effects
    if effects is None:
        raise Skipped("this action space cannot be tried one action at a time")
    strongest = float(effects.sizes.max())
    if strongest <= _NOTHING and effects.rewards.max() > _NOTHING:
        # A bandit is such an environment; where there are goals to move to, an action must move something.
        found = error if context.has_goals or context.expectation.envs else note
        yield found(
            "actions-change-reward-alone",
            f"None of the {len(effects.labels)} actions changes the observation; they change the reward alone.",
            "If actions should move something, follow them through the wrappers and step to the simulation.",
            observed=strongest,
        )
        return ""
    if strongest <= _NOTHING:
        # Without any reward there is nothing to learn anyway, which ENV401 reports.
        found = error if np.ptp(context.batch.rewards) > 0 or context.has_goals else warning
        yield found(
            "actions-without-effect",
            f"None of the {len(effects.labels)} actions, held for five steps, changes the observation or the reward.",
            "Follow the action through the wrappers and step to where it should reach the simulation.",
            observed=strongest,
        )
        return ""
    dead = np.flatnonzero((effects.sizes < _DEAD * strongest) & (effects.rewards <= _NOTHING)).tolist()
    expected = [i for i in dead if i in context.expectation.action.dead]
    unexpected = [i for i in dead if i not in expected]
    if expected:
        labels = ", ".join(effects.labels[i] for i in expected)
        message = f"{labels} does nothing (expected for {context.env_id})."
        yield note("action-dimension-dead-as-known", message, dimensions=expected)
    if unexpected:
        labels = ", ".join(effects.labels[i] for i in unexpected)
        same = f"has the same effect as {effects.first}" if effects.first else "changes nothing in the observation"
        message = f"{labels}, held for five steps from several states, {same}."
        remedy = "Connect it to the simulation, or leave it out of the action space."
        yield warning("action-dimension-dead", message, remedy, dimensions=unexpected)
    return f"{len(effects.labels) - len(dead)} of {len(effects.labels)} actions have an effect"
