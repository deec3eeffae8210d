"""Actions move the achieved goal as expected.

What it does: fits the displacement of the achieved goal in one step to the action, over random episodes, and compares
direction and size with what is known of this environment.

Why it matters: a wrapper that scales actions down makes goals unreachable within the episode; one that shuffles their
dimensions changes what every action means. Both still look like a robot that moves.

What to do: look at the wrappers between the policy and the environment, and at the bounds of the action space.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext

# Ours, measured on FetchReachDense-v4: cosine 1.00, size 1.01, fit 0.99. Random shuffling of the four dimensions gives
# a cosine of about 0.5; a factor of 2 in size is far beyond the difference between versions of MuJoCo.
_COSINE = 0.9
_FACTOR = 2.0
_FIT = 0.8


@check("ENV304", "action-movement", requires=("ENV206", "ENV302"), faults=("actions-shuffled", "actions-scaled"))
def run(context: PreflightContext) -> CheckFindings:
    """Compare the measured displacement with the known one."""
    known, movement = np.array(context.expectation.action.moves), context.movement
    if not known.size or movement is None:
        raise Skipped("how actions move the goal is not known for this environment")
    if movement.per_unit.shape != known.shape:
        raise Skipped(f"actions and goals do not have the known dimensions: {movement.per_unit.shape}")
    size, expected = float(np.linalg.norm(movement.per_unit)), float(np.linalg.norm(known))
    cosine = float((movement.per_unit * known).sum() / (size * expected)) if size > 0 else 0.0
    factor = size / expected
    scaled = not 1 / _FACTOR <= factor <= _FACTOR
    if cosine < _COSINE or (movement.fit < _FIT and not scaled):
        yield error(
            "actions-shuffled",
            f"Actions do not move the achieved goal along their own axes (cosine with the known directions "
            f"{cosine:.2f}, fit {movement.fit:.2f}).",
            "Look for a wrapper that reorders, mixes or perturbs the dimensions of the action.",
            observed=cosine,
            expected=1.0,
        )
    elif scaled:
        yield error(
            "actions-scaled",
            f"A full action moves the achieved goal {factor:.2g} times as far as expected for {context.env_id}.",
            "Look for a wrapper that scales actions, or for a changed number of simulation steps per action.",
            observed=factor,
            expected=1.0,
        )
    return f"{factor:.2f} of the known displacement, fit {movement.fit:.2f}"
