"""Observations are of a size that a network can use.

What it does: takes the mean absolute value of every dimension under the random policy, and of these the largest. Where
some dimensions hardly vary beside others, looks whether the reward follows from these and not from the others; where
one uses less than 0.2 % of its declared range, whether it explains the reward all the same.

Why it matters: inputs in the hundreds saturate a network with tanh layers, and inputs of 1e-4 have no effect on it, nor
have larger ones that vary by so much. Numbers that vary by about 1 learn best.

What to do: wrap the training in SB3's ``VecNormalize``, or scale the observation in the environment: each dimension by
its own mean and standard deviation.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, shortened, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.prediction import explained, with_products

# Ours: FetchReach stays below 1.4, CartPole below 1, Pendulum below 4 (its velocity reaches 8), all of which train
# without scaling. 200 saturates tanh units of SB3's initial weights (single
# numbers of Humanoid's are about 150); all below 1e-3 is lost beside their biases.
_LARGE = 200.0
_SMALL = 1e-3
# Ours: standard deviation up to which a dimension is lost, and the part of the reward's variance that dimensions have
# to tell, and the others must not.
_STILL, _TOLD, _UNTOLD = 0.004, 0.9, 0.5
_DIMENSIONS, _STEPS, _VALUES = 12, 150, 10
# Ours: the part of its declared range below which a number is hardly used, and of the reward's variance that it tells.
_USED, _TELLS = 0.002, 0.3


@check(
    "ENV204",
    "observation-scale",
    requires=("ENV201", "ENV202"),
    faults=("observations-too-large", "observations-too-small", "observation-part-too-small"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Measure the size of observations."""
    sizes: dict[str, float] = {}
    for key, space in context.boxes.items():
        # SB3 scales images itself, and one-hot encodes discrete observations, which are no Box.
        if space.dtype != np.uint8 and space.shape != (0,):
            values = context.batch.observations[key].astype(float)
            sizes[key] = float(np.abs(values).reshape(len(values), -1).mean(axis=0).max())
    if not sizes:
        return "nothing to scale"
    key, size = max(sizes.items(), key=lambda item: item[1])
    remedy = "Wrap the training environments in VecNormalize, or scale the observation in the environment."
    if size > _LARGE:
        message = f"{key} is about {size:,.3g} in its largest dimension; a network learns best around 1."
        yield warning("observations-too-large", message, remedy, observed=size, expected=_LARGE)
    elif 0 < size < _SMALL:
        message = f"All observations are below {_SMALL} (largest {size:.3g}); a network learns best around 1."
        yield warning("observations-too-small", message, remedy, observed=size, expected=_SMALL)
    elif lost := _lost(context):
        several = len(lost) > 1
        spread = max(lost.values())
        yield warning(
            "observation-part-too-small",
            f"The reward follows from number{'s' if several else ''} {shortened(list(lost))} of the observation, which "
            f"var{'y' if several else 'ies'} by {spread:.2g} only (standard deviation), and not from the others.",
            "Scale each number by its own mean and standard deviation, as VecNormalize does.",
            observed=spread,
            expected=_STILL,
            dimensions=list(lost),
        )
    elif unused := _unused(context):
        name, place, used, tells = unused
        yield warning(
            "observation-part-too-small",
            f"Number {place} of {name} explains {tells:.0%} of the reward and uses {used:.1g} of its declared range: "
            "what it should show hardly moves it.",
            "Compare its unit with that of its bounds, such as degrees and radians; scale it by what it can be.",
            observed=used,
            expected=_USED,
            dimensions=[place],
        )
    return f"largest dimension about {size:.3g}"


def _unused(context: PreflightContext) -> tuple[str, int, float, float] | None:
    """Return a number that tells of the reward and uses next to nothing of its declared range; ``None`` without one.

    Returns:
        Part and place of the number, the fraction of its range that it uses, and of the reward that it explains.
    """
    batch = context.batch
    target = batch.rewards[:, None]
    if len(batch.rewards) < _STEPS or len(np.unique(batch.rewards)) < _VALUES or not np.isfinite(batch.rewards).all():
        return None
    for key, space in context.boxes.items():
        if space.dtype is None or space.dtype.kind != "f" or np.prod(space.shape) > _DIMENSIONS or "goal" in key:
            continue
        rows = batch.observations[key].reshape(len(batch.rewards), -1).astype(float)
        with np.errstate(over="ignore", invalid="ignore"):
            width = (space.high.astype(float) - space.low.astype(float)).ravel()
        for place in np.flatnonzero(np.isfinite(width) & (width > 0)):
            column, used = rows[:, place], float(np.ptp(rows[:, place]) / width[place])
            if not 1e-9 < used < _USED or column.std() >= _STILL:
                continue
            scaled = (column - column.mean()) / column.std()
            tells = float(explained(np.column_stack([scaled, scaled**2]), target)[0])
            if tells > _TELLS:
                return key, int(place), used, tells
    return None


def _lost(context: PreflightContext) -> dict[int, float]:
    """Return the dimensions that tell the reward and hardly vary, and by how much; empty where there are none."""
    batch = context.batch
    if set(context.boxes) != set(batch.observations) or len(batch.rewards) < _STEPS:
        return {}
    rows = np.concatenate(
        [v.reshape(len(batch.rewards), -1).astype(float) for v in batch.observations.values()], axis=1
    )
    spread = rows.std(axis=0)
    moving = np.flatnonzero(spread > 1e-12)
    small = [int(i) for i in moving if spread[i] < _STILL]
    others = [int(i) for i in moving if spread[i] >= _STILL]
    if not small or not others or len(moving) > _DIMENSIONS or len(np.unique(batch.rewards)) < _VALUES:
        return {}
    if "desired_goal" in batch.observations or not np.isfinite(batch.rewards).all():
        return {}
    actions = batch.actions.reshape(len(batch.actions), -1).astype(float)
    target = batch.rewards[:, None]

    def told(places: list[int]) -> float:
        seen = (rows[:, places] - rows[:, places].mean(axis=0)) / spread[places]
        # Distances of numbers in the same unit.
        gaps = [np.abs(rows[:, i] - rows[:, j]) for k, i in enumerate(places) for j in places[:k]]
        return float(explained(np.column_stack([with_products(seen), actions, actions**2, *gaps]), target)[0])

    if told(small) < _TOLD or told(others) > _UNTOLD:
        return {}
    return {i: float(spread[i]) for i in small}
