"""Relabelled goals were reached later in the same episode, and rewards are recomputed for them.

What it does: looks at every transition that hindsight replay (HER) gives another goal: the goal must be one that the
same episode reached, at this step or later ("future"), it must stand in the observation and in the next one, and the
reward must be what compute_reward says of the goal that the step reached and the new one.

Why it matters: with a reward that is not recomputed, or goals of other episodes, hindsight replay teaches what is not
so; the success rate stays at zero as it does without hindsight replay, and nothing else shows it.

What to do: use Stable-Baselines3's HerReplayBuffer, or fix what the finding names in yours.
"""

from __future__ import annotations

from collections.abc import Mapping

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error
from rldoctor.preflight.context import PreflightContext

_WRONG: Mapping[str, tuple[str, str, str]] = {
    "goal-reward": (
        "hindsight-reward-stale",
        "have a reward that is not compute_reward's of the new goal",
        "Call compute_reward with the goal that the step reached (of the next observation) and the new goal.",
    ),
    "goal-foreign": (
        "hindsight-goal-foreign",
        "have a goal that their episode never reached",
        "Draw new goals from the achieved goals of the same episode and the same environment.",
    ),
    "goal-past": (
        "hindsight-goal-past",
        "have a goal that was only reached before the step",
        "Draw goals from this step on: that is what 'future' means.",
    ),
    "goal-half-replaced": (
        "hindsight-goal-half-replaced",
        "have the new goal in one of the two observations only",
        "Set desired_goal in the observation and in the next observation.",
    ),
}


@check(
    "ENV513",
    "hindsight-goals",
    Group.LEARNING,
    faults=(*(name for name, _, _ in _WRONG.values()), "hindsight-missing"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Judge relabelled transitions."""
    found = context.replay.returned
    share = found.share
    if share is None:
        raise Skipped("hindsight replay is off")
    for name, (fault, what, remedy) in _WRONG.items():
        if found.wrong[name]:
            message = f"{found.wrong[name]} of {found.relabelled} relabelled transitions {what}."
            yield error(fault, message, remedy, observed=found.wrong[name])
    # A goal that is drawn may be the step's own; half of what is asked for is far outside chance.
    if found.relabelled < 0.5 * share * found.count:
        message = f"{found.relabelled} of {found.count} transitions have a new goal; {share:.0%} were asked for."
        remedy = "Check n_sampled_goal and the sampling: hindsight replay hardly happens."
        yield error("hindsight-missing", message, remedy, observed=found.relabelled / found.count, expected=share)
    return f"{found.relabelled} of {found.count} relabelled"
