"""Rewards are finite, vary, and are of the expected size.

What it does: looks at the rewards of random episodes; where the environment is known, compares them with its range and
with the random policy's mean reward.

Why it matters: rewards of 1000 times the usual size make the critic's error, and with it every gradient, a million
times larger; at a ten-thousandth of it the untrained critic's noise hides what there is to learn. A constant reward
carries no signal at all.

What to do: remove the scaling wrapper, or normalise rewards with SB3's ``VecNormalize``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, check, error, note, warning
from rldoctor.preflight.checks.rewards.reward_density import only_two_values
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import Batch

# Tolerance beyond the stated range, as a fraction of it: "roughly [-1, 0]".
_TOLERANCE = 0.1
# The random policy's mean reward is stable to some 10 % over four episodes; 4 times is another scale.
_FACTOR = 4.0
# Without an expectation: user reports of exploding value losses show returns of this size or more.
_HUGE = 1e4
# One step as large as a whole return of a usual task; HumanoidStandup, which trains with normalisation, has about 100.
_HUGE_STEP = 1e3
# A thousandth of the usual -1 to 1.
_TINY_STEP = 1e-3
# Episodes whose sums all differ, and steps from which a wait is long.
_SUMS, _LONG = 3, 10


@check(
    "ENV401",
    "reward-range",
    requires=("ENV102",),
    faults=(
        "reward-not-finite",
        "reward-constant",
        "reward-out-of-range",
        "reward-scale-unexpected",
        "reward-scale-too-large",
        "reward-scale-too-small",
        "return-large",
        "reward-only-at-the-end",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Look at the rewards of the random policy."""
    batch, rewards = context.batch, context.batch.rewards
    if not np.isfinite(rewards).all():
        count = int((~np.isfinite(rewards)).sum())
        message = f"{count} of {len(rewards)} rewards are NaN or infinite."
        remedy = "Find the division by zero or the logarithm in the reward."
        yield error("reward-not-finite", message, remedy, observed=count, expected=0)
        return ""
    low, high, mean = float(rewards.min()), float(rewards.max()), float(rewards.mean())
    context.measured["random_reward"] = {"low": low, "high": high, "mean": mean}
    # One reward for every step still carries a signal where episodes end early (CartPole), or at the goal (sparse).
    # Episodes of several lengths end for a reason, whichever flag says so.
    ends_early = any(terminated for _, terminated, _ in batch.ends) or len({length for length, *_ in batch.ends}) > 1
    known_sparse = context.expectation.reward.dense is False
    if low == high and not (ends_early or known_sparse or only_two_values(context)):
        message = f"All {len(rewards)} rewards of the random policy are {low:g}: no action looks better than another."
        # Without goals a reward may wait at an end that random actions never reach, as MountainCar's does.
        found = error if context.has_goals or context.expectation.envs else note if low <= 0 else warning
        # Another reward at the goal, where a controller gets there, is a sparse one.
        aspect = "but-at-the-goal" if context.homing is not None and np.ptp(context.homing.rewards) > 0 else ""
        if found is note:
            message = f"{message} It may wait for an end that random actions did not reach."
            # A reward of nothing waits for an event; a cost of each step is mostly a reward that went missing.
            aspect = "so-far-nothing" if low == 0 else "so-far"
        remedy = (
            "Check that play can reach what is rewarded; a step may also pay how much nearer it came."
            if found is note and low == 0
            else "Pay what the step brought about: look for a clip, a cast or a wrapper that makes all rewards alike, "
            "and compute them from the state after the step."
        )
        yield found("reward-constant", message, remedy, aspect=aspect, observed=low)
        return f"always {low:g}"
    if (length := paid_at_the_end(batch)) and not context.expectation.envs:
        yield note(
            "reward-only-at-the-end",
            f"All rewards are {float(rewards[0]):g} but those of last steps, which differ: an episode is paid as a "
            f"whole, up to {length} steps after what earned it.",
            "Pay each step what it adds to the sum, if the task allows it.",
            observed=length,
        )
    yield from _compare(context, low, high, mean)
    return f"in [{low:.3g}, {high:.3g}], mean {mean:.3g}"


def paid_at_the_end(batch: Batch, shortest: int = _LONG) -> int:
    """Return the length of the longest episode where last steps alone are paid, each another sum; 0 elsewhere.

    Args:
        batch: Episodes of the random policy.
        shortest: Steps of the shortest episode of which it is said.
    """
    last = np.append(np.diff(batch.episode) > 0, True)
    lengths = [length for length, _, _ in batch.ends]
    paid, before = batch.rewards[last], batch.rewards[~last]
    whole = len(lengths) == len(batch.starts) >= _SUMS and min(lengths) >= shortest
    # A game that is won or lost has few results; a sum that was held back has as many as there are episodes.
    different = len(np.unique(paid)) == len(paid) and np.ptp(paid) > 0
    return max(lengths) if whole and different and np.ptp(before) == 0 and (paid != before[0]).all() else 0


def _compare(context: PreflightContext, low: float, high: float, mean: float) -> Iterator[Finding]:
    expectation, env_id, batch = context.expectation, context.env_id, context.batch
    remedy = "Look for a wrapper that scales, shifts or negates the reward."
    bottom, top = expectation.reward.low, expectation.reward.high
    if bottom is not None and top is not None:
        tolerance = _TOLERANCE * (top - bottom)
        if low < bottom - tolerance or high > top + tolerance:
            message = f"Rewards are in [{low:.4g}, {high:.4g}]; {env_id} is known for [{bottom:g}, {top:g}]."
            yield error("reward-out-of-range", message, remedy, observed=[low, high], expected=[bottom, top])
            return
    expected = expectation.reward.random_mean
    if expected and not 1 / _FACTOR <= mean / expected <= _FACTOR:
        message = f"The random policy's mean reward is {mean:.3g}; {env_id} is known for about {expected:g}."
        yield error("reward-scale-unexpected", message, remedy, observed=mean, expected=expected)
    elif not expectation.envs:
        largest = max(abs(float(batch.rewards[batch.episode == i].sum())) for i in range(len(batch.starts)))
        remedy = "Normalise rewards with VecNormalize, or scale them."
        size = max(abs(low), abs(high))
        if size > _HUGE_STEP:
            message = f"Rewards reach {size:,.3g} in one step; a critic learns best with returns up to 10."
            yield warning("reward-scale-too-large", message, remedy, observed=size, expected=_HUGE_STEP)
        elif largest > _HUGE:
            message = f"The random policy's return reaches {largest:,.3g}; a critic learns best with values up to 10."
            yield note("return-large", message, remedy, observed=largest, expected=_HUGE)
        elif 0 < size < _TINY_STEP and low != high:
            message = (
                f"No reward is larger than {size:.3g}; the noise of an untrained critic hides what there is to learn."
            )
            yield warning("reward-scale-too-small", message, remedy, observed=size, expected=_TINY_STEP)
