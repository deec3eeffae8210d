"""One real PPO iteration learns something.

What it does: collects a short rollout (4 environments of at most 64 steps) with the recipe's settings and an untrained
policy, updates on it once, and looks inside: did the weights move, was the first probability ratio 1, are losses,
gradients and weights finite, do advantages vary, did the critic's error on this rollout fall.

Why it matters: such faults show here within a second, in training after an hour. The first ratio compares the policy
with itself: if it is not 1, observations or actions change between rollout and update.

What to do: see the finding; a learning rate of 0 and a constant reward are the usual causes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, NotRun, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext

if TYPE_CHECKING:
    from rldoctor.preflight.one_update import LearningStep

# Single precision leaves about 1e-6 in the ratio.
_RATIO = 1e-4


def judge(step: LearningStep, whole: bool = False) -> Iterator[Finding]:
    """Judge one PPO iteration; the ratio is not 1 where actions are whole numbers, which ENV301 reports."""
    if step.not_finite:
        yield error(
            "update-not-finite",
            f"NaN or infinite after one update: {', '.join(step.not_finite[:4])}.",
            "Look for NaN in observations or rewards, and lower the learning rate.",
            observed=list(step.not_finite[:16]),
        )
        return
    if step.ratio_error > _RATIO and not whole:
        message = f"Before any update the ratio of new to old probabilities differs from 1 by {step.ratio_error:.3g}."
        remedy = "Look for observations that change after they were returned, or dropout in the network."
        yield error("first-ratio-not-one", message, remedy, observed=step.ratio_error, expected=_RATIO)
    if step.moved == 0:
        message = f"{step.updates} optimizer steps moved no weight."
        yield error("weights-unmoved", message, "Set learning_rate above 0; SB3's default is 3e-4.", observed=0.0)
        return
    if step.advantage_std == 0:
        message = f"All {step.steps} advantages are equal, so no action is better than another."
        remedy = "Check the reward: it does not depend on the actions."
        yield error("advantages-constant", message, remedy, observed=0.0)
    if not step.critic_after < step.critic_before:
        change = f"from {step.critic_before:.3g} to {step.critic_after:.3g}"
        message = f"The critic's error on the rollout went {change} over {step.updates} optimizer steps."
        remedy = "Lower the learning rate; check that vf_coef is above 0 and that rewards are not in the thousands."
        yield warning(
            "critic-error-not-falling", message, remedy, observed=step.critic_after, expected=step.critic_before
        )


@check(
    "ENV501",
    "learning-step",
    Group.LEARNING,
    heavy=True,
    requires=("ENV201", "ENV202", "ENV203", "ENV301"),
    faults=(
        "rollout-not-finite",
        "update-not-finite",
        "first-ratio-not-one",
        "weights-unmoved",
        "advantages-constant",
        "critic-error-not-falling",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Take one PPO iteration and look inside."""
    # PyTorch, which explaining a check does not need.
    from rldoctor.preflight.one_update import NotFinite
    from rldoctor.preflight.probes.spaces import is_whole

    if context.recipe is not None and context.recipe.is_off_policy:
        raise Skipped(f"{context.recipe.algorithm.upper()} is trained, not PPO")
    if "ENV401" in context.failed and not np.isfinite(context.batch.rewards).all():
        raise NotRun("reward-range (ENV401) failed")
    try:
        step = context.learning_step
    except NotFinite as found:
        shown = ", ".join(found.parts[:4]) + (", ..." if len(found.parts) > 4 else "")
        yield error(
            "rollout-not-finite",
            f"Of the observation, {shown} is NaN or infinite after {found.step} steps of training; PyTorch refuses it.",
            "Find the division by zero or the logarithm in the observation; what it divides by may be 0 now and then.",
            observed=list(found.parts[:16]),
        )
        return ""
    yield from judge(step, is_whole(context.env.action_space))
    ratio = step.critic_after / step.critic_before if step.critic_before else math.nan
    return f"{step.steps} steps, {step.updates} updates, critic's error x {ratio:.2f}"
