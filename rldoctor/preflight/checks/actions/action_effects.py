"""Actions have an effect.

What it does: from the same start, holds each dimension of the action at its bounds for five steps (each choice of a
discrete space), and measures how far the observation moves away from that of the zero action.

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
    faults=("actions-without-effect", "action-dimension-dead", "action-dimension-dead-as-known"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Hold each action and measure what moves."""
    effects = context.effects
    if effects is None:
        raise Skipped("this action space cannot be tried one action at a time")
    strongest = float(effects.sizes.max())
    if strongest <= _NOTHING:
        yield error(
            "actions-without-effect",
            f"None of the {len(effects.labels)} actions, held for five steps, changes the observation.",
            "Follow the action through the wrappers and step to where it should reach the simulation.",
            observed=strongest,
        )
        return ""
    dead = np.flatnonzero(effects.sizes < _DEAD * strongest).tolist()
    expected = [i for i in dead if i in context.expectation.action.dead]
    unexpected = [i for i in dead if i not in expected]
    if expected:
        labels = ", ".join(effects.labels[i] for i in expected)
        message = f"{labels} does nothing (expected for {context.env_id})."
        yield note("action-dimension-dead-as-known", message, dimensions=expected)
    if unexpected:
        labels = ", ".join(effects.labels[i] for i in unexpected)
        message = f"{labels}, held for five steps, changes nothing in the observation."
        remedy = "Connect it to the simulation, or leave it out of the action space."
        yield warning("action-dimension-dead", message, remedy, dimensions=unexpected)
    return f"{len(effects.labels) - len(dead)} of {len(effects.labels)} actions have an effect"
