"""Goals can be reached.

What it does: steers straight at the goal with a proportional controller, whose gain follows from how far actions were
seen to move the achieved goal, and compares where it ends with where it started and with the random policy.

Why it matters: a goal that a controller with full knowledge cannot reach will not be reached by a policy either: goals
outside the workspace, actions too weak for the episode, a goal that is shown but not pursued.

What to do: compare the region of goals with the workspace, and the reach of actions with the length of an episode.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext

# Ours: where the controller works it ends at 4 % of the first distance; the random policy at more than 100 %.
_FAR_BETTER = 0.5


@check("ENV406", "goal-reachable", requires=("ENV201", "ENV202", "ENV206", "ENV302"), faults=("goal-unreachable",))
def run(context: PreflightContext) -> CheckFindings:
    """Steer at the goal."""
    if context.movement is None:
        raise Skipped("no goals, or no continuous actions")
    homing = context.homing
    if homing is None:
        raise Skipped("actions do not move the achieved goal directly, so a simple controller proves nothing")
    batch = context.batch
    ends = [float(batch.distances[batch.episode == i][-1]) for i in range(len(batch.starts))]
    last, random = float(np.median(homing.last)), float(np.median(ends))
    threshold = context.distance_threshold
    context.measured["controller_distance"] = last
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
