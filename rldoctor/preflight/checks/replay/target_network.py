"""Target networks start equal to their networks and move towards them by tau.

What it does: updates a few times and measures how far, and in which direction, each target network moved when it moved.

Why it matters: a target that stands still freezes what the critic learns at its random start; one that follows at once
makes the critic chase itself, and values run away. Neither raises an error.

What to do: see the finding; Stable-Baselines3 moves targets by polyak_update(network, target, tau).
"""

from __future__ import annotations

from rldoctor.preflight.check import CheckFindings, Group, check, error
from rldoctor.preflight.context import PreflightContext


@check(
    "ENV514",
    "target-network",
    Group.LEARNING,
    faults=("target-differs-at-start", "target-frozen", "target-moves-wrongly"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Measure how targets move."""
    told = []
    for target in context.replay.target_moves:
        if target.gap_at_start > 0:
            message = f"Before any update, {target.name} differs from its network by {target.gap_at_start:.3g}."
            remedy = "Copy the weights into the target when both are made (load_state_dict)."
            yield error("target-differs-at-start", message, remedy, observed=target.gap_at_start)
        if target.fraction is None:
            message = f"{target.name} did not move at all."
            remedy = "Call polyak_update after gradient steps, as target_update_interval says, with tau above 0."
            if not target.expected:
                message = f"tau is 0: {target.name} stays as it was before the first update."
                remedy = "Set tau to 0.005 (SAC, TD3, DDPG) or 1 (DQN)."
            yield error("target-frozen", message, remedy, expected=target.expected)
        elif not target.is_right:
            message = (
                f"{target.name} moved {target.fraction:.3g} of the way to its network in one update; tau says "
                f"{target.expected:.3g}."
            )
            if target.stray > abs(target.fraction):
                message = f"{target.name} moves elsewhere than towards its network."
            remedy = "Set target = (1 - tau) x target + tau x network, in this order, once an update."
            yield error("target-moves-wrongly", message, remedy, observed=target.fraction, expected=target.expected)
        told.append(f"{target.name} {0.0 if target.fraction is None else target.fraction:.3g}")
    return f"moves by: {', '.join(told)}" if told else "no target network"
