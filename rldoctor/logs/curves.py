"""The points of logged tags translated into the curves of canonical metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from rldoctor.logs.formats.columns import Points
from rldoctor.logs.formats.log_file import LARGEST_STEP
from rldoctor.logs.formats.monitor import EPISODES_PER_MEAN, recent_mean
from rldoctor.logs.tag_mapping import Meaning, TagMapping
from rldoctor.model import Aggregation, Curve, FloatArray, IntArray

# RLlib's tables hold their means before there is an episode to take them over.
_MEANS_OF_EPISODES = frozenset({"episode_return", "episode_length", "success_rate"})
# From so many episodes a mean on, in a run of a hundred, means over fewer are left out at the start. Ours.
_WIDE = 5


def env_step_axis(points: Mapping[str, Points], counters: Sequence[str]) -> tuple[Mapping[str, Points], str]:
    """Return the points at environment steps where one of the tags ``counters`` holds these, and that tag."""
    counter = next((tag for tag in counters if tag in points and len(points[tag][0]) > 1), "")
    if not counter:
        return points, ""
    logged, counts = points[counter]
    valid = np.isfinite(counts) & (counts >= 0) & (counts < LARGEST_STEP)
    if not valid.all() or (np.diff(counts) < 0).any():
        return points, ""
    return {
        tag: (np.interp(steps, logged, counts).astype(np.int64), values)
        for tag, (steps, values) in points.items()
        if tag != counter
    }, counter


def to_curves(points: Mapping[str, Points], mappings: Sequence[TagMapping]) -> tuple[dict[str, Curve], list[str]]:
    """Translate tags into metrics; also return the tags that none of ``mappings`` knows.

    A supplement never replaces what the framework itself logged.
    """
    curves: dict[str, Curve] = {}
    used: set[str] = set()
    for mapping in sorted(mappings, key=lambda mapping: mapping.supplement):
        found: dict[str, Curve] = {}
        for tag, meaning in _in_order(mapping, tuple(points)):
            if tag in used:
                continue
            used.add(tag)
            if meaning is None:
                continue
            steps, values = points[tag]
            if meaning.unused is not None and np.array_equal(
                values, np.full_like(values, meaning.unused), equal_nan=True
            ):
                continue
            if meaning.unused is not None and math.isnan(meaning.unused):
                steps, values = _from_the_first_episode(steps, values)
            if meaning.axis and steps[-1] > 0:
                # Updates come evenly with steps, so that both axes end together.
                steps = np.round(steps * (_last_step(points, mappings) / steps[-1])).astype(np.int64)
            # Adding 0 keeps a zero whose sign was changed from becoming -0.
            values = values if meaning.factor == 1.0 else values * meaning.factor + 0.0
            if meaning.aggregation is Aggregation.EPISODE:
                # What the signs expect: SB3 and others log the mean of the last hundred episodes. A mean over the first
                # two or three is no level to start from, unless there are few in all.
                window = _window(len(values))
                first = window - 1 if window >= _WIDE else 0
                steps, values = steps[first:], recent_mean(values, window)[first:]
            elif meaning.metric in _MEANS_OF_EPISODES:
                steps, values = _from_the_first_episode(steps, values)
            metric = meaning.otherwise if meaning.otherwise and meaning.metric in found else meaning.metric
            metric = next((name for other, name in meaning.beside.items() if other in points), metric)
            found.setdefault(metric, Curve(metric, steps, values, tag, meaning.aggregation))
        curves = {**found, **curves}
    return dict(sorted(curves.items())), [tag for tag in points if tag not in used]


def _from_the_first_episode(steps: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return means of episodes without the NaN that some loggers write until the first episode has ended."""
    if not np.isnan(values[:1]).any():
        return steps, values
    begun = int(np.argmin(np.isnan(values)))
    return (steps, values) if np.isnan(values[begun]) else (steps[begun:], values[begun:])


@lru_cache(256)
def _in_order(mapping: TagMapping, tags: tuple[str, ...]) -> tuple[tuple[str, Meaning | None], ...]:
    """Return those of ``tags`` that a mapping knows, in the order of its file, with what each means."""
    order = {tag: i for i, tag in enumerate(mapping.tags)}
    known = [tag for tag in tags if mapping.meaning(tag) or mapping.ignores(tag)]
    known.sort(key=lambda tag: (order.get(mapping.place(tag) or "", len(order)), tag))
    return tuple((tag, mapping.meaning(tag)) for tag in known)


def _last_step(points: Mapping[str, Points], mappings: Sequence[TagMapping]) -> float:
    """Return the last step of the tags that count what the framework's step axis says; 0 where there is none."""
    meanings = ((mapping.meaning(tag), steps) for mapping in mappings for tag, (steps, _) in points.items())
    return float(max((steps[-1] for meaning, steps in meanings if meaning and not meaning.axis), default=0))


def _window(episodes: int) -> int:
    """Return over how many episodes a mean is taken: a hundred, in short runs a twentieth of all."""
    return min(EPISODES_PER_MEAN, max(1, episodes // 20))


def add_point(curve: Curve, point: Curve) -> Curve:
    """Return ``curve`` with the single point of another behind it, in place of any at its step or later."""
    kept = curve.steps < point.steps[0]
    steps, values = np.append(curve.steps[kept], point.steps), np.append(curve.values[kept], point.values)
    return Curve(curve.metric, steps, values, curve.tag, curve.aggregation)
