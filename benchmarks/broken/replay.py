"""Broken replay buffers, relabelling, targets and updates: small subclasses of Stable-Baselines3's own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN, SAC, TD3, HerReplayBuffer
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer

SMALL: Mapping[str, Any] = {"buffer_size": 80, "policy_kwargs": {"net_arch": [32, 32]}, "device": "cpu", "seed": 0}


class Aliased(ReplayBuffer):
    """Keeps the next observation where the observation belongs."""

    def add(self, obs: Any, next_obs: Any, *rest: Any) -> None:
        """Store a transition."""
        super().add(next_obs, next_obs, *rest)


class OfTheNextEpisode(SAC):
    """Takes the observation after the automatic reset for the last one of the episode."""

    def _store_transition(self, buffer: Any, action: Any, new_obs: Any, reward: Any, dones: Any, infos: Any) -> None:
        infos = [{key: value for key, value in info.items() if key != "terminal_observation"} for info in infos]
        super()._store_transition(buffer, action, new_obs, reward, dones, infos)


class TruncationIsEnd(ReplayBuffer):
    """Forgets that a time limit is no end."""

    def add(self, obs: Any, next_obs: Any, action: Any, reward: Any, done: Any, infos: Any) -> None:
        """Store a transition."""
        super().add(obs, next_obs, action, reward, done, [{} for _ in infos])


class NoEnds(DictReplayBuffer):
    """Never marks an end."""

    def add(self, obs: Any, next_obs: Any, action: Any, reward: Any, done: Any, infos: Any) -> None:
        """Store a transition."""
        super().add(obs, next_obs, action, reward, np.zeros_like(done), infos)


class ScaledTwice(SAC):
    """Scales actions to [-1, 1] once more than it should."""

    def _store_transition(self, buffer: Any, action: Any, *rest: Any) -> None:
        super()._store_transition(buffer, self.policy.scale_action(action), *rest)


class ClippedRewards(ReplayBuffer):
    """Stores the sign of the reward only."""

    def add(self, obs: Any, next_obs: Any, action: Any, reward: Any, *rest: Any) -> None:
        """Store a transition."""
        super().add(obs, next_obs, action, np.sign(reward), *rest)


class OneStepDiscount(NStepReplayBuffer):
    """Discounts what follows an n-step return as if it were one step ahead."""

    def _get_samples(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_samples(*args, **kwargs)
        return found._replace(discounts=torch.full_like(found.rewards, self.gamma))


class UndiscountedReturn(NStepReplayBuffer):
    """Adds up the rewards of an n-step return as they are."""

    def _get_samples(self, *args: Any, **kwargs: Any) -> Any:
        gamma, self.gamma = self.gamma, 1.0
        try:
            found = super()._get_samples(*args, **kwargs)
        finally:
            self.gamma = gamma
        return found


class StaleReward(HerReplayBuffer):
    """Relabels goals and keeps the reward that the old goal gave."""

    def _get_virtual_samples(self, batch_indices: Any, env_indices: Any, env: Any = None) -> Any:
        found = super()._get_virtual_samples(batch_indices, env_indices, env)
        old = self.rewards[batch_indices, env_indices].reshape(-1, 1)
        return found._replace(rewards=self.to_torch(old))


class ForeignGoals(HerReplayBuffer):
    """Draws new goals from any episode."""

    def _sample_goals(self, batch_indices: Any, env_indices: Any) -> Any:
        steps = np.random.randint(0, self.size(), size=len(batch_indices))
        return self.next_observations["achieved_goal"][steps, env_indices]


class PastGoals(HerReplayBuffer):
    """Draws the goal that was reached first in the episode."""

    def _sample_goals(self, batch_indices: Any, env_indices: Any) -> Any:
        return self.next_observations["achieved_goal"][self.ep_start[batch_indices, env_indices], env_indices]


class HalfReplaced(HerReplayBuffer):
    """Leaves the old goal in the next observation."""

    def _get_virtual_samples(self, batch_indices: Any, env_indices: Any, env: Any = None) -> Any:
        found = super()._get_virtual_samples(batch_indices, env_indices, env)
        old = self.next_observations["desired_goal"][batch_indices, env_indices]
        return found._replace(next_observations={**found.next_observations, "desired_goal": self.to_torch(old)})


class FrozenTarget(SAC):
    """Never moves its target."""

    def train(self, *args: Any, **kwargs: Any) -> None:
        """Update without tau."""
        tau, self.tau = self.tau, 0.0
        super().train(*args, **kwargs)
        self.tau = tau


class TauReversed(TD3):
    """Mixes target and network the other way round, so that the target is nearly the network."""

    def train(self, *args: Any, **kwargs: Any) -> None:
        """Update with 1 - tau."""
        tau, self.tau = self.tau, 1.0 - self.tau
        super().train(*args, **kwargs)
        self.tau = tau


class OwnTarget(DQN):
    """Makes its target with weights of its own."""

    def _setup_model(self) -> None:
        super()._setup_model()
        for weight in self.q_net_target.parameters():
            torch.nn.init.normal_(weight)


class TerminalBootstrapped(SAC):
    """Goes on to bootstrap where the episode ended."""

    def train(self, *args: Any, **kwargs: Any) -> None:
        """Update on batches without ends."""
        buffer: Any = self.replay_buffer
        sample = buffer.sample
        buffer.sample = lambda *a, **k: (found := sample(*a, **k))._replace(dones=torch.zeros_like(found.dones))
        try:
            super().train(*args, **kwargs)
        finally:
            buffer.sample = sample


class UpsideDown(torch.optim.Adam):
    """Goes up the gradient."""

    def step(self, closure: Any = None) -> Any:
        """Step with the gradients' sign flipped."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.grad.neg_()
        return super().step(closure)


