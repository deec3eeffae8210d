"""Achieved and desired goals are given in the same frame and the same units.

What it does: where the achieved goals of random episodes and the desired goals of some resets have no values in common,
looks for an attribute that is the achieved goal in other words, moved by a constant or scaled, and lies where the
desired goals are; or for one that is the desired goal and lies where the achieved ones are.

Why it matters: a gripper that is measured from the arm's base and a goal that is given in the room are never near each
other, whatever the policy does. No goal is ever reached, and hindsight relabels with goals of another place.

What to do: convert both to one frame and one unit where the observation is built.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.views.sources import watch

_RESETS, _STEPS = 24, 5
# Of the goals, how many have to lie where the attribute does, and how far its range may go on on either side. Ours.
_WITHIN, _MARGIN = 0.8, 0.25
# How wide goals are beside the attribute: a thousand times narrower is no range of goals in another unit.
_NARROW, _WIDE = 0.1, 3.0
_EXACT = 1e-5


@dataclass(frozen=True)
class _Seen:
    """Starts and some steps after them.

    Attributes:
        achieved: ``(n, d)``.
        desired: ``(n, d)``.
        inner: Numbers of attributes at the same time, ``(n, m)``.
        names: Of each, ``(m,)``.
    """

    achieved: FloatArray
    desired: FloatArray
    inner: FloatArray
    names: tuple[str, ...]


@check("ENV407", "goal-frames", requires=("ENV105", "ENV201", "ENV202", "ENV206"), faults=("goal-in-another-frame",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare ranges, and look for who explains the gap."""
    if not context.has_goals:
        raise Skipped("no goals")
    batch = context.batch
    achieved, desired = (
        batch.observations[key].reshape(len(batch.rewards), -1).astype(float)
        for key in ("achieved_goal", "desired_goal")
    )
    if achieved.shape != desired.shape or not _apart(achieved, desired).any():
        return "achieved and desired goals have values in common"
    seen = _play(context)
    apart = _apart(np.concatenate([achieved, seen.achieved]), np.concatenate([desired, seen.desired]))
    if not apart.any():
        return "achieved and desired goals have values in common"
    for said, other, own in (
        ("achieved_goal", seen.desired, seen.achieved),
        ("desired_goal", seen.achieved, seen.desired),
    ):
        found = _in_other_words(seen, own, other, np.flatnonzero(apart))
        if found:
            name, words = found
            against = "desired" if said == "achieved_goal" else "achieved"
            yield error(
                "goal-in-another-frame",
                f"{said} is self.{name} {words}, and self.{name} itself lies where {against} goals are: achieved and "
                f"desired goals are given in two frames or units, and have no value in common in {len(seen.inner)} "
                "states.",
                "Convert both to one frame and one unit where the observation is built.",
                attributes=[name],
                dimensions=np.flatnonzero(apart).tolist()[:32],
            )
            return ""
    return "achieved and desired goals have no values in common, and no attribute tells why"


def _apart(one: FloatArray, two: FloatArray) -> np.ndarray:
    """Return in which dimensions the ranges of two sets of goals have a gap between them, as wide as one of them."""
    gap = np.maximum(one.min(axis=0) - two.max(axis=0), two.min(axis=0) - one.max(axis=0))
    return np.asarray(gap > np.minimum(np.ptp(one, axis=0), np.ptp(two, axis=0)))


def _play(context: PreflightContext) -> _Seen:
    env, random = context.env, np.random.default_rng(43)
    steps = context.budget.steps(_STEPS, least=1, plays=_RESETS)
    plays = [watch(env, seed, [draw(env.action_space, random) for _ in range(steps)]) for seed in range(_RESETS)]
    names = plays[0].names
    size = np.size(context.batch.raw[0]["desired_goal"])
    rows = [play.seen for play in plays if play.names == names]
    inner = [play.inner for play in plays if play.names == names]
    # Of a dictionary's parts, each at its place.
    parts = {
        key: np.size(value) for key, value in context.batch.raw[0].items() if np.asarray(value).dtype.kind in "biuf"
    }
    starts = dict(zip(parts, np.cumsum([0, *parts.values()]).tolist(), strict=False))
    seen = np.concatenate(rows)
    places = [seen[:, starts[key] : starts[key] + size] for key in ("achieved_goal", "desired_goal")]
    return _Seen(places[0], places[1], np.concatenate(inner), names)


def _in_other_words(seen: _Seen, own: FloatArray, other: FloatArray, apart: np.ndarray) -> tuple[str, str] | None:
    """Return which attribute is ``own`` moved or scaled, and lies where ``other`` does, in all dimensions ``apart``."""
    for name in dict.fromkeys(seen.names):
        columns = seen.inner[:, [i for i, one in enumerate(seen.names) if one == name]]
        words: list[str] = []
        for dimension in apart:
            said = next(
                (
                    relation
                    for column in columns.T
                    if (relation := _relation(own[:, dimension], column)) and _lies_where(other[:, dimension], column)
                ),
                "",
            )
            if not said:
                break
            words.append(said)
        if len(words) == len(apart):
            return name, ", ".join(dict.fromkeys(words))
    return None


def _relation(own: FloatArray, column: FloatArray) -> str:
    """Return how ``own`` follows from an attribute, in words; empty where it does not, or is the same."""
    if min(np.ptp(own), np.ptp(column)) <= 0:
        return ""
    factor, constant = np.polyfit(column, own, 1)
    scale = float(np.ptp(own))
    if np.abs(factor * column + constant - own).max() > _EXACT * max(scale, float(np.abs(own).max())):
        return ""
    moved = abs(constant) > _EXACT * max(1.0, float(np.abs(own).max()))
    scaled = abs(factor - 1) > 1e-3
    sign = "less" if constant < 0 else "plus"
    if scaled:
        return f"times {factor:.4g}{f' {sign} {abs(constant):.4g}' if moved else ''}"
    return f"{sign} {abs(constant):.4g}" if moved else ""


def _lies_where(goals: FloatArray, column: FloatArray) -> bool:
    width = float(np.ptp(column))
    within = (goals >= column.min() - _MARGIN * width) & (goals <= column.max() + _MARGIN * width)
    return bool(np.mean(within) >= _WITHIN and _NARROW * width <= np.ptp(goals) <= _WIDE * width)
