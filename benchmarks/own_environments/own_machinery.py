"""Faults of what is put around an environment: wrappers, vec env wrappers and the limits of episodes: own_machinery.py:name.

The environments inside are sound: those of Gymnasium, and the ones of benchmarks/own_environments/own_tasks.py and own_kinds.py. Written and
trained before any rule was changed for them.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecEnvWrapper, VecFrameStack, VecNormalize

from benchmarks.own_environments.sound_kinds import Crane, Park

Wrapper = gymnasium.Wrapper[Any, Any, Any, Any]


def parallel(make: Any, count: int = 8) -> VecEnv:
    """Return parallel environments, monitored as training does."""
    return DummyVecEnv([lambda: Monitor(make())] * count)


# Healthy ones.
def pendulum_vec_normalised() -> VecEnv:
    """Statistics of observations and rewards, as RL Zoo has them."""
    return VecNormalize(parallel(lambda: gymnasium.make("Pendulum-v1")), gamma=0.9)


def crane_stacked() -> VecEnv:
    """Three observations one after another."""
    return VecFrameStack(parallel(Crane), 3)


def cartpole_limited() -> Any:
    """A shorter time limit, from Gymnasium's wrapper."""
    return gymnasium.wrappers.TimeLimit(gymnasium.make("CartPole-v1").unwrapped, 200)


def pendulum_rescaled() -> Any:
    """Actions of other units, scaled by Gymnasium's wrapper."""
    return gymnasium.wrappers.RescaleAction(gymnasium.make("Pendulum-v1"), np.float32(-1), np.float32(1))


class Clipped(gymnasium.RewardWrapper[Any, Any]):
    """Rewards of an environment that pays much are cut to [-10, 10]."""

    def reward(self, reward: Any) -> float:
        return float(np.clip(reward, -10, 10))


def pendulum_clipped() -> Any:
    """A clip that keeps nearly all of the reward."""
    return Clipped(gymnasium.make("Pendulum-v1"))


# Broken ones.
class LateRewards(VecEnvWrapper):
    """Rewards of the step before."""

    def reset(self) -> Any:
        self.owed = np.zeros(self.num_envs, np.float32)
        return self.venv.reset()

    def step_wait(self) -> Any:
        seen, rewards, dones, infos = self.venv.step_wait()
        rewards, self.owed = self.owed, rewards.copy()
        return seen, rewards, dones, infos


def crane_late() -> VecEnv:
    """A vec env wrapper owes each reward by a step, over the end of episodes too."""
    return LateRewards(LateRewards(LateRewards(LateRewards(parallel(Crane)))))


class Narrow(VecEnvWrapper):
    """Keeps observations within what a new network likes, a hundredth."""

    def cut(self, seen: Any) -> Any:
        return np.clip(seen, -0.02, 0.02)

    def reset(self) -> Any:
        return self.cut(self.venv.reset())

    def step_wait(self) -> Any:
        seen, *rest = self.venv.step_wait()
        return self.cut(seen), *rest


def crane_narrow() -> VecEnv:
    """Observations are cut to signs."""
    return Narrow(parallel(Crane))


def pendulum_clip_obs() -> VecEnv:
    """VecNormalize with clip_obs a hundredth."""
    return VecNormalize(parallel(lambda: gymnasium.make("Pendulum-v1")), gamma=0.9, clip_obs=0.01)


def pendulum_clip_reward() -> VecEnv:
    """VecNormalize whose clip of the reward leaves its sign alone, which is always the same."""
    return VecNormalize(parallel(lambda: gymnasium.make("Pendulum-v1")), gamma=0.9, clip_reward=1e-4)


class Mixed(VecEnvWrapper):
    """Gives each environment the action of its neighbour."""

    def __init__(self, venv: VecEnv) -> None:
        super().__init__(venv)

    def reset(self) -> Any:
        return self.venv.reset()

    def step_async(self, actions: Any) -> None:
        self.venv.step_async(np.roll(actions, 1, axis=0))

    def step_wait(self) -> Any:
        return self.venv.step_wait()


