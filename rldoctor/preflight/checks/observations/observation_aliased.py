"""An observation stays as it was returned.

What it does: keeps the observations of some steps and compares them later with copies made when they were returned.

Why it matters: an environment that hands out its own array and changes it with the next step rewrites the past: a
replay buffer, a frame stack or a comparison of two steps sees the newest observation everywhere.

What to do: return a copy: ``return self.state.copy()``, or ``np.array(self.state)``.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import arrays, draw

_STEPS = 4


@check("ENV211", "observation-aliased", requires=("ENV102",), late=1, faults=("observation-changed-later",))
def run(context: PreflightContext) -> CheckFindings:
    """Keep some observations and look at them again."""
    random, env = np.random.default_rng(3), context.env
    kept = [env.reset(seed=0)[0]]
    copies = [deepcopy(kept[0])]
    for _ in range(context.budget.steps(_STEPS)):
        observation, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
        kept.append(observation)
        copies.append(deepcopy(observation))
        if terminated or truncated:
            break
    changed = {
        key
        for now, then in zip(kept, copies, strict=True)
        for key, value in arrays(then).items()
        if value.dtype.kind in "biuf" and not np.array_equal(value, arrays(now)[key], equal_nan=value.dtype.kind == "f")
    }
    if changed:
        yield warning(
            "observation-changed-later",
            f"{', '.join(sorted(changed))} was changed after it was returned: step hands out its own array and "
            "writes to it again.",
            "Return a copy: self.state.copy().",
        )
        return ""
    return f"{len(kept)} observations stay as they were"
