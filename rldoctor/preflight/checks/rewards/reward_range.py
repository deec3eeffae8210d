"""Rewards are finite, vary, and are of the expected size.

What it does: looks at the rewards of the random episodes; where the environment is known, compares them with its
range and with the mean that the random policy gets.

Why it matters: rewards of 1000 times the usual size make the critic's error, and with it every gradient, a million
times larger; at a ten-thousandth of it the untrained critic's noise drowns what there is to learn. A constant reward
says nothing at all.

What to do: take the scaling wrapper away, or normalise rewards with SB3's ``VecNormalize``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, check, error, warning
from rldoctor.preflight.checks.rewards.reward_density import only_two_values
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.expectations import Expectation
from rldoctor.preflight.measurements import Batch

# Room beyond the stated range, as a share of it: "roughly [-1, 0]".
_ROOM = 0.1
# The random policy's mean reward is stable to some 10 % over four episodes; 4 times is another scale.
_FACTOR = 4.0
# Without an expectation: returns of this size or more are what threads about exploding value losses show.
_HUGE = 1e4


@check(
    "ENV401",
    "reward-range",
    Group.ENVIRONMENT,
    after=("ENV102",),
    faults=(
        "reward-not-finite",
        "reward-constant",
        "reward-out-of-range",
        "reward-scale-unexpected",
        "reward-scale-too-large",
    ),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Look at the rewards of the random policy."""
    batch, rewards = patient.batch, patient.batch.rewards
    if not np.isfinite(rewards).all():
        count = int((~np.isfinite(rewards)).sum())
        message = f"{count} of {len(rewards)} rewards are NaN or infinite."
        yield error(
            "reward-not-finite",
            message,
            "Find the division by zero or the logarithm in the reward.",
            observed=count,
            expected=0,
        )
        return ""
    low, high, mean = float(rewards.min()), float(rewards.max()), float(rewards.mean())
    patient.measured["random_reward"] = {"low": low, "high": high, "mean": mean}
    # One reward for every step still says something where episodes end early (CartPole), or at the goal (sparse).
    ends_early = any(terminated for _, terminated, _ in batch.ends)
    known_sparse = patient.expectation is not None and patient.expectation.reward_dense is False
    if low == high and not (ends_early or known_sparse or only_two_values(patient)):
        message = f"All {len(rewards)} rewards of the random policy are {low:g}: no action looks better than another."
        # Without goals a reward may wait at an end that random actions never reach, as MountainCar's does.
        say = error if patient.has_goals or patient.expectation else warning
        yield say("reward-constant", message, "Compute the reward from the state after the step.", observed=low)
        return f"always {low:g}"
    yield from _compare(patient.expectation, batch, patient.env_id)
    return f"in [{low:.3g}, {high:.3g}], mean {mean:.3g}"


def _compare(expectation: Expectation | None, batch: Batch, env_id: str) -> Iterator[Finding]:
    low, high, mean = float(batch.rewards.min()), float(batch.rewards.max()), float(batch.rewards.mean())
    remedy = "Look for a wrapper that scales, shifts or negates the reward."
    if expectation and expectation.reward_range:
        bottom, top = expectation.reward_range
        room = _ROOM * (top - bottom)
        if low < bottom - room or high > top + room:
            message = f"Rewards are in [{low:.4g}, {high:.4g}]; {env_id} is known for [{bottom:g}, {top:g}]."
            yield error("reward-out-of-range", message, remedy, observed=[low, high], expected=[bottom, top])
            return
    if expectation and expectation.reward_random_mean:
        expected = expectation.reward_random_mean
        if not 1 / _FACTOR <= mean / expected <= _FACTOR:
            message = f"The random policy's mean reward is {mean:.3g}; {env_id} is known for about {expected:g}."
            yield error("reward-scale-unexpected", message, remedy, observed=mean, expected=expected)
    elif expectation is None:
        largest = max(abs(float(batch.rewards[batch.episode == i].sum())) for i in range(len(batch.starts)))
        if largest > _HUGE:
            message = (
                f"The random policy's return reaches {largest:,.3g}; a critic learns best with values within about 10."
            )
            yield warning(
                "reward-scale-too-large",
                message,
                "Normalise rewards with VecNormalize, or scale them.",
                observed=largest,
                expected=_HUGE,
            )