def crane_mixed() -> VecEnv:
    """Actions reach another environment."""
    return Mixed(parallel(Crane))


class TenTimes(gymnasium.ActionWrapper[Any, Any, Any]):
    """Scales actions to [-1, 1] that are there already: a fiftieth is left."""

    def action(self, action: Any) -> Any:
        return np.asarray(action, np.float32) / 50


def park_scaled() -> Any:
    """Actions are scaled twice."""
    return TenTimes(Park())


class Inverted(gymnasium.ActionWrapper[Any, Any, Any]):
    """Left is right in one of two, drawn in each episode."""

    def reset(self, **options: Any) -> Any:
        found = self.env.reset(**options)
        self.sign = self.unwrapped.np_random.choice([-1.0, 1.0], 2)
        return found

    def action(self, action: Any) -> Any:
        return (action * self.sign).astype(np.float32)


def park_inverted() -> Any:
    """The meaning of actions is drawn at each reset."""
    return Inverted(Park())


def acrobot_short() -> Any:
    """A time limit of 40 steps, in which nobody swings up."""
    return gymnasium.wrappers.TimeLimit(gymnasium.make("Acrobot-v1").unwrapped, 40)


class Kept(Wrapper):
    """A limit of its own whose counter nobody resets, and that terminates."""

    def __init__(self, env: Any, limit: int) -> None:
        super().__init__(env)
        self.limit, self.count = limit, 0

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        self.count += 1
        return seen, reward, over or self.count > self.limit, cut, info


def cartpole_kept() -> Any:
    """After the first 500 steps every episode ends at once."""
    return Kept(gymnasium.make("CartPole-v1"), 500)


class Before(Wrapper):
    """Returns the observation of the step before."""

    def reset(self, **options: Any) -> Any:
        self.seen, info = self.env.reset(**options)
        return self.seen, info

    def step(self, action: Any) -> Any:
        seen, *rest = self.env.step(action)
        seen, self.seen = self.seen, seen
        return seen, *rest


def park_before() -> Any:
    """Observations of goals, one step late, four times."""
    return Before(Before(Before(Before(Park()))))


class NoGoal(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Flattens a goal environment, and forgets the goal."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.observation_space = Box(-3.0, 3.0, (6,), np.float64)

    def observation(self, observation: Any) -> Any:
        return np.concatenate([observation["observation"], observation["achieved_goal"]])


def park_flat() -> Any:
    """A goal that is not shown."""
    return NoGoal(Park())


class Signed(gymnasium.RewardWrapper[Any, Any]):
    """The sign of the reward, as Atari agents take it."""

    def reward(self, reward: Any) -> float:
        return float(np.sign(reward))


def crane_signed() -> Any:
    """All costs are -1."""
    return Signed(Crane())


class Flags(Wrapper):
    """Tells success wherever an episode ends."""

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        return seen, reward, over, cut, {**info, "is_success": bool(over or cut)}


def park_flags() -> Any:
    """Success of every episode."""
    return Flags(Park())


class Fading(gymnasium.RewardWrapper[Any, Any]):
    """A scale that shrinks with every reward and is not reset."""

    scale = 1.0

    def reward(self, reward: Any) -> float:
        self.scale *= 0.99
        return float(reward) * self.scale


def crane_fading() -> Any:
    """State of a wrapper outlives the episode."""
    return Fading(Crane())


class Half(Wrapper):
    """Repeats each action for as long as an episode, so that there are three decisions."""

    def step(self, action: Any) -> Any:
        total = 0.0
        for _ in range(20):
            seen, reward, over, cut, info = self.env.step(action)
            total += float(reward)
            if over or cut:
                break
        return seen, total, over, cut, info


def park_frames() -> Any:
    """An action is repeated twenty times."""
    return Half(Park())
