"""The replay buffer returns what was put in.

What it does: lets the algorithm collect 120 steps of a stand-in environment that writes every step down, draws a
thousand transitions from the buffer, and compares each with what happened: observation, action (scaled to [-1, 1]
once), reward, the observation after the step, and whether the episode ended for good or was only cut.

Why it matters: the critic believes the buffer. A next observation that is taken after the automatic reset, or a time
limit that counts as an end, teaches wrong values on every episode, while the curves look like slow learning.

What to do: use Stable-Baselines3's own buffer, or fix what the finding names in yours.
"""

from __future__ import annotations

from collections.abc import Mapping

from rldoctor.preflight.check import CheckFindings, Group, check, error
from rldoctor.preflight.context import PreflightContext

# What can be wrong with a transition (rldoctor.preflight.replay.transitions) to finding, what it is, and what to do.
_WRONG: Mapping[str, tuple[str, str, str]] = {
    "unknown": (
        "replay-invents-observations",
        "have an observation that never occurred",
        "Copy observations when they are stored: the environment may change them in place.",
    ),
    "action-twice": (
        "replay-actions-differ",
        "have an action that was scaled to [-1, 1] twice",
        "Store what policy.scale_action returned, as it is.",
    ),
    "action-unscaled": (
        "replay-actions-differ",
        "have an action as the environment got it, not scaled to [-1, 1]",
        "Store what policy.scale_action returns: the critic is asked about scaled actions.",
    ),
    "action": (
        "replay-actions-differ",
        "have another action than was taken",
        "Store the action that the environment got, scaled to [-1, 1].",
    ),
    "next-of-new-episode": (
        "replay-next-observation-wrong",
        "end an episode but have the first observation of the next one as their next observation",
        "Take infos[i]['terminal_observation'] where an episode ended: the environment has been reset by then.",
    ),
    "next": (
        "replay-next-observation-wrong",
        "have another next observation than followed",
        "Store observation and next observation of the same step, in the same row.",
    ),
    "reward": ("replay-rewards-differ", "have another reward than was given", "Store the environment's reward."),
    "truncation-is-end": (
        "replay-truncation-is-end",
        "were cut by the time limit but count as ended for good, so that nothing follows them",
        "Keep infos[i]['TimeLimit.truncated'] and bootstrap there (handle_timeout_termination=True).",
    ),
    "end": (
        "replay-end-missed",
        "have the wrong mark of whether the episode ended for good",
        "Store done where the episode terminated, and only there.",
    ),
}


@check(
    "ENV511",
    "replay-storage",
    Group.LEARNING,
    faults=tuple(dict.fromkeys(name for name, _, _ in _WRONG.values())),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare what is drawn with what happened."""
    found = context.replay.returned
    # With n-step returns, rewards are those of several steps, which ENV512 judges.
    judged = [name for name in _WRONG if found.n_steps == 1 or name != "reward"]
    for name in judged:
        if found.wrong[name]:
            fault, what, remedy = _WRONG[name]
            message = f"{found.wrong[name]} of {found.count} transitions drawn from the replay buffer {what}."
            yield error(fault, message, remedy, observed=found.wrong[name])
    return f"{found.count} transitions drawn"
