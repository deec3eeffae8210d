"""What the doctor measures on a rollout without running the networks. One function a concern, metrics by name.

A metric that does not apply (no goals, unbounded actions) is left out. What each means is in ``checks/metrics.toml``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rldoctor.callback.rollout import SAMPLES, Array, Rollout
from rldoctor.model import FloatArray

Metrics = dict[str, float]

_FEWEST_PAIRS = 16
_MOST_ENVS = 4


def advantages(rollout: Rollout) -> Metrics:
    """Measure the advantages, and compare them with the returns and with GAE computed a second time."""
    stored, values, returns = (
        array.astype(np.float64) for array in (rollout.advantages, rollout.values, rollout.returns)
    )
    expected = rollout.true_advantages
    # Without the mean, which most updates subtract; the lower limit keeps rounding from counting as an error.
    size = max(float(expected.std()), 1e-3 * float(np.sqrt(np.mean(expected**2))))
    metrics = {
        "advantage_mean": float(stored.mean()),
        "advantage_std": float(stored.std()),
        "return_std": float(returns.std()),
        "value_std": float(values.std()),
        "advantage_identity_error": float(np.sqrt(np.mean((stored + values - returns) ** 2))) / rollout.return_scale,
    }
    if size > 0:
        metrics["gae_error"] = float((stored - expected).std()) / size
    return metrics


def observations(rollout: Rollout) -> Metrics:
    """Measure size, variation and smoothness of the observations."""
    observed = rollout.flat_sample
    finite = np.isfinite(observed)
    metrics = {"observation_nonfinite": float(1.0 - finite.mean())}
    if not finite.any():
        return metrics
    clean = np.where(finite, observed, 0.0)
    varying = _varying(clean)
    metrics |= {
        "observation_abs_max": float(np.abs(clean).max()),
        "observation_scale": float(np.median(np.sqrt(np.mean(clean**2, axis=0)))),
        "observation_constant_fraction": float(1.0 - _varying_within(rollout).mean()),
    }
    steps, envs = rollout.pairs
    if varying.any() and len(steps) >= _FEWEST_PAIRS and finite.all():
        before, after = rollout.flat(steps, envs)[:, varying], rollout.flat(steps + 1, envs)[:, varying]
        metrics["observation_autocorrelation"] = float(np.median(_correlations(before, after)))
    return metrics


def _varying_within(rollout: Rollout) -> NDArray[np.bool_]:
    """Return which dimensions vary over time in at least one environment.

    Frozen observations may differ from environment to environment. Only environments with the end of an episode in
    this rollout count, since a goal stays the same until then; without any, all rows are compared.
    """
    envs = np.flatnonzero(rollout.dones[:-1].any(axis=0))[:_MOST_ENVS]
    if not len(envs):
        return _varying(np.nan_to_num(rollout.flat_sample))
    steps = np.unique(np.linspace(0, rollout.n_steps - 1, SAMPLES // len(envs)).round().astype(np.int64))
    observed = [np.nan_to_num(rollout.flat(steps, np.full_like(steps, env))) for env in envs]
    varying: NDArray[np.bool_] = np.logical_or.reduce([_varying(rows) for rows in observed])
    return varying


def goals(rollout: Rollout) -> Metrics:
    """Measure whether the goal varies, whether the reward follows the distance to it, and how near episodes end."""
    metrics: Metrics = {}
    if "desired_goal" in rollout.observations:
        desired = rollout.observations["desired_goal"]
        episodes = desired.shape[1] + int(rollout.dones[:-1].sum())
        if episodes >= 2:
            metrics["goal_constant"] = float((desired == desired[0, 0]).all())
    if not rollout.has_goals:
        return metrics
    steps, envs = rollout.pairs
    if len(steps) >= _FEWEST_PAIRS:
        achieved, _ = rollout.goals(steps + 1, envs)
        _, desired = rollout.goals(steps, envs)
        distance = np.linalg.norm(achieved - desired, axis=1)
        rewards = rollout.rewards[steps, envs].astype(np.float64)
        # 0 for a constant reward.
        metrics["reward_goal_correlation"] = float(_correlations(rewards[:, None], -distance[:, None])[0])
        before, _ = rollout.goals(steps, envs)
        if (begun := float(np.mean(np.linalg.norm(before - desired, axis=1)))) > 0:
            metrics["goal_movement"] = float(np.mean(np.linalg.norm(achieved - before, axis=1))) / begun
    return metrics | _episode_goals(rollout)


def _episode_goals(rollout: Rollout) -> Metrics:
    metrics: Metrics = {}
    ended = [end.distance for end in rollout.ends if end.distance is not None]
    # The first step of an episode is the one after an end; those under way since the last rollout began there.
    steps, envs = np.nonzero(rollout.dones[:-1])
    if ended:
        metrics["goal_distance"] = float(np.mean(ended))
    if ended and len(steps):
        achieved, desired = rollout.goals(steps + 1, envs)
        begun = float(np.mean(np.linalg.norm(achieved - desired, axis=1)))
        if begun > 0:
            metrics["goal_progress"] = 1.0 - metrics["goal_distance"] / begun
    if rollout.distance_threshold is not None:
        disagree = [
            end.success != (end.distance < rollout.distance_threshold)
            for end in rollout.ends
            if end.success is not None and end.distance is not None
        ]
        if disagree:
            metrics["success_distance_mismatch"] = float(np.mean(disagree))
    return metrics


def rewards(rollout: Rollout) -> Metrics:
    """Measure the rewards as the vector of environments gave them."""
    given = rollout.rewards.astype(np.float64)
    finite = given[np.isfinite(given)]
    metrics = {"reward_nonfinite": 1.0 - finite.size / given.size}
    if finite.size:
        sampled = rollout.rows(rollout.rewards)
        metrics |= {
            "reward_min": float(finite.min()),
            "reward_max": float(finite.max()),
            "reward_std": float(finite.std()),
            "reward_unique_fraction": len(np.unique(sampled)) / len(sampled),
        }
    return metrics


def episodes(rollout: Rollout) -> Metrics:
    """Measure how episodes ended."""
    if not rollout.ends:
        return {}
    return {"timeout_fraction": float(np.mean([end.timeout for end in rollout.ends]))}


def actions(rollout: Rollout) -> Metrics:
    """Measure how many action components lie at or beyond the bounds, before SB3 clips them."""
    space = rollout.action_space
    if not isinstance(space, gymnasium.spaces.Box) or not (
        np.isfinite(space.low).all() and np.isfinite(space.high).all()
    ):
        return {}
    taken = rollout.rows(rollout.actions)
    outside = (taken <= space.low.reshape(1, -1)) | (taken >= space.high.reshape(1, -1))
    return {"action_saturated_fraction": float(outside.mean())}


MEASURES: tuple[Callable[[Rollout], Metrics], ...] = (advantages, observations, goals, rewards, episodes, actions)


class Repetition:
    """Detects data that the policy has learned from before: compares each rollout with the previous one, row by row.

    Attributes:
        before: A digest of each row of the previous rollout, shape ``(rows,)``; empty before the first.
    """

    def __init__(self) -> None:
        self.before: NDArray[np.uint64] = np.empty(0, np.uint64)

    def measure(self, rollout: Rollout) -> Metrics:
        """Measure the share of rows whose observation, action, log-probability and advantage are all as before.

        Frozen observations repeat too, and so do discrete actions; log-probability and advantage do not.
        """
        columns = [rollout.flat_sample, *map(rollout.rows, (rollout.actions, rollout.log_probs, rollout.advantages))]
        before, self.before = self.before, _digests(columns)
        if not len(before) or before.shape != self.before.shape:
            return {}
        return {"stored_data_repeated": float((before == self.before).mean())}


def _digests(columns: Sequence[Array]) -> NDArray[np.uint64]:
    """Return 64 bits for each row, shape ``(rows,)``: equal for equal rows, for others only by chance."""
    flat = [np.ascontiguousarray(column.reshape(len(column), -1), dtype=np.float64) for column in columns]
    words = np.concatenate([column.view(np.uint64) for column in flat], axis=1)
    factors = np.random.default_rng(0).integers(2**64, size=words.shape[1], dtype=np.uint64) | np.uint64(1)
    # Small floats have their bits at the upper end, where a product would shift them out: fold them down first.
    mixed = (words ^ (words >> np.uint64(32))) * factors
    digests: NDArray[np.uint64] = (mixed ^ (mixed >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
    return digests


def action_effect(rollout: Rollout, centre: Array, noise: Array) -> Metrics:
    """Measure how much of the next observation's change is due to the random part of the action.

    ``action_observation_effect`` is the largest partial R squared over observation dimensions of ridge regressions of
    the change on ``noise``, given the observation and ``centre``, minus what the same gives with the rows of ``noise``
    permuted. The random part is drawn by the policy itself, so nothing but the action's effect can correlate with it,
    however well the policy is trained: about 0 means that actions do not reach the observations.
    ``action_change_share`` is the same as a share of the whole change: small where actions matter little compared with
    what happens anyway. Without enough samples there is neither; where no observation ever changes both are 0.

    Args:
        rollout: The rollout.
        centre: Mean action (or action probabilities) of the policy at ``rollout.pairs``, shape ``(pairs, k)``.
        noise: Action taken (or one-hot action) minus ``centre``, shape ``(pairs, k)``.
    """
    steps, envs = rollout.pairs
    before = rollout.flat(steps, envs)
    change = rollout.flat(steps + 1, envs) - before
    if not (np.isfinite(before).all() and np.isfinite(change).all()):
        return {}
    known = np.column_stack([_standard(before[:, _varying(before)]), _standard(centre), np.ones(len(steps))])
    if len(steps) < 2 * (known.shape[1] + noise.shape[1]) + _FEWEST_PAIRS:
        return {}
    change = _standard(change[:, _varying(change)])
    rest = _residual(known, np.column_stack([change, _standard(noise)]))
    change_left, noise_left = rest[:, : change.shape[1]], rest[:, change.shape[1] :]
    left = np.mean(change_left**2, axis=0)
    # Below this float32 rounding is all there is: a position that is exactly the velocity's sum, for one.
    real = left > 1e-9
    if not real.any():
        return {"action_observation_effect": 0.0, "action_change_share": 0.0}
    shuffled = noise_left[np.random.default_rng(1).permutation(len(noise_left))]
    explained, by_chance = (
        1.0 - np.mean(_residual(inputs, change_left[:, real]) ** 2, axis=0) / left[real]
        for inputs in (noise_left, shuffled)
    )
    return {
        "action_observation_effect": float(np.clip(explained.max() - by_chance.max(), 0.0, 1.0)),
        "action_change_share": float(
            np.clip((explained * left[real]).max() - (by_chance * left[real]).max(), 0.0, 1.0)
        ),
    }


def _residual(inputs: FloatArray, outputs: FloatArray) -> FloatArray:
    gram = inputs.T @ inputs
    # A trace of ridge: one-hot actions and constant policies make columns that depend on each other.
    gram[np.diag_indices_from(gram)] += 1e-6 * len(inputs)
    left: FloatArray = outputs - inputs @ np.linalg.solve(gram, inputs.T @ outputs)
    return left


def _standard(columns: Array) -> FloatArray:
    columns = columns.astype(np.float64)
    spread = columns.std(axis=0)
    standard: FloatArray = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return standard


def _varying(columns: FloatArray) -> NDArray[np.bool_]:
    """Return which columns vary by more than float32 rounding of their size."""
    varying: NDArray[np.bool_] = np.ptp(columns, axis=0) > 1e-6 * np.abs(columns).max(axis=0)
    return varying


def _correlations(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return Pearson's correlation column by column; 0 where one of the two does not vary."""
    found: FloatArray = np.mean(_standard(left) * _standard(right), axis=0)
    return found
