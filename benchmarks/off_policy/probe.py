"""DoctorCallback's own measurements on one training of a batch: what they take for a model of Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import torch

from benchmarks.off_policy.learners import DQN, SAC, ActorCritic, Learner
from benchmarks.off_policy.networks import forward
from benchmarks.off_policy.replay import Replay
from benchmarks.off_policy.tasks import Task
from rldoctor.callback.q_functions import Chosen
from rldoctor.callback.rollout import Array, Observations
from rldoctor.model import FloatArray

KEYS = ("achieved_goal", "desired_goal", "observation")


class Buffer:
    """One training's replay buffer, as ``ReplayBuffer`` and ``HerReplayBuffer`` show theirs."""

    n_envs = 1
    copy_info_dict = False

    def __init__(self, replay: Replay, task: Task, row: int, relabelled: float) -> None:
        self._replay, self._task, self._row = replay, task, row
        self.buffer_size = int(replay.capacity[row])
        if task.goal:
            self.her_ratio = relabelled

    def _of(self, array: Any) -> Any:
        part = array[self._row, : self.buffer_size]
        return part[:, None]

    def _observed(self, array: Any) -> Any:
        flat = self._of(array)
        return parts(flat, self._task.goal) if self._task.goal else flat

    @property
    def pos(self) -> int:
        return int(self._replay.at[self._row])

    @property
    def full(self) -> bool:
        return bool(self._replay.held[self._row] >= self.buffer_size)

    @property
    def rewards(self) -> Any:
        return self._of(self._replay.rewards)

    @property
    def dones(self) -> Any:
        return self._of(self._replay.ended)

    @property
    def timeouts(self) -> Any:
        return self._of(self._replay.timeouts)

    @property
    def actions(self) -> Any:
        return self._of(self._replay.actions)

    @property
    def observations(self) -> Any:
        return self._observed(self._replay.seen)

    @property
    def next_observations(self) -> Any:
        return self._observed(self._replay.after)

    @property
    def infos(self) -> Any:
        return np.full((self.buffer_size, 1), None)

    def sample(self, size: int) -> Any:
        batch = self._replay.sample(np.array([self._row]), size, np.random.default_rng(0))
        return SimpleNamespace(rewards=batch.rewards)

    def _normalize_reward(self, rewards: Array, env: Any) -> Array:
        return rewards

    def _normalize_obs(self, observed: Any, env: Any) -> Any:
        return observed


def parts(flat: Array, goal: int) -> dict[str, Array]:
    """Return the parts of observations with goals by their keys."""
    return {
        "achieved_goal": flat[..., :goal],
        "desired_goal": flat[..., goal : 2 * goal],
        "observation": flat[..., 2 * goal :],
    }


