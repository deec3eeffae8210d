"""Goals can be reached.

What it does: steers straight at the goal with a proportional controller, whose gain follows from how far actions were
seen to move the achieved goal, and compares where it ends with where it started and with the random policy. Where
actions do not move the achieved goal directly, as those of joints do not, it plays random and held actions, and looks
whether any desired goal lies where achieved goals come to, or between them.

Why it matters: a goal that a controller with full knowledge cannot reach will not be reached by a policy either: goals
outside the workspace, actions too weak for the episode, a goal that is shown but not pursued.

What to do: compare the region of goals with the workspace, and the reach of actions with the length of an episode.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.alternatives import alternatives

# Ours: where the controller works it ends at 4 % of the first distance; the random policy at more than 100 %.
_FAR_BETTER = 0.5
# Ours: above, an action moves the achieved goal alike everywhere (FetchReach: 0.99).
_STRAIGHT = 0.9
# Held actions and as many random episodes, and resets that show goals.
_PLAYS, _GOALS, _LONGEST = 12, 30, 100
# A place has so many numbers; between points of more dimensions there is hardly ever another.
_DIMENSIONS = 3
# Ours, in sizes of where achieved goals come to: less is left to what random actions miss, more may be a long way.
_BESIDE, _AWAY = 0.03, 1.0
# What all episodes reach beyond half of them, as a fraction of what is missing to the goal: more would add little.
_SETTLED = 0.5


@check(
    "ENV406",
    "goal-reachable",
    requires=("ENV201", "ENV202", "ENV206", "ENV302"),
    faults=("goal-unreachable", "goals-out-of-reach"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Steer at the goal."""
    if context.movement is None:
        raise Skipped("no goals, or no continuous actions")
    homing = context.homing
    if homing is None:
        return (yield from _compare_places(context))
    batch = context.batch
    ends = [float(batch.distances[batch.episode == i][-1]) for i in range(len(batch.starts))]
    last, random = float(np.median(homing.last)), float(np.median(ends))
    threshold = context.distance_threshold
    context.measured["controller_distance"] = last
    reached = threshold is not None and float(np.mean(homing.last < threshold)) >= 0.5
    missed = not reached and last > _FAR_BETTER * min(random, float(np.median(homing.first)))
    if missed and context.movement.fit < _STRAIGHT:
        # Joints that turn move it another way in another state, and the controller knows one of them.
        return (yield from _compare_places(context))
    if missed:
        within = f" (success needs {threshold:g})" if threshold is not None else ""
        yield error(
            "goal-unreachable",
            f"A controller that steers straight at the goal ends {last:.3g} away from it{within}; "
            f"the random policy {random:.3g}.",
            "Compare the region of goals with the workspace, and the reach of actions with the length of an episode.",
            observed=last,
            expected=threshold if threshold is not None else _FAR_BETTER * random,
        )
    return f"controller ends {last:.3g} from the goal, random policy {random:.3g}"


def _compare_places(context: PreflightContext) -> CheckFindings:
    """Compare where achieved goals come to with where desired goals are."""
    batch, threshold = context.batch, context.distance_threshold or 0.0
    achieved = batch.observations["achieved_goal"].reshape(len(batch.rewards), -1).astype(float)
    places = [achieved[batch.episode == number] for number in range(len(batch.starts))]
    goals = [np.ravel(start["desired_goal"]).astype(float) for start in batch.starts]
    if achieved.shape[1] > _DIMENSIONS or not _moves(places):
        raise Skipped("actions do not move the achieved goal directly, so a simple controller proves nothing")
    size, gaps = _beyond(places, goals)
    if min(gaps) > max(threshold, _BESIDE * size):
        context.budget.require(_GOALS * context.budget.reset_seconds)
        resets = (context.env.reset(seed=200 + number)[0] for number in range(_GOALS))
        goals = [np.ravel(first["desired_goal"]).astype(float) for first in resets]
        places = _played(context)
        size, gaps = _beyond(places, goals)
    least = float(min(gaps))
    _, of_half = _beyond(places[::2], goals)
    # What half of the episodes miss of what all reach, beside what is missing to the goal.
    settled = all(half - gap <= _SETTLED * gap for half, gap in zip(of_half, gaps, strict=True))
    if settled and _moves(places) and max(threshold, _BESIDE * size) < least <= _AWAY * size:
        yield warning(
            "goals-out-of-reach",
            f"All of {len(goals)} desired goals lie {least:.3g} or more beyond any place that the achieved goal came "
            f"to in {len(places)} episodes with random and held actions, which is up to {size:.3g} from their middle.",
            "Compare the region of goals with the workspace, in the same units and the same frame.",
            observed=least,
            expected=0.0,
        )
        return ""
    raise Skipped("a simple controller proves nothing here, and goals lie between achieved ones or a long way off")


def _moves(places: list[FloatArray]) -> bool:
    """Return whether the achieved goal moves in most episodes: an object that is seldom touched proves nothing."""
    moved = [float(np.ptp(episode, axis=0).max()) for episode in places]
    return float(np.quantile(moved, 0.1)) > 0.1 * max(moved)


def _beyond(places: list[FloatArray], goals: list[FloatArray]) -> tuple[float, list[float]]:
    """Return how far places reach from their middle, and how far each goal is beyond the farthest in its direction."""
    every = np.concatenate(places)
    middle = (every.max(axis=0) + every.min(axis=0)) / 2
    ways = [(goal - middle) / max(float(np.linalg.norm(goal - middle)), 1e-12) for goal in goals]
    gaps = [
        float((goal - middle) @ way - ((every - middle) @ way).max()) for goal, way in zip(goals, ways, strict=True)
    ]
    return float(np.linalg.norm(every - middle, axis=1).max()), gaps


def _played(context: PreflightContext) -> list[FloatArray]:
    """Return the achieved goals of each of some episodes with random and with held actions, ``(steps, d)``."""
    env, batch = context.env, context.batch
    held = alternatives(env.action_space, _PLAYS, seed=95)
    longest = min(context.horizon or max((length for length, *_ in batch.ends), default=_LONGEST), _LONGEST)
    longest = context.budget.steps(longest, plays=2 * _PLAYS)
    random = np.random.default_rng(16)
    places = []
    for seed in range(2 * _PLAYS):
        observation, _ = env.reset(seed=100 + seed)
        rows = [np.ravel(observation["achieved_goal"]).astype(float)]
        for _ in range(longest):
            action = held[seed // 2 % len(held)] if seed % 2 and held else draw(env.action_space, random)
            observation, _, terminated, truncated, _ = env.step(action)
            rows.append(np.ravel(observation["achieved_goal"]).astype(float))
            if terminated or truncated:
                break
        places.append(np.stack(rows))
    return places
