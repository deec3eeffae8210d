"""What DoctorCallback measures on a rollout without the networks, for N trainings at once (see ``probe.py``)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmarks.laboratory import masked
from benchmarks.laboratory.collect import Rollout
from benchmarks.laboratory.interface import BatchEnv
from benchmarks.laboratory.learner import Batch
from benchmarks.laboratory.normalize import Normalizer
from rldoctor.callback.rollout import SAMPLES, WIDE_SAMPLES

Measured = dict[str, Tensor]
FEWEST_PAIRS = 16
_MOST_ENVS = 4


class Sample:
    """The rows that are looked at: the callback's own, and which of them have their next step in the same episode.

    Args:
        steps: Of the rollout.
        envs: Of each training.
        dones: Ends of episodes, ``(T, N, E)``.
    """

    def __init__(self, steps: int, envs: int, dones: Tensor) -> None:
        flat = np.random.default_rng(0).permutation(steps * envs)[:WIDE_SAMPLES]
        at, where = np.unravel_index(flat, (steps, envs))
        self.steps, self.envs = torch.as_tensor(at[:SAMPLES]), torch.as_tensor(where[:SAMPLES])
        # In a batch the samples of one environment follow each other.
        self._wide = torch.as_tensor(where * steps + at)
        self._index = self._wide[:SAMPLES]
        inside = self.steps < steps - 1
        self._next = self._index + inside
        self.paired = (inside[:, None] & ~dones[self.steps, :, self.envs]).T
        """Bool ``(N, rows)``."""

    def rows(self, column: Tensor) -> Tensor:
        """Return the sample of a column ``(N, M, ...)``."""
        return column.index_select(1, self._index)

    def next_rows(self, column: Tensor) -> Tensor:
        """Return what follows in the environment; only where ``paired`` is it the same episode."""
        return column.index_select(1, self._next)

    def wide_rows(self, column: Tensor) -> Tensor:
        """Return the larger sample of a column."""
        return column.index_select(1, self._wide)


def rollout_measures(
    env: BatchEnv, rollout: Rollout, stored: Batch, sample: Sample, normalizer: Normalizer
) -> Measured:
    """Return everything that needs no network."""
    found = _observations(rollout, stored, sample) | _rewards(rollout, sample)
    ends = rollout.dones.sum((0, 2)).double()
    found["timeout_fraction"] = (rollout.dones & rollout.timeouts).sum((0, 2)) / ends
    if not env.discrete:
        taken = sample.rows(stored.actions)
        found["action_saturated_fraction"] = ((taken <= -1) | (taken >= 1)).double().mean((1, 2))
    if env.desired_goal is not None:
        found |= _goals(env, rollout, stored, sample, normalizer)
    return found


def _observations(rollout: Rollout, stored: Batch, sample: Sample) -> Measured:
    observed = sample.rows(stored.observations).double()
    finite = torch.isfinite(observed)
    clean = torch.where(finite, observed, 0.0)
    everywhere = torch.ones(observed.shape[:2], dtype=torch.bool)
    varying = masked.varying(clean, everywhere)
    found = {
        "observation_nonfinite": 1.0 - finite.double().mean((1, 2)),
        "observation_abs_max": clean.abs().amax((1, 2)),
        "observation_scale": masked.median(clean.square().mean(1).sqrt(), torch.ones_like(varying)),
        "observation_constant_fraction": 1.0 - _varying_within(rollout, stored, varying).double().mean(1),
    }
    after = sample.next_rows(stored.observations).double()
    mask = sample.paired
    similar = masked.correlations(torch.nan_to_num(observed), torch.nan_to_num(after), mask)
    enough = varying.any(1) & (mask.sum(1) >= FEWEST_PAIRS) & finite.flatten(1).all(1)
    found["observation_autocorrelation"] = torch.where(enough, masked.median(similar, varying), torch.nan)
    none = ~finite.flatten(1).any(1)
    return {
        name: value if name == "observation_nonfinite" else torch.where(none, torch.nan, value)
        for name, value in found.items()
    }


def _varying_within(rollout: Rollout, stored: Batch, varying: Tensor) -> Tensor:
    """Return which dimensions vary over time in one of the first environments with the end of an episode."""
    steps, n, envs = rollout.log_probs.shape
    ended = rollout.dones[:-1].any(0)
    ended &= ended.cumsum(1) <= _MOST_ENVS
    counts = ended.sum(1)
    columns = torch.nan_to_num(stored.observations.view(n, envs, steps, -1))
    found = varying.clone()
    for count in counts.unique().tolist():
        if not count:
            continue
        chosen = torch.nonzero(counts == count).flatten()
        at = np.unique(np.linspace(0, steps - 1, SAMPLES // count).round().astype(np.int64))
        rows = columns[chosen][:, :, torch.as_tensor(at)].double()
        low, high = rows.amin(2), rows.amax(2)
        moving = high - low > 1e-6 * torch.maximum(low.abs(), high.abs())
        found[chosen] = (moving & ended[chosen][:, :, None]).any(1)
    return found


def _rewards(rollout: Rollout, sample: Sample) -> Measured:
    given = rollout.rewards.transpose(0, 1).flatten(1).double()
    finite = torch.isfinite(given)
    count = finite.sum(1)
    clean = torch.where(finite, given, 0.0)
    mean = clean.sum(1) / count
    spread = torch.where(finite, given - mean[:, None], 0.0).square().sum(1) / count
    ordered = rollout.rewards[sample.steps, :, sample.envs].T.sort(1).values
    distinct = 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(1)
    found = {
        "reward_min": torch.where(finite, given, torch.inf).amin(1),
        "reward_max": torch.where(finite, given, -torch.inf).amax(1),
        "reward_std": spread.sqrt(),
        "reward_unique_fraction": distinct / ordered.shape[1],
    }
    found = {name: torch.where(count > 0, value, torch.nan) for name, value in found.items()}
    return found | {"reward_nonfinite": 1.0 - count / given.shape[1]}


def _goals(env: BatchEnv, rollout: Rollout, stored: Batch, sample: Sample, normalizer: Normalizer) -> Measured:
    assert env.achieved_goal is not None and env.desired_goal is not None and rollout.final_goals is not None
    steps, n, envs = rollout.log_probs.shape
    desired = stored.observations[:, :, env.desired_goal]
    starts = rollout.dones[:-1]
    episodes = envs + starts.sum((0, 2))
    constant = (desired == desired[:, :1]).flatten(1).all(1).double()
    found: Measured = {"goal_constant": torch.where(episodes >= 2, constant, torch.nan)}

    def goals(observed: Tensor) -> tuple[Tensor, Tensor]:
        original = normalizer.original(observed).double()
        return original[..., env.achieved_goal], original[..., env.desired_goal]

    mask = sample.paired
    before, wanted = goals(sample.rows(stored.observations))
    after, _ = goals(sample.next_rows(stored.observations))
    away = (after - wanted).norm(dim=2, keepdim=True)
    rewards = rollout.rewards[sample.steps, :, sample.envs].T.double().unsqueeze(2)
    enough = mask.sum(1) >= FEWEST_PAIRS
    follows = masked.correlations(rewards, -away, mask)[:, 0]
    found["reward_goal_correlation"] = torch.where(enough, follows, torch.nan)
    begun = masked.mean((before - wanted).norm(dim=2), mask)
    moved = masked.mean((after - before).norm(dim=2), mask) / begun
    found["goal_movement"] = torch.where(enough & (begun > 0), moved, torch.nan)
    # Of whole episodes: where they ended, and where the next ones began.
    final = (rollout.final_goals[..., 0, :] - rollout.final_goals[..., 1, :]).double().norm(dim=3)
    ends = rollout.dones.sum((0, 2))
    distance = torch.where(rollout.dones, final, 0.0).sum((0, 2)) / ends
    found["goal_distance"] = distance
    reached, meant = goals(stored.observations.view(n, envs, steps, -1))
    first = (reached - meant).norm(dim=3).permute(2, 0, 1)[1:]
    begun = torch.where(starts, first, 0.0).sum((0, 2)) / starts.sum((0, 2))
    found["goal_progress"] = torch.where(begun > 0, 1.0 - distance / begun, torch.nan)
    if env.distance_threshold is not None and rollout.successes is not None:
        disagree = (rollout.successes != (final < env.distance_threshold)) & rollout.dones
        found["success_distance_mismatch"] = disagree.sum((0, 2)) / ends
    return found
