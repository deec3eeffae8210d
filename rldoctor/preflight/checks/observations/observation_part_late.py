"""All parts of an observation are of the same moment.

What it does: compares the numbers of the observation with the environment's own attributes over some random steps, and
looks for those that show what an attribute was one or more steps before, while others show what is now.

Why it matters: an observation of which one part is late describes a state that there never was. The policy acts on
where something has been, and no other part tells it where it is.

What to do: read all of the observation after the simulation has moved; look for a copy that is taken too early.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, shortened, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import arrays, draw
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.inspection import user_wrappers
from rldoctor.preflight.probes.views.sources import copies, differs_at_once, follows, of_actions, watch

_STEPS, _PLAYS = 20, 2
# Their observations are theirs; a wrapper may still bring a late part in.
_TESTED = ("gymnasium.", "gymnasium_robotics.")
_MOST_LATE = 4
_NUMBERS = 256
_ACTIONS, _PREFIX = 6, 3


@check(
    "ENV215",
    "observation-part-late",
    requires=("ENV105", "ENV205", "ENV302"),
    late=1,
    faults=("observation-part-late",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare observations with attributes before and after the step."""
    env, random = context.env, np.random.default_rng(31)
    if not 1 < sum(value.size for value in arrays(context.batch.raw[0]).values()) <= _NUMBERS:
        raise Skipped("no observation of several numbers")
    if context.entry_point.startswith(_TESTED) and not user_wrappers(env):
        raise Skipped("the environment is the library's own, without wrappers")
    steps = context.budget.steps(_STEPS, plays=_PLAYS)
    actions = [[draw(env.action_space, random) for _ in range(steps)] for _ in range(_PLAYS)]
    plays = [watch(env, seed, actions[seed]) for seed in range(_PLAYS)]
    names = plays[0].names
    if any(play.names != names for play in plays) or not (np.diff(plays[0].inner, axis=0) != 0).any():
        raise Skipped("its attributes do not show its state")
    # Kept to be shown later, or an action that waits: neither says what is now.
    waiting = of_actions(plays, [np.array(taken, float).reshape(len(taken), -1) for taken in actions])
    # A pipeline hands on by one place a step: each place was the one before it, which is seen as well.
    handed_on, as_they_are = copies(plays), np.asarray(follows(plays, 0))
    now = as_they_are & ~handed_on
    if not now.any():
        raise Skipped("no number of the observation is one of its attributes")
    # Which attributes are seen as they are, and which numbers of the observation show one so.
    shown, current = np.asarray(as_they_are.any(axis=0)), np.asarray(now.any(axis=1))
    for late in range(1, _MOST_LATE + 1):
        then = follows(plays, late) & ~current[:, None] & ~shown & ~waiting & ~handed_on
        if not then.any():
            continue
        moved = _moved_at_once(context)
        dimensions = [int(i) for i, row in enumerate(then) if any(names[j] in moved for j in np.flatnonzero(row))]
        if dimensions:
            name = next(names[j] for j in np.flatnonzero(then[dimensions[0]]) if names[j] in moved)
            several = len(dimensions) > 1
            ago = "one step" if late == 1 else f"{late} steps"
            shows = "they show" if several else "it shows"
            yield warning(
                "observation-part-late",
                f"Number{'s' if several else ''} {shortened(dimensions)} of the observation "
                f"{'are' if several else 'is'} {ago} late: {shows} self.{name} as it was {ago} before, "
                "while others show what is now.",
                "Read all of the observation after the simulation has moved.",
                observed=late,
                expected=0,
                dimensions=dimensions[:32],
                attributes=[name],
            )
            return ""
    return f"{int(current.sum())} of {len(current)} numbers are attributes as they are"


def _moved_at_once(context: PreflightContext) -> set[str]:
    """Return the attributes that actions change with their own step: what is drawn for the next one may be hidden."""
    space = context.env.action_space
    actions = alternatives(space, _ACTIONS, seed=33)
    moved: set[str] = set()
    for seed in range(3):
        context.budget.steps(_PREFIX + 1, least=_PREFIX + 1, plays=len(actions))
        before = [alternatives(space, 1, seed=seed + step)[0] for step in range(_PREFIX)]
        moved.update(differs_at_once(context.env, seed, before, actions))
    return moved
