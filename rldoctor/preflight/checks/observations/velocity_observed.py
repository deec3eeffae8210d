"""The observation shows how fast things move.

What it does: predicts how the observation changes in the next step from the observation and the action, and again with
the last change added. Where only the second works, the observation lacks velocities.

Why it matters: a policy that sees positions alone cannot tell whether they rise or fall, and cannot brake. It learns,
but less than it could; many tasks become unsolvable.

What to do: add velocities to the observation, or stack frames (``gymnasium.wrappers.FrameStackObservation``, SB3's
``VecFrameStack``).
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.prediction import explained, with_products

# Products of all pairs are among the features, so that sin(a) times velocity counts; beyond this they are too many.
_DIMENSIONS = 16
_FEWEST = 150
# Ours: below the first, the observation does not tell the change; above the second, the last change does.
_UNTOLD = 0.4
_TOLD = 0.9


@check("ENV212", "velocity-observed", requires=("ENV111", "ENV205"), late=1, faults=("velocity-not-observed",))
def run(context: PreflightContext) -> CheckFindings:
    """Predict changes without and with the last change."""
    batch = context.batch
    keys = [key for key in batch.observations if not key.endswith("_goal") and key in context.boxes]
    rows = [batch.observations[key].reshape(len(batch.rewards), -1).astype(float) for key in keys]
    seen = np.concatenate(rows, axis=1) if rows else np.zeros((len(batch.rewards), 0))
    if not 0 < seen.shape[1] <= _DIMENSIONS or any(len(context.boxes[key].shape) > 1 for key in keys):
        raise Skipped("no observation of a few numbers")
    same = batch.episode[2:] == batch.episode[:-2]
    if same.sum() < _FEWEST:
        raise Skipped("too few steps in a row")
    change = np.diff(seen, axis=0)
    actions = batch.actions.reshape(len(batch.actions), -1).astype(float)
    if batch.actions.dtype.kind in "iu" and actions.shape[1] == 1:
        # A choice has no size: one column a choice.
        actions = np.asarray(actions == np.unique(actions)[None, :], dtype=float)
    before, last, following, action = seen[1:-1][same], change[:-1][same], change[1:][same], actions[2:][same]
    moving = np.flatnonzero((np.abs(following) > 1e-9).mean(axis=0) > 0.5)
    if not moving.size:
        raise Skipped("hardly anything moves at every step")
    without = explained(with_products(np.column_stack([before, action])), following[:, moving])
    added = explained(np.column_stack([with_products(before), last, action]), following[:, moving])
    untold = [int(i) for i, a, b in zip(moving, without, added, strict=True) if a < _UNTOLD and b > _TOLD]
    if untold and len(untold) >= 0.5 * moving.size:
        yield warning(
            "velocity-not-observed",
            f"The observation does not show how fast it changes: of its next change it tells "
            f"{max(0.0, float(np.median(without))):.0%}, together with the last change {float(np.median(added)):.0%}.",
            "Add velocities to the observation, or stack frames (gymnasium.wrappers.FrameStackObservation).",
            observed=float(np.median(without)),
            expected=float(np.median(added)),
            dimensions=untold[:16],
        )
    return f"tells {max(0.0, float(np.median(without))):.0%} of its next change"
