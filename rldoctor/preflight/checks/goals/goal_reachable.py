"""Goals can be reached.

What it does: steers straight at the goal with a proportional controller, whose gain follows from how far actions were
seen to move the achieved goal, and compares where it ends with where it started and with the random policy.

Why it matters: what a controller that knows the way cannot reach, no policy will learn to reach: goals outside the
workspace, actions too weak for the episode, a goal that is kept but not pursued.

What to do: compare the region of goals with the workspace, and the reach of actions with the length of an episode.
"""

from __future__ import annotations

import gymnasium
import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error
from rldoctor.preflight.context import PreflightContext

# Ours: a controller is meaningful where actions explain at least half of the goal's movement (FetchReach: 0.99). Where
# it works it ends at 4 % of the first distance; the random policy at more than 100 %.
_FIT = 0.5
_FAR_BETTER = 0.5


def can_home(patient: PreflightContext) -> bool:
    """Tell whether actions move the achieved goal directly enough to steer it."""
    return patient.movement is not None and patient.movement.fit >= _FIT


@check(
    "ENV406",
    "goal-reachable",
    Group.ENVIRONMENT,
    after=("ENV201", "ENV202", "ENV206", "ENV302"),
    faults=("goal-unreachable",),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Steer at the goal."""
    if not patient.has_goals or not isinstance(patient.env.action_space, gymnasium.spaces.Box):
        raise Skipped("no goals, or no continuous actions")
    if not can_home(patient):
        raise Skipped("actions do not move the achieved goal directly, so a simple controller says nothing")
    homing = patient.homing
    batch = patient.batch
    ends = [float(batch.distances[batch.episode == i][-1]) for i in range(len(batch.starts))]
    last, random = float(np.median(homing.last)), float(np.median(ends))
    threshold = patient.distance_threshold
    patient.measured["controller_distance"] = last
    reached = threshold is not None and float(np.mean(homing.last < threshold)) >= 0.5
    if not reached and last > _FAR_BETTER * min(random, float(np.median(homing.first))):
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