class ActorUpsideDown(SAC):
    """Minimises the critic's value of the actor's actions."""

    def _setup_model(self) -> None:
        super()._setup_model()
        self.actor.optimizer = UpsideDown(self.actor.parameters(), lr=self.lr_schedule(1))


class TemperatureUpsideDown(SAC):
    """Lowers the temperature where it should rise."""

    def _setup_model(self) -> None:
        super()._setup_model()
        assert self.log_ent_coef is not None
        self.ent_coef_optimizer = UpsideDown([self.log_ent_coef], lr=self.lr_schedule(1))


class CriticUpsideDown(TD3):
    """Maximises the critic's error."""

    def _setup_model(self) -> None:
        super()._setup_model()
        self.critic.optimizer = UpsideDown(self.critic.parameters(), lr=self.lr_schedule(1))


MakeModel = Callable[[Any], Any]


def make(kind: type, policy: str = "MlpPolicy", **settings: Any) -> MakeModel:
    """Return what makes a small model of ``kind`` on the environments that it is given."""
    # A copy: Stable-Baselines3 writes into policy_kwargs.
    return lambda envs: kind(policy, envs, **copy.deepcopy({**SMALL, **settings}))


def hindsight(buffer: type[HerReplayBuffer]) -> MakeModel:
    """Return what makes a SAC with a hindsight buffer."""
    return make(SAC, "MultiInputPolicy", replay_buffer_class=buffer)


def n_steps(buffer: type[NStepReplayBuffer]) -> MakeModel:
    """Return what makes a SAC with 3-step returns."""
    return make(SAC, replay_buffer_class=buffer, replay_buffer_kwargs={"n_steps": 3, "gamma": 0.99})


# What is broken: on which environment, what makes the model, and the finding that names it.
FAULTS: Mapping[str, tuple[str, MakeModel, str]] = {
    "observation-of-the-next-row": (
        "Pendulum-v1",
        make(SAC, replay_buffer_class=Aliased),
        "replay-next-observation-wrong",
    ),
    "observation-after-the-reset": ("Pendulum-v1", make(OfTheNextEpisode), "replay-next-observation-wrong"),
    "time-limit-is-an-end": ("Pendulum-v1", make(TD3, replay_buffer_class=TruncationIsEnd), "replay-truncation-is-end"),
    "ends-forgotten": ("FetchReach-v4", make(SAC, "MultiInputPolicy", replay_buffer_class=NoEnds), "replay-end-missed"),
    "actions-scaled-twice": ("Pendulum-v1", make(ScaledTwice), "replay-actions-differ"),
    "rewards-clipped": ("CartPole-v1", make(DQN, replay_buffer_class=ClippedRewards), "replay-rewards-differ"),
    "n-step-discount-of-one-step": ("Pendulum-v1", n_steps(OneStepDiscount), "n-step-discount-wrong"),
    "n-step-return-undiscounted": ("Pendulum-v1", n_steps(UndiscountedReturn), "n-step-return-wrong"),
    "hindsight-reward-not-recomputed": ("FetchReach-v4", hindsight(StaleReward), "hindsight-reward-stale"),
    "hindsight-goals-of-other-episodes": ("FetchReach-v4", hindsight(ForeignGoals), "hindsight-goal-foreign"),
    "hindsight-goals-of-the-past": ("FetchReach-v4", hindsight(PastGoals), "hindsight-goal-past"),
    "hindsight-goal-in-one-observation": ("FetchReach-v4", hindsight(HalfReplaced), "hindsight-goal-half-replaced"),
    "target-frozen": ("Pendulum-v1", make(FrozenTarget), "target-frozen"),
    "tau-reversed": ("Pendulum-v1", make(TauReversed), "target-moves-wrongly"),
    "target-of-its-own": ("CartPole-v1", make(OwnTarget), "target-differs-at-start"),
    "terminal-states-bootstrapped": ("Pendulum-v1", make(TerminalBootstrapped), "terminal-bootstrapped"),
    "actor-upside-down": ("Pendulum-v1", make(ActorUpsideDown), "actor-gradient-wrong"),
    "temperature-upside-down": ("Pendulum-v1", make(TemperatureUpsideDown), "temperature-gradient-wrong"),
    "critic-upside-down": ("Pendulum-v1", make(CriticUpsideDown), "critic-gradient-wrong"),
}
HEALTHY: Mapping[str, tuple[str, MakeModel]] = {
    "sac": ("Pendulum-v1", make(SAC)),
    "sac-of-a-fixed-temperature": ("Pendulum-v1", make(SAC, ent_coef=0.1)),
    "td3": ("Pendulum-v1", make(TD3)),
    "dqn": ("CartPole-v1", make(DQN)),
    "n-steps": ("Pendulum-v1", make(SAC, n_steps=3)),
    "dictionaries": ("FetchReach-v4", make(SAC, "MultiInputPolicy")),
    "hindsight": ("FetchReach-v4", hindsight(HerReplayBuffer)),
    "hindsight-final": (
        "FetchReach-v4",
        make(
            TD3,
            "MultiInputPolicy",
            replay_buffer_class=HerReplayBuffer,
            replay_buffer_kwargs={"goal_selection_strategy": "final"},
        ),
    ),
}
