"""Angles in degrees are not taken for radians.

What it does: looks for attributes that start anywhere in a range of degrees up to 360, and compares their cosine and
sine with the directions in which other attributes move, and with the numbers of the observation. Where these are the
cosine and the sine of the number as it is, and not of its angle in degrees, it is taken for radians; and the other way
round for attributes that go round at 2 pi.

Why it matters: one degree more turns the direction by 57 degrees. The environment steps and pays, but no policy can
tell where an action leads: neighbouring courses lead to opposite sides.

What to do: ``np.cos(np.deg2rad(course))``; keep angles in radians inside, and convert what is shown.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.inspection import state_of
from rldoctor.preflight.probes.views.sources import Watched, watch

_PLAYS, _STEPS, _RESETS = 4, 30, 6
# Of an angle in degrees: no value beyond a turn, of which starts use a third.
_TURN, _SPREAD = 360.0, 120.0
# Of one in radians.
_HALF_TURN = 3.0
# Numbers of attributes whose pairs are looked at, and rows that show it.
_MOST, _FEWEST, _EXACT, _NEARLY_ALL = 24, 20, 1e-4, 0.95


@check(
    "ENV127",
    "angle-units",
    requires=("ENV105", "ENV202"),
    late=1,
    faults=("degrees-taken-for-radians", "radians-taken-for-degrees"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare directions with the cosine and sine of angles."""
    env = context.env
    starts = []
    for seed in range(_RESETS):
        env.reset(seed=seed)
        starts.append(state_of(env))
    if not any(_may_be_an_angle(np.array([one[name] for one in starts])) for name in _lasting(starts)):
        raise Skipped("no attribute that could be an angle, of which starts show all sides")
    plays = _played(context, _PLAYS)
    names = plays[0].names
    plays = [play for play in plays if play.names == names]
    inner = np.concatenate([play.inner for play in plays])
    in_degrees = _may_be_degrees(inner)
    in_radians = _may_be_radians(inner) & np.any([_goes_round(play.inner, 2 * np.pi) for play in plays], axis=0)
    for place in np.flatnonzero(in_degrees):
        if shown := _used_as(plays, int(place), 1.0, np.pi / 180):
            yield error(
                "degrees-taken-for-radians",
                f"self.{names[place]} is an angle in degrees, from {inner[:, place].min():.4g} to "
                f"{inner[:, place].max():.4g}, and {shown} its cosine and sine as if it were in radians.",
                "Convert it: np.cos(np.deg2rad(...)).",
                attributes=[names[place]],
            )
            return ""
    for place in np.flatnonzero(in_radians):
        if shown := _used_as(plays, int(place), np.pi / 180, 1.0):
            yield error(
                "radians-taken-for-degrees",
                f"self.{names[place]} is an angle in radians that goes round at 2 pi, and {shown} its cosine and sine "
                "as if it were in degrees.",
                "Take its cosine and sine as it is, without deg2rad.",
                attributes=[names[place]],
            )
            return ""
    return f"{int(in_degrees.sum() + in_radians.sum())} angles looked at"


def _lasting(starts: list[dict[str, FloatArray]]) -> list[str]:
    return [
        name for name, value in starts[0].items() if all(name in s and s[name].shape == value.shape for s in starts)
    ]


def _may_be_an_angle(values: FloatArray) -> bool:
    rows = values.reshape(len(values), -1)
    return bool((_may_be_degrees(rows) | _may_be_radians(rows)).any())


def _may_be_degrees(rows: FloatArray) -> NDArray[np.bool_]:
    """Return which columns are within a turn of 360 and use a third of it."""
    return np.asarray((np.abs(rows).max(axis=0) <= _TURN) & (np.ptp(rows, axis=0) > _SPREAD))


def _may_be_radians(rows: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((np.abs(rows).max(axis=0) <= 2 * np.pi + _EXACT) & (np.ptp(rows, axis=0) > _HALF_TURN))


def _goes_round(rows: FloatArray, period: float) -> NDArray[np.bool_]:
    """Return which columns jump by a period within a step, and change by little in all others."""
    change = np.abs(np.diff(rows, axis=0))
    jumps = change > period / 2
    usual = np.where(jumps, 0.0, change).max(axis=0, initial=0.0)
    beyond = np.where(jumps, np.abs(change - period), 0.0).max(axis=0, initial=0.0)
    return np.asarray(jumps.any(axis=0) & (usual < period / 4) & (beyond <= usual + _EXACT))


def _played(context: PreflightContext, count: int) -> list[Watched]:
    env = context.env
    steps = context.budget.steps(_STEPS, least=10, plays=count)
    plays = []
    for seed in range(count):
        random = np.random.default_rng(70 + seed)
        # Held, to come round.
        held = 1 if seed % 2 else steps // 2
        actions = [one for _ in range(0, steps, held) for one in [draw(env.action_space, random)] * held]
        plays.append(watch(env, seed, actions))
    return plays


def _used_as(plays: list[Watched], place: int, unit: float, right: float) -> str:
    """Return what is the cosine and the sine of an angle times ``unit``, and not times ``right``; empty for nothing."""
    # A direction may be that of the angle before the step, or after it.
    before, after = (
        np.concatenate([play.inner[part, place] for play in plays]) for part in (slice(-1), slice(1, None))
    )
    moves = np.concatenate([np.diff(play.inner, axis=0) for play in plays])
    others = [i for i in np.flatnonzero(np.ptp(moves, axis=0) > 0).tolist() if i != place][:_MOST]
    for one, two in combinations(others, 2):
        far = np.hypot(moves[:, one], moves[:, two])
        rows = far > _EXACT * far.max()
        ways = moves[rows][:, [one, two]] / far[rows, None]
        for angle in (before, after):
            if len(ways) >= _FEWEST and _is_way(ways, angle[rows] * unit) and not _is_way(ways, angle[rows] * right):
                return f"{' and '.join(dict.fromkeys(f'self.{plays[0].names[i]}' for i in (one, two)))} moves along"
    seen, angle = (
        np.concatenate([play.seen for play in plays]),
        np.concatenate([play.inner[:, place] for play in plays]),
    )
    for number, column in enumerate(seen.T):
        for function in (np.cos, np.sin):
            if len(column) >= _FEWEST and np.ptp(column) > 0:
                gaps = [np.abs(column - function(angle * factor)).max() for factor in (unit, right)]
                if gaps[0] < _EXACT < gaps[1]:
                    return f"number {number} of the observation shows"
    return ""


def _is_way(ways: FloatArray, angle: FloatArray) -> bool:
    """Return whether directions are those of an angle, from whichever axis and in whichever sense."""
    sides = np.column_stack([np.cos(angle), np.sin(angle)])
    return any(
        np.mean(np.abs(ways - np.array(signs) * sides[:, order]).max(axis=1) < _EXACT) >= _NEARLY_ALL
        for order in ([0, 1], [1, 0])
        for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1))
    )
