"""Ways of breaking FetchReachDense-v4, each a small wrapper around the real environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv


class ChangedObservation(gymnasium.Wrapper):
    """Hands every observation through ``change``."""

    def change(self, observation: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def reset(self, **kwargs):
        observation, info = self.env.reset(**kwargs)
        return self.change(observation), info

    def step(self, action):
        observation, *rest = self.env.step(action)
        return self.change(observation), *rest


class GoalHidden(ChangedObservation):
    def change(self, observation):
        return {**observation, "desired_goal": np.zeros(3)}


class GoalRemoved(ChangedObservation):
    def __init__(self, env):
        super().__init__(env)
        spaces = dict(env.observation_space.spaces)
        del spaces["desired_goal"]
        self.observation_space = gymnasium.spaces.Dict(spaces)

    def change(self, observation):
        return {key: value for key, value in observation.items() if key != "desired_goal"}


class ObservationsFrozen(ChangedObservation):
    first: dict[str, Any] | None = None

    def reset(self, **kwargs):
        observation, info = self.env.reset(**kwargs)
        self.first = observation
        return observation, info

    def change(self, observation):
        return self.first


class NaNObservation(ChangedObservation):
    steps = 0

    def change(self, observation):
        self.steps += 1
        if self.steps % 30:
            return observation
        return {**observation, "observation": np.where(np.arange(10) == 7, np.nan, observation["observation"])}


class SinglePrecision(ChangedObservation):
    def change(self, observation):
        return {key: value.astype(np.float32) for key, value in observation.items()}


class WholeNumbers(ChangedObservation):
    def change(self, observation):
        return {**observation, "observation": observation["observation"].astype(np.int64)}


class HugeObservations(ChangedObservation):
    def change(self, observation):
        return {**observation, "observation": observation["observation"] * 1e4}


class OutsideTheSpace(ChangedObservation):
    def __init__(self, env):
        super().__init__(env)
        box = gymnasium.spaces.Box(-1.0, 1.0, (10,), np.float64)
        self.observation_space = gymnasium.spaces.Dict({**env.observation_space.spaces, "observation": box})

    def change(self, observation):
        return observation


class GoalNeverChanges(gymnasium.Wrapper):
    """The same goal in every episode, and the environment pursues it."""

    def reset(self, **kwargs):
        observation, info = self.env.reset(**kwargs)
        self.unwrapped.goal = np.array([1.3, 0.75, 0.5])
        return {**observation, "desired_goal": self.unwrapped.goal.copy()}, info


class GoalUnreachable(gymnasium.Wrapper):
    """Goals two metres outside the workspace."""

    def reset(self, **kwargs):
        observation, info = self.env.reset(**kwargs)
        self.unwrapped.goal = self.unwrapped.goal + 2.0
        return {**observation, "desired_goal": self.unwrapped.goal.copy()}, info


class ActionsShuffled(gymnasium.ActionWrapper):
    """Another order of the dimensions at every step, from a generator of its own that no seed reaches."""

    def __init__(self, env):
        super().__init__(env)
        self.random = np.random.default_rng()

    def action(self, action):
        return self.random.permutation(action)


class ActionsReordered(gymnasium.ActionWrapper):
    """Always the same wrong order: reproducible, and still not what the axes are known to do."""

    def action(self, action):
        return action[[1, 2, 0, 3]]


class ActionsIgnored(gymnasium.ActionWrapper):
    def action(self, action):
        return np.zeros_like(action)


class ActionsScaledDown(gymnasium.ActionWrapper):
    def action(self, action):
        return action * np.float32(0.1)


class OneActionDead(gymnasium.ActionWrapper):
    def action(self, action):
        return action * np.array([1, 0, 1, 1], dtype=np.float32)


class ActionBounds(gymnasium.Wrapper):
    low, high = -1.0, 1.0

    def __init__(self, env):
        super().__init__(env)
        self.action_space = gymnasium.spaces.Box(self.low, self.high, (4,), np.float32)


class ActionsAsymmetric(ActionBounds):
    low, high = 0.0, 1.0


class ActionsUnbounded(ActionBounds):
    low, high = -np.inf, np.inf


class ActionsWide(ActionBounds):
    low, high = -100.0, 100.0


class ActionsDouble(gymnasium.Wrapper):
    def __init__(self, env):
        super().__init__(env)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float64)


class ActionsReversed(ActionBounds):
    def __init__(self, env):
        super().__init__(env)
        self.action_space.low, self.action_space.high = self.action_space.high, self.action_space.low


class Reward(gymnasium.RewardWrapper):
    def reward(self, reward):
        return float(reward)


class RewardFlipped(Reward):
    def reward(self, reward):
        return -float(reward)


class RewardConstant(Reward):
    def reward(self, reward):
        return -0.5


class RewardTimes1000(Reward):
    def reward(self, reward):
        return 1000.0 * float(reward)


class RewardTimes1e4th(Reward):
    def reward(self, reward):
        return 1e-4 * float(reward)


class RewardNaN(Reward):
    def reward(self, reward):
        return float("nan")


class RewardUnrelated(Reward):
    steps = 0

    def reward(self, reward):
        self.steps += 1
        return -0.2 + 0.1 * float(np.sin(self.steps))


class RewardSparse(gymnasium.Wrapper):
    """The reward and ``compute_reward`` only say whether the goal is reached."""

    def __init__(self, env):
        super().__init__(env)
        env.unwrapped.reward_type = "sparse"


class ChangedInfo(gymnasium.Wrapper):
    def change(self, info):
        raise NotImplementedError

    def step(self, action):
        *first, info = self.env.step(action)
        return *first, self.change(info)


class SuccessAlwaysFalse(ChangedInfo):
    def change(self, info):
        return {**info, "is_success": False}


class SuccessAlwaysTrue(ChangedInfo):
    def change(self, info):
        return {**info, "is_success": True}


class SuccessMissing(ChangedInfo):
    def change(self, info):
        return {}


class NotReproducible(ChangedObservation):
    """Noise from a generator of its own."""

    def __init__(self, env):
        super().__init__(env)
        self.random = np.random.default_rng()

    def change(self, observation):
        return {**observation, "observation": observation["observation"] + 0.01 * self.random.normal(size=10)}


class SeedIgnored(gymnasium.Wrapper):
    def reset(self, **kwargs):
        return self.env.reset(**{**kwargs, "seed": 7})


class OneEpisode(gymnasium.Wrapper):
    """The same start and goal whatever the seed, which reaches the environment."""

    def reset(self, **kwargs):
        self.env.reset(**{**kwargs, "seed": 7})
        observation, info = self.env.reset(seed=7)
        self.unwrapped._np_random_seed = kwargs.get("seed")
        return observation, info


class FourValues(gymnasium.Wrapper):
    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated or truncated, info


class StepRaises(gymnasium.Wrapper):
    steps = 0

    def step(self, action):
        self.steps += 1
        if self.steps > 20:
            raise RuntimeError("the simulation exploded")
        return self.env.step(action)


class ResetWithoutInfo(gymnasium.Wrapper):
    def reset(self, **kwargs):
        return self.env.reset(**kwargs)[0]


class ResetWithoutOptions(gymnasium.Wrapper):
    def reset(self, *, seed=None):
        return self.env.reset(seed=seed)


class ResetWithoutSeed(gymnasium.Wrapper):
    def reset(self):
        return self.env.reset()


class TimeLimitTerminates(gymnasium.Wrapper):
    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated or truncated, False, info


class ShortEpisodes(gymnasium.wrappers.TimeLimit):
    def __init__(self, env):
        super().__init__(env, 30)


class BatchedRewardFails(gymnasium.Wrapper):
    """``compute_reward`` handles one goal at a time only."""

    def __init__(self, env):
        super().__init__(env)
        inner = env.unwrapped.compute_reward

        def compute_reward(achieved, desired, info):
            if np.ndim(achieved) > 1:
                raise ValueError("one goal at a time")
            return inner(achieved, desired, info)

        env.unwrapped.compute_reward = compute_reward


class OneSeedForAll(DummyVecEnv):
    def seed(self, seed=None):
        for index in range(self.num_envs):
            self._seeds[index] = seed
        return self._seeds
