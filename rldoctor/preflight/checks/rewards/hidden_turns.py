"""The reward knows no more of an angle than the observation.

What it does: where two numbers of the observation are the cosine and the sine of an angle, adds one turn to each of the
environment's own numbers that steps change, one by one, and plays on. Where all observations stay the same, though a
part of a turn would show, and the rewards change, the reward counts turns that the observation does not show.

Why it matters: after a turn the same view is paid quite differently. No policy can tell which it is, the critic
averages over both, and whoever turned once is punished for the rest of the episode.

What to do: wrap the difference of angles before it is paid, ``(a - b + pi) % (2 * pi) - pi``, or show the number of
turns.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.hidden import Interference, play_with

_NUMBERS, _STEPS, _TRIED = 64, 8, 12
# Single precision, and how much of the rewards' size a turn must change. Ours.
_NEAR, _MUCH, _ON_CIRCLE = 1e-5, 0.01, 1e-4
# Of a turn.
_PART = 0.2


@check(
    "ENV418",
    "hidden-turns",
    requires=("ENV105", "ENV111", "ENV205", "ENV401"),
    late=1,
    faults=("reward-counts-turns",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Add a turn to each number and compare."""
    env, batch = context.env, context.batch
    parts = [value.reshape(len(batch.rewards), -1) for value in batch.observations.values() if value.dtype.kind == "f"]
    count = sum(part.shape[1] for part in parts)
    if not 2 <= count <= _NUMBERS or not _has_an_angle(np.hstack(parts).astype(float)):
        raise Skipped("no cosine and sine in the observation")
    random = np.random.default_rng(63)
    steps = context.budget.steps(_STEPS, least=2, plays=_TRIED)
    actions = [draw(env.action_space, random) for _ in range(steps)]
    base = play_with(env, 0, actions)
    moving = [name for name in base.state if name not in base.fixed]
    for name in moving[:_TRIED]:
        for place in range(base.state[name].size):
            step = np.zeros(base.state[name].shape)
            step.flat[place] = 2 * np.pi
            turned = play_with(env, 0, actions, (name, base.state[name] + step))
            if not turned.set or not _looks_like(turned, base):
                continue
            gap = float(np.abs(turned.rewards - base.rewards).max())
            # What is not seen at all is no angle: a part of a turn must show.
            is_seen = not _looks_like(play_with(env, 0, actions, (name, base.state[name] + _PART * step)), base)
            if is_seen and gap > _MUCH * max(1e-9, float(np.abs(base.rewards).max())):
                yield warning(
                    "reward-counts-turns",
                    f"With one turn (2 pi) more in self.{name} the observations of {steps} steps stay the same and the "
                    f"rewards change by up to {gap:.3g}: the reward counts turns that the observation does not show.",
                    "Wrap the difference of angles before it is paid, (a - b + pi) % (2 * pi) - pi, or show the turns.",
                    observed=gap,
                    expected=0.0,
                    attributes=[name],
                )
                return ""
    return f"{len(moving)} attributes turned"


def _looks_like(one: Interference, other: Interference) -> bool:
    return one.seen.shape == other.seen.shape and np.allclose(one.seen, other.seen, rtol=_NEAR, atol=_NEAR)


def _has_an_angle(rows: FloatArray) -> bool:
    """Return whether two numbers are on a circle, and both vary."""
    moving = np.flatnonzero((np.ptp(rows, axis=0) > _NEAR) & (np.abs(rows).max(axis=0) <= 1 + _NEAR))
    squares = rows[:, moving] ** 2
    # Of the first row, nearly all pairs are on none.
    pairs = np.argwhere(np.triu(np.abs(squares[0][:, None] + squares[0] - 1) < _ON_CIRCLE, 1))
    return any(np.abs(squares[:, i] + squares[:, j] - 1).max() < _ON_CIRCLE for i, j in pairs)
