"""What the zero-action and the random policy score here.

What it does: plays the same episodes (seeds 0 to 19, fewer where the environment is slow) with the zero-action and with
the random policy. Where nobody else needs the numbers and neither policy succeeds in any of the first five, these are
enough.

Why it matters: a return means nothing by itself. On FetchReachDense-v4 the criterion "mean return above -10" is passed
by a policy that does nothing (-7.0) and by a random one (-9.7). The gate asks for more than these.

What to do: nothing; the numbers are kept for the gate.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rldoctor.model import Json
from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, note, warning
from rldoctor.preflight.context import PreflightContext

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Episode

EPISODES = 20
# A policy that succeeds in more of the episodes is worth a warning.
_OFTEN = 0.5
# One that does nothing and succeeds in no more of them shows that success has to be earned. Ours.
_SELDOM = 0.1
# Without a success in so many, a warning after all 20 has a chance of at most 0.0023, whatever the true rate is.
_CLEAR = 5
# A slow environment with long episodes plays fewer of them, and one that is slower still none: a preflight should take
# seconds. FetchReach's 2,000 steps take 1.1 s; FrankaKitchen's 11,200 would take half a minute.
_SECONDS = 10.0
# Of what is left of the budget, so that an estimate that is a little low does not spend it in vain.
_SHARE = 0.7


def _length(context: PreflightContext) -> float:
    """Return how long an episode is expected to be, in steps."""
    batch = context.batch
    if len(batch.ends) == len(batch.starts):
        return max(length for length, _, _ in batch.ends)
    if context.horizon is None and not batch.ends:
        # Longer than those of the batch, which were cut.
        if not context.long_play.ends:
            raise Skipped("no episode ended, so there is no return")
        return max(length for length, _, _ in context.long_play.ends)
    return context.horizon or 2 * max(length for length, _, _ in batch.ends)


def _play(context: PreflightContext, seconds: float) -> dict[str, Json]:
    """Play both policies episode by episode, until all are played or another would take longer than ``seconds``."""
    from rldoctor.environments.baselines import aggregate
    from rldoctor.environments.robot_joints import read_joints_at_once
    from rldoctor.environments.rollouts import random_action, roll_out, zero_action
    from rldoctor.preflight.probes.metered import Kept

    env = Kept(context.spare)
    # The same numbers, as in an evaluation; what examines the environment is done with it.
    read_joints_at_once(env)
    policies = {"zero_action": zero_action(env.action_space), "random": random_action(env.action_space)}
    episodes: dict[str, list[Episode]] = {name: [] for name in policies}
    began = time.monotonic()
    for seed in range(EPISODES):
        for name, act in policies.items():
            episodes[name] += roll_out(lambda: env, act, [seed], lanes=1)
        if context.verdict_only and not any(_may_be_often(played) for played in episodes.values()):
            break
        used = time.monotonic() - began
        if used + used / (seed + 1) > seconds:
            break
    return {name: aggregate(played) for name, played in episodes.items()}


def _may_be_often(played: Sequence[Episode]) -> bool:
    """Return whether the policy may still succeed in more than ``_OFTEN`` of all episodes."""
    successes = sum(bool(episode.success) for episode in played)
    clear = len(played) >= _CLEAR and not successes
    return not clear and successes + EPISODES - len(played) > _OFTEN * EPISODES


@check(
    "ENV601",
    "baseline-policies",
    Group.BASELINES,
    requires=("ENV102",),
    faults=("baseline-succeeds",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play the zero-action and the random policy."""
    if "ENV301" in context.failed:
        raise Skipped("no action can be drawn from this action space")
    if "baselines" not in context.measured:
        half, left = max(_SECONDS, 0.5 * context.budget.seconds), _SHARE * context.budget.remaining
        if 2 * _length(context) * context.budget.step_seconds > min(half, left):
            # Skipped, not left open: these are numbers to compare with, and nothing is judged without them.
            raise Skipped("not run: budget")
        context.measured["baselines"] = _play(context, min(half, left))
    baselines: Any = {name.replace("_", "-"): found for name, found in context.measured["baselines"].items()}  # type: ignore[union-attr]
    idle = baselines.get("zero-action", {}).get("success_rate")
    for name, aggregate in baselines.items():
        rate = aggregate.get("success_rate")
        if rate is None or rate <= _OFTEN:
            continue
        message = f"The {name} policy already succeeds in {rate:.0%} of the episodes."
        if name == "random" and idle is not None and idle <= _SELDOM:
            # A wrong start or a wrong flag would let the zero-action policy succeed as well: the task is easy.
            remedy = "Compare the success rate of a training with this one, or make the task harder."
            yield note("baseline-succeeds", message, remedy, aspect="by-chance", observed=rate)
        else:
            remedy = "Look for goals at the start position, or a success flag that is always set."
            yield warning("baseline-succeeds", message, remedy, observed=rate)
    return "return: " + ", ".join(f"{name} {aggregate['return_mean']:.1f}" for name, aggregate in baselines.items())
