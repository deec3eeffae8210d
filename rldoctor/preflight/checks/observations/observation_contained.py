"""Observations lie within the declared bounds.

What it does: compares the observations of random episodes, those of ``reset`` included, with the bounds of the
observation space: ``low`` and ``high`` of a Box, the number of elements of a discrete space.

Why it matters: wrappers and networks that scale by the bounds get values they were not made for; a discrete value
outside its space cannot be encoded at all.

What to do: widen the bounds of the space, or clip the observation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import spaces_of


@check("ENV203", "observation-contained", requires=("ENV201", "ENV202"), faults=("observation-outside-space",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare observations with their bounds."""
    from gymnasium.spaces import Box

    from rldoctor.preflight.probes.spaces import outside

    def worst_of(space: Any, values: Any) -> list[float]:
        if isinstance(space, Box):
            # Most are inside: only what is outside is looked at one by one.
            leaves = [bool(((value < space.low) | (value > space.high)).any()) for value in values]
        else:
            leaves = [True] * len(values)
        gaps = (outside(space, value) if leaving else None for value, leaving in zip(values, leaves, strict=True))
        return [gap[1] if gap else 0.0 for gap in gaps]

    batch = context.batch
    for key, space in spaces_of(context.env.observation_space).items():
        at_reset = worst_of(space, [start[key] for start in batch.starts])
        in_steps = worst_of(space, batch.observations[key])
        seen = {"resets": at_reset, "steps": in_steps}
        left = {where: sum(gap > 0 for gap in gaps) for where, gaps in seen.items()}
        if any(left.values()):
            worst = float(np.max([*at_reset, *in_steps]))
            where = " and ".join(f"{count} of {len(seen[name])} {name}" for name, count in left.items() if count)
            yield error(
                "observation-outside-space",
                f"{key} leaves its declared bounds in {where}, by up to {worst:.3g}.",
                "Widen the bounds of the space or clip the observation.",
                observed=worst,
                expected=0.0,
            )
    return "all within bounds"