class Functions:
    """One training's critic, target and policy, as ``QFunctions`` shows a model's."""

    def __init__(self, learner: Learner, row: int) -> None:
        self._learner, self._row = learner, row
        self.discrete = isinstance(learner, DQN)

    def _one(self, weights: Any) -> list[torch.Tensor]:
        return [weight[self._row : self._row + 1] for weight in weights]

    @property
    def critic(self) -> Any:
        learner = self._learner
        networks = [learner.network] if isinstance(learner, DQN) else learner.critic  # type: ignore[attr-defined]
        return _Weights([weight for network in networks for weight in self._one(network.weights)])

    @property
    def target(self) -> Any:
        learner = self._learner
        networks = [learner.target] if isinstance(learner, DQN) else learner.target  # type: ignore[attr-defined]
        return _Weights([weight for weights in networks for weight in self._one(weights)])

    @property
    def actor(self) -> Any:
        return _Weights(self._one(self._learner.actor.weights)) if isinstance(self._learner, ActorCritic) else None

    def values(self, observed: Observations, actions: Array, target: bool = False) -> FloatArray:
        learner, seen = self._learner, _flat(observed)
        with torch.no_grad():
            if isinstance(learner, DQN):
                weights = self._one(learner.target if target else learner.network.weights)
                found = forward(weights, seen)[0].gather(1, torch.as_tensor(actions.reshape(len(actions), -1)).long())
                return found[:, 0].numpy().astype(np.float64)
            assert isinstance(learner, ActorCritic)
            networks = learner.target if target else [critic.weights for critic in learner.critic]
            said = learner.values([self._one(w) for w in networks], seen, _rows(actions))
            return torch.stack(said).min(0).values[0].numpy().astype(np.float64)

    def chosen(self, observed: Observations) -> Chosen:
        learner, seen = self._learner, _flat(observed)
        with torch.no_grad():
            if isinstance(learner, DQN):
                every = forward(self._one(learner.network.weights), seen)[0]
                best = every.argmax(1, keepdim=True)
                return Chosen(every.gather(1, best)[:, 0].numpy().astype(np.float64), best.numpy())
            assert isinstance(learner, ActorCritic)
            weights = self._one(learner.actor.weights)
            entropy = None
            if isinstance(learner, SAC):
                noise = torch.randn(
                    (1, seen.shape[1], learner.task.actions), generator=torch.Generator().manual_seed(0)
                )
                sampled, density = learner.sampled(weights, seen, noise)
                entropy = float(-density.mean())
                actions = torch.tanh(forward(weights, seen).chunk(2, dim=2)[0])
            else:
                sampled = actions = torch.tanh(forward(weights, seen))
            values = self.values(observed, sampled[0].numpy())
            return Chosen(values, actions[0].numpy(), entropy)


class _Weights(torch.nn.Module):
    """Weights that are asked for their parameters alone."""

    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        self._listed = weights

    def parameters(self, recurse: bool = True) -> Any:
        return iter(self._listed)


def _flat(observed: Observations) -> torch.Tensor:
    columns: Mapping[str, Array] = observed
    flat = (
        np.concatenate([columns[key] for key in KEYS if key in columns], axis=1) if "" not in columns else columns[""]
    )
    return _rows(flat)


def _rows(values: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values.reshape(len(values), -1), np.float32))[None]


class Model:
    """One training of a batch, as far as the measurements look at a model."""

    n_envs = 1

    def __init__(self, learner: Learner, replay: Replay, row: int) -> None:
        task, knobs = learner.task, learner.knobs
        self._learner, self._row = learner, row
        self.gamma = float(knobs.gamma[row])
        self.replay_buffer = Buffer(replay, task, row, float(knobs.relabelled[row]) if task.goal else 0.0)
        self.num_timesteps = 0
        box = gymnasium.spaces.Box(-np.inf, np.inf, (task.size,), np.float32)
        self.observation_space: Any = (
            gymnasium.spaces.Dict(dict.fromkeys(KEYS, gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)))
            if task.goal
            else box
        )
        self.action_space: Any = (
            gymnasium.spaces.Discrete(task.actions)
            if task.discrete
            else gymnasium.spaces.Box(-1.0, 1.0, (task.actions,), np.float32)
        )
        if isinstance(learner, SAC):
            self.target_entropy = float(learner.target_entropy[row])
            self.ent_coef_optimizer = True if learner.tuned[row] else None

    @property
    def log_ent_coef(self) -> Any:
        return self._learner.log_temperature[self._row] if isinstance(self._learner, SAC) else None

    @property
    def _n_updates(self) -> int:
        return int(self._learner.updates[self._row])

    def get_vec_normalize_env(self) -> None:
        return None

    def get_env(self) -> Any:
        return SimpleNamespace(unwrapped=None, env_method=self._compute)

    def _compute(self, _: str, achieved: Array, desired: Array, infos: Any, indices: Any) -> list[Any]:
        knobs, row, task = self._learner.knobs, self._row, self._learner.task
        scale = max(abs(float(knobs.observation_scale[row])), 1e-12)
        found = task.reward_of(achieved / scale, desired / scale)
        found = found * knobs.relabel_scale[row] + knobs.relabel_shift[row]
        return [found * knobs.reward_scale[row] + knobs.reward_shift[row]]
