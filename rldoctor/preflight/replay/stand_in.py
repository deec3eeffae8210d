"""An environment that stands in for the real one: every transition is known, and episodes end in both ways at once.

The buffer, the relabelling and the update are examined on it, not the environment: a real one would take hundreds of
steps to an end, and few of them terminate and are truncated within one preflight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from msgspec import structs
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from rldoctor.environments import naming
from rldoctor.preflight.check import one_line
from rldoctor.recipe import Recipe
from rldoctor.sb3.arguments import algorithm_arguments, algorithm_class, policy_class
from rldoctor.sb3.without_logs import without_logs

GOALS = ("achieved_goal", "desired_goal")
# Steps of an episode, environments, and steps of each: a dozen ends of both kinds, and a buffer of ROWS wraps around.
LENGTH, ENVS, STEPS, ROWS = 5, 2, 60, 40
# Of actions: neither symmetric nor of size 1, so that an action that is scaled twice, or not at all, shows.
_LOW, _HIGH = -2.0, 3.0

MakeModel = Callable[[VecEnv], OffPolicyAlgorithm]


@dataclass(frozen=True)
class Transition:
    """One step of the stand-in.

    Attributes:
        observation: Before the step, parts by name; ``""`` for one that is no dictionary.
        action: As the environment got it.
        reward: Returned.
        following: The observation after the step, also where the episode ended.
        terminated: Whether the episode ended for good.
        truncated: Whether it was cut.
        episode: Its number.
    """

    observation: dict[str, NDArray[np.float32]]
    action: NDArray[Any]
    reward: float
    following: dict[str, NDArray[np.float32]]
    terminated: bool
    truncated: bool
    episode: int


class StandIn(gymnasium.Env[Any, Any]):
    """Random observations and rewards, episodes of ``LENGTH`` steps, every other one truncated.

    Args:
        observations: The space that it stands in for: vectors, dictionaries or goals.
        actions: Continuous actions keep their shape and get other bounds.
        place: Among the parallel environments.
    """

    def __init__(self, observations: spaces.Space[Any], actions: spaces.Space[Any], place: int) -> None:
        self.observation_space = _like(observations)
        box = isinstance(actions, spaces.Box)
        self.action_space = spaces.Box(_LOW, _HIGH, actions.shape, np.float32) if box else actions
        self._draw = np.random.default_rng(place)
        self._episode = self._steps = 0
        self._seen: Any = None
        self.log: list[Transition] = []

    def compute_reward(self, achieved: Any, desired: Any, _info: Any) -> Any:
        """Return minus the distance, of one transition or a batch."""
        return -np.linalg.norm(np.asarray(achieved) - np.asarray(desired), axis=-1).astype(np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode."""
        super().reset(seed=seed, options=options)
        self._episode, self._steps = self._episode + 1, 0
        self._goal = self._vector((3,)) if self._has_goals else None
        self._seen = self._look()
        return self._seen, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step, and write it down."""
        before, self._seen, self._steps = self._seen, self._look(), self._steps + 1
        over, cut = self._steps == LENGTH, self._episode % 2 == 1
        reward = (
            float(self.compute_reward(self._seen["achieved_goal"], self._goal, {}))
            if self._has_goals
            else float(np.float32(self._draw.uniform(-1, 0)))
        )
        kept = Transition(
            parts_of(before),
            np.array(action),
            reward,
            parts_of(self._seen),
            over and not cut,
            over and cut,
            self._episode,
        )
        self.log.append(kept)
        return self._seen, reward, kept.terminated, kept.truncated, {}

    @property
    def _has_goals(self) -> bool:
        return isinstance(self.observation_space, spaces.Dict) and "desired_goal" in self.observation_space.spaces

    def _look(self) -> Any:
        if not isinstance(self.observation_space, spaces.Dict):
            return self._vector(self.observation_space.shape)
        found = {key: self._vector(space.shape) for key, space in self.observation_space.spaces.items()}
        return {**found, "desired_goal": self._goal} if self._has_goals else found

    def _vector(self, shape: tuple[int, ...] | None) -> NDArray[np.float32]:
        return self._draw.uniform(-1, 1, shape).astype(np.float32)


def _like(space: spaces.Space[Any]) -> spaces.Space[Any]:
    if not isinstance(space, spaces.Dict):
        return spaces.Box(-1, 1, (4,), np.float32)
    goal = set(GOALS) <= set(space.spaces)
    return spaces.Dict(
        {key: spaces.Box(-1, 1, (3,), np.float32) for key in (*GOALS, "observation")[: 3 if goal else 2]}
    )


def parts_of(observation: Any) -> dict[str, NDArray[Any]]:
    """Return the parts of an observation by name; ``""`` for one that is no dictionary."""
    return dict(observation) if isinstance(observation, dict) else {"": observation}


@dataclass(frozen=True)
class Machinery:
    """A model that has collected steps of stand-ins, and what these wrote down, environment by environment."""

    model: Any
    logs: tuple[tuple[Transition, ...], ...]

    @property
    def buffer(self) -> Any:
        """The replay buffer."""
        return self.model.replay_buffer


def maker_of(recipe: Recipe) -> MakeModel:
    """Return what makes the recipe's algorithm, with a buffer that the collected steps wrap around."""
    settings = {**recipe.hyperparameters, "buffer_size": ROWS * ENVS}
    small = structs.replace(recipe, hyperparameters=settings)

    def make(envs: VecEnv) -> OffPolicyAlgorithm:
        arguments = algorithm_arguments(small, envs.action_space)
        kind: Any = algorithm_class(small.algorithm)
        made: OffPolicyAlgorithm = kind(
            policy_class(envs.observation_space), envs, seed=0, device="cpu", verbose=0, **arguments
        )
        return made

    return make


class NotMade(Exception):
    """What should make the algorithm raised, or gave something else; the words say so and what to do."""


def _made(make_model: MakeModel, envs: VecEnv) -> Any:
    try:
        model: Any = make_model(envs)
    except Exception as problem:  # A user's function may raise anything.
        raise NotMade(
            f"make_model raised {one_line(problem)}{naming.where(problem)}. It is called with a vec env of two small "
            "environments that stand in for yours, and returns the algorithm made on it."
        ) from problem
    if not isinstance(model, OffPolicyAlgorithm):
        what = "nothing (None)" if model is None else f"a {type(model).__name__}"
        raise NotMade(
            f"make_model returns {what}, and not an off-policy algorithm of Stable-Baselines3. Let it return the "
            "algorithm, made on the vec env that it is given."
        )
    if model.env is None:
        raise NotMade(
            f"make_model returns {type(model).__name__} without an environment. Make it on the given vec env."
        )
    return model


def collect(make_model: MakeModel, observations: spaces.Space[Any], actions: spaces.Space[Any]) -> Machinery:
    """Make a model on stand-ins and let it collect ``STEPS`` steps of each, as training does before it learns."""
    stand_ins = [StandIn(observations, actions, place) for place in range(ENVS)]
    envs = DummyVecEnv([lambda one=one: Monitor(one) for one in stand_ins])  # type: ignore[misc]
    model = _made(make_model, envs)
    without_logs(model)
    # Private, but the only way to stop between what learn() calls.
    _, callback = model._setup_learn(STEPS * ENVS * 100, None)
    model.collect_rollouts(
        model.env,
        callback,
        train_freq=TrainFreq(STEPS, TrainFrequencyUnit.STEP),
        replay_buffer=model.replay_buffer,
        action_noise=model.action_noise,
        learning_starts=STEPS * ENVS + 1,
    )
    return Machinery(model, tuple(tuple(one.log) for one in stand_ins))
