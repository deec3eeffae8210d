"""The reward of a step does not shrink with the number of the step.

What it does: where the rewards of random episodes become smaller from step to step, gives the environment's own clock,
an attribute that rises with every step or shrinks by a factor, the value of some steps later, and plays the same
episode again. Where every reward is then the same part of what it was, it is multiplied by a power of the step.

Why it matters: the algorithm discounts by itself. Discounted twice, all that comes late is worth next to nothing, the
same state is worth another sum at another step, and no policy learns what happens late in an episode.

What to do: return the plain reward, and leave the discount to ``gamma`` of the algorithm.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.hidden import play_with
from rldoctor.preflight.probes.views.sources import watch

# Episodes in which a shrinking reward shows, and how much smaller its last third is then than its first. Ours.
_LONG, _SMALLER = 30, 0.6
# Steps that are played, steps by which a clock is put on, and rewards that must be the same part of what they were.
_STEPS, _ON, _FEWEST = 20, 5, 5
_SAME = 1e-4


@check(
    "ENV417",
    "reward-discounted",
    requires=("ENV105", "ENV111", "ENV401"),
    late=1,
    faults=("reward-discounted-inside",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Put the environment's clock on and compare the rewards."""
    batch = context.batch
    places = np.concatenate([np.arange(count) for count in np.bincount(batch.episode)])
    length = int(places.max()) + 1
    if length < _LONG:
        raise Skipped("episodes are too short")
    size = np.abs(batch.rewards)
    first, last = float(size[places < length / 3].mean()), float(size[places >= 2 * length / 3].mean())
    if last >= _SMALLER * first:
        return f"late rewards are {last / first:.2g} of early ones" if first else "no reward"
    env, random = context.env, np.random.default_rng(61)
    steps = context.budget.steps(_STEPS, least=_FEWEST + 1, plays=4)
    actions = [draw(env.action_space, random) for _ in range(steps)]
    base = play_with(env, 0, actions)
    for name, value, whole in _clocks(context, actions):
        later = play_with(env, 0, actions, (name, value))
        shared = min(len(base.rewards), len(later.rewards))
        was, now = base.rewards[1:shared], later.rewards[1:shared]
        told = np.abs(was) > 0
        if not later.set or told.sum() < _FEWEST or np.ptp(was[told]) == 0:
            continue
        parts = now[told] / was[told]
        part = float(np.median(parts))
        # What shrinks by a factor and is seen, such as a price, is a state.
        same_view = whole or np.array_equal(base.seen[1:shared], later.seen[1:shared])
        if np.ptp(parts) <= _SAME * part and 0 < part < 1 - _SAME and same_view and not now[~told].any():
            factor = part ** (1 / _ON)
            yield warning(
                "reward-discounted-inside",
                f"The reward is multiplied by {factor:.4g} to the power of the step: with self.{name} as it is {_ON} "
                f"steps later, every reward is {part:.3g} of what it was.",
                "Return the plain reward; the algorithm discounts by itself (gamma).",
                observed=factor,
                expected=1.0,
                attributes=[name],
            )
            return ""
    return f"late rewards are {last / first:.2g} of early ones, by no clock"


def _clocks(context: PreflightContext, actions: list[object]) -> list[tuple[str, np.ndarray, bool]]:
    """Return the attributes that rise by the same number, or shrink by the same factor, with every step.

    Each with its value some steps after the reset, and whether it rises.
    """
    play = watch(context.env, 0, actions[: _ON + 1])
    found = []
    for place, name in enumerate(play.names):
        course = play.inner[:, place]
        if play.names.count(name) > 1 or len(course) <= _ON:
            continue
        rises = np.diff(course)
        if rises[0] > 0 and np.allclose(rises, rises[0]):
            found.append((name, course[_ON : _ON + 1], True))
        elif (
            (course > 0).all()
            and course[1] < course[0]
            and np.allclose(course[1:] / course[:-1], course[1] / course[0])
        ):
            found.append((name, course[_ON : _ON + 1], False))
    return found
