"""Critic, actor and temperature are updated in the right direction.

What it does: updates eight times on batches whose right answer is known: where every episode ends with a bad reward,
values must fall, whatever the target network promises; where none ends and the target network promises much, they must
rise; with the critic held still, the actor must find actions of higher value; the temperature must rise where the
policy has too little entropy and fall where it has too much.

Why it matters: a wrong sign in one of these looks like a hard task. Nothing else names it before hours of training.

What to do: see the finding; compare your loss with that of Stable-Baselines3.
"""

from __future__ import annotations

import math

from rldoctor.preflight.check import CheckFindings, Group, check, error
from rldoctor.preflight.context import PreflightContext


@check(
    "ENV515",
    "update-directions",
    Group.LEARNING,
    faults=(
        "off-policy-update-not-finite",
        "critic-gradient-wrong",
        "terminal-bootstrapped",
        "nothing-bootstrapped",
        "actor-gradient-wrong",
        "temperature-gradient-wrong",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Judge which way updates go."""
    found = context.replay.directions
    measured = [found.critic_down, found.terminal_pull, found.bootstrap_pull]
    if not all(map(math.isfinite, [*measured, found.actor_gain or 0.0])):
        message = "NaN or infinite after eight updates on random transitions."
        yield error(
            "off-policy-update-not-finite", message, "Look for a division or a logarithm of zero in the losses."
        )
        return "not finite"
    if found.critic_down >= 0:
        message = f"Where rewards are far below the critic's values, updates change these by {found.critic_down:+.3g}."
        yield error("critic-gradient-wrong", message, "Minimise (value - target)^2.", observed=found.critic_down)
    elif found.terminal_pull >= 0:
        message = "Where every episode ends, the critic still follows what the target network promises beyond the end."
        remedy = "Multiply the value of what follows by (1 - done)."
        yield error("terminal-bootstrapped", message, remedy, observed=found.terminal_pull)
    if found.bootstrap_pull <= 0:
        message = "Where no episode ends, the critic does not follow what the target network says of the next state."
        remedy = "Add gamma x (1 - done) x the target network's value to the reward."
        yield error("nothing-bootstrapped", message, remedy, observed=found.bootstrap_pull)
    if found.actor_gain is not None and found.actor_gain <= 0:
        message = f"With the critic held still, updates of the actor change its value by {found.actor_gain:+.3g}."
        yield error("actor-gradient-wrong", message, "Minimise minus the critic's value.", observed=found.actor_gain)
    if found.temperature is not None and not found.temperature[0] > 0 > found.temperature[1]:
        message = (
            f"The temperature's logarithm changes by {found.temperature[0]:+.3g} where the entropy is below its target "
            f"and by {found.temperature[1]:+.3g} where it is above."
        )
        remedy = "Minimise -(log_ent_coef x (log_prob + target_entropy)): it must rise below the target."
        yield error("temperature-gradient-wrong", message, remedy, observed=found.temperature[0])
    return "critic, actor and temperature" if found.actor_gain is not None else "critic"
