"""The reward rises with success and falls with a distance or an error.

What it does: takes numbers of ``info`` whose names say what they are (a distance to the goal, an error, a success) and
the distance between two parts of the observation of which one is fixed in each episode, and compares them and their
changes with the reward. Looks whether a reward goes on rising beyond where successes are told.

Why it matters: with the wrong sign PPO learns to move away from the goal. Every curve looks healthy, as the return
rises.

What to do: negate the reward, or compute the number in ``info`` after the step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import Batch
from rldoctor.preflight.probes.info_names import SUCCESS
from rldoctor.preflight.probes.views.targets import best_beyond_success, correlation, places_of, rises_with_distance

_DISTANCE = re.compile(
    r"(^|_)(dist|distance|error|err|gap)(_to_(goal|target))?($|_(now|norm|goal|target)$)", re.IGNORECASE
)
# A part of the reward under the name of what it is computed from, or a distance that is to grow.
_OTHER = re.compile(
    r"reward|rew|cost|penalty|bonus|origin|start|travel|covered|obstacle|threshold|max|min", re.IGNORECASE
)
# Ours: a reward with other terms stays above; one with the wrong sign is near -1.
_FLIPPED = -0.5
_FEWEST = 20


def _named(batch: Batch) -> Iterator[tuple[str, FloatArray]]:
    """Yield what every ``info`` reports as a number under a name of a distance or an error."""
    for name in batch.infos[-1]:
        if not isinstance(name, str) or not _DISTANCE.search(name) or _OTHER.search(name):
            continue
        values = [info.get(name) for info in batch.infos]
        if all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in values):
            # An error may have a sign; its size is what a reward falls with.
            yield name, np.abs(np.array(values, dtype=float))


def _within(batch: Batch, values: FloatArray) -> FloatArray:
    """Return the changes of ``values`` from step to step within episodes."""
    return np.asarray(np.diff(values)[np.diff(batch.episode) == 0])


@check(
    "ENV413",
    "reward-against-info",
    requires=("ENV111", "ENV202", "ENV401"),
    faults=(
        "reward-rises-with-distance",
        "success-punished",
        "success-far-away",
        "reward-seems-flipped",
        "reward-best-beyond-success",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the reward with what info names."""
    batch = context.batch
    rewards = batch.rewards
    named = dict(_named(batch)) if len(rewards) >= _FEWEST else {}
    compared: list[str] = []
    for name, values in named.items():
        level = correlation(rewards, -values)
        # A reward for progress follows the change of the distance, not the distance.
        progress = correlation(rewards[1:][np.diff(batch.episode) == 0], -_within(batch, values))
        compared.append(f"{level:.2f} with minus {name}")
        if (level < _FLIPPED and progress < 0.2) or (progress < _FLIPPED and level < 0.2):
            yield error(
                "reward-rises-with-distance",
                f'The reward rises with the size of info["{name}"] (correlation {-min(level, progress):.2f}).',
                f'Negate the reward, or see what info["{name}"] is computed from.',
                observed=min(level, progress),
                expected=1.0,
            )
    flags = _flags(batch)
    if flags is not None and 0 < flags.sum() < len(flags):
        compared.append(f"{int(flags.sum())} successes")
        if context.has_goals and batch.distances[flags].min() > np.median(batch.distances[~flags]):
            yield error(
                "success-far-away",
                f"Success is reported where the goal is far ({batch.distances[flags].min():.3g} or more), not where it "
                "is near.",
                "Compare the distance with its threshold the other way round.",
            )
        elif rewards[flags].max() < rewards[~flags].min() or (
            flags.sum() >= 3 and rewards[flags].mean() < np.quantile(rewards[~flags], 0.1)
        ):
            yield error(
                "success-punished",
                f"Steps with success get a reward of {rewards[flags].mean():.3g}, others {rewards[~flags].mean():.3g}.",
                "Negate the reward of success, or the flag.",
            )
        for name, values in named.items():
            if values[flags].min() > np.median(values[~flags]) and flags.sum() >= 3:
                yield error(
                    "success-far-away",
                    f'Success is reported where info["{name}"] is large ({values[flags].min():.3g} or more), not '
                    "where it is small.",
                    "Compare the distance with its threshold the other way round.",
                )
    if not context.has_goals and (seen := places_of(context)) is not None:
        if flags is not None and (beyond := best_beyond_success(batch, seen, flags)) is not None:
            yield warning(
                "reward-best-beyond-success",
                f"Successes are told where {beyond.name} is from {beyond.low:.3g} to {beyond.high:.3g}, and the reward "
                f"{'rises' if beyond.correlation > 0 else 'falls'} with it on both sides (correlation "
                f"{beyond.correlation:.2f}): it is best far beyond.",
                "Pay the size of the error, not the error with its sign: take its absolute value, or its square.",
                observed=abs(beyond.correlation),
                expected=0.0,
            )
        elif not named and (flipped := rises_with_distance(batch, seen)) is not None:
            yield warning(
                "reward-seems-flipped",
                f"The reward {flipped.words} the distance between observation {flipped.mover} and observation "
                f"{flipped.target}, which stays the same in each episode as a target does (correlation "
                f"{flipped.correlation:.2f}).",
                "Negate the reward if the task is to come nearer.",
                observed=flipped.correlation,
            )
    return ", ".join(compared) or "info names no distance, error or success"


def _flags(batch: Batch) -> np.ndarray | None:
    for name in ("is_success", *SUCCESS):
        if all(isinstance(info.get(name), (bool, np.bool_, int, float, np.number)) for info in batch.infos):
            return np.array([bool(info[name]) for info in batch.infos])
    return None
