"""Pictures use the range of their numbers.

What it does: looks at observations of whole bytes (``uint8``) with bounds of 0 and 255, and at float pictures.

Why it matters: Stable-Baselines3 divides pictures by 255. One with values of 0 and 1 becomes black to the network; one
that is divided before it is converted to bytes holds nothing but zeros.

What to do: return values from 0 to 255 as ``uint8``, and leave the scaling to Stable-Baselines3.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext

_PICTURE = 3


@check("ENV213", "picture-range", requires=("ENV201",), faults=("picture-scaled-twice", "picture-floats-unscaled"))
def run(context: PreflightContext) -> CheckFindings:
    """Look at the range of pictures."""
    pictures = {key: space for key, space in context.boxes.items() if len(space.shape) == _PICTURE}
    if not pictures:
        raise Skipped("no pictures")
    for key, space in pictures.items():
        values = context.batch.observations[key]
        highest = float(values.max())
        if values.dtype == np.uint8 and space.high.max() == 255 and highest <= 1:
            yield error(
                "picture-scaled-twice",
                f"No value of {key} is above {highest:g}, of 255: divided by 255 once more, it is black.",
                "Return 0 to 255 as uint8; Stable-Baselines3 divides by 255 itself.",
                observed=highest,
                expected=255,
            )
        elif values.dtype.kind == "f" and highest > 2 and space.high.max() == 255:
            yield warning(
                "picture-floats-unscaled",
                f"{key} holds floats up to {highest:.0f}: Stable-Baselines3 scales pictures of dtype uint8 only.",
                "Return uint8, or divide by 255 and declare bounds of 0 and 1.",
                observed=highest,
                expected=1.0,
            )
    return ", ".join(f"{key} up to {context.batch.observations[key].max():g}" for key in pictures)
