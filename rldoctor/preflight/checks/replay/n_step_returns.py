"""n-step returns are the discounted sum of the next rewards.

What it does: recomputes the return and the discount of every transition drawn from the buffer of a stand-in
environment, up to n steps ahead and never past the end of an episode.

Why it matters: a sum that runs on into the next episode, or a value that is discounted by gamma instead of gamma to the
power of n, shifts every target of the critic.

What to do: use Stable-Baselines3's NStepReplayBuffer, or set n_steps to 1.
"""

from __future__ import annotations

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error
from rldoctor.preflight.context import PreflightContext


@check("ENV512", "n-step-returns", Group.LEARNING, faults=("n-step-return-wrong", "n-step-discount-wrong"))
def run(context: PreflightContext) -> CheckFindings:
    """Recompute returns and discounts."""
    found = context.replay.returned
    if found.n_steps == 1:
        raise Skipped("n_steps is 1")
    for name, fault, what in (
        ("reward", "n-step-return-wrong", "return"),
        ("discount", "n-step-discount-wrong", "discount"),
    ):
        if found.wrong[name]:
            message = f"{found.wrong[name]} of {found.count} transitions have a wrong {found.n_steps}-step {what}."
            remedy = "Add up rewards to the end of the episode at most; discount what follows by gamma to that power."
            yield error(fault, message, remedy, observed=found.wrong[name])
    return f"{found.n_steps} steps, {found.count} transitions recomputed"
