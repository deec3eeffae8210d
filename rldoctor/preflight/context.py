"""The patient of a preflight: one environment, its recipe and what is expected of it, measured when first asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from rldoctor.environments import registry
from rldoctor.environments.rollouts import Env
from rldoctor.model import Json
from rldoctor.preflight import gpu, measurements
from rldoctor.preflight.expectations import Expectation, load_expectations
from rldoctor.preflight.measurements import Batch, Effects, Homing, Movement
from rldoctor.recipe import Recipe

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

    from rldoctor.preflight.one_update import LearningStep

Wrapper = Callable[[Env], Env]
MakeVector = Callable[[int], "VecEnv"]

# Parallel environments that preflight makes: enough to compare, few enough to be quick.
PARALLEL = 4
# Training seeds begin here (rldoctor.environments.vec_envs), so preflight tries the very seeds of a training.
FIRST_TRAINING_SEED = 1_000_000


class PreflightContext:
    """An environment under examination. Each measurement is taken once, when a check first asks for it.

    Args:
        env_id: Gymnasium id, or ``module:id``.
        recipe: What is to be trained on it.
        wrap: Applied directly to what ``gymnasium.make`` returns.
        make_vector: Makes the given number of parallel environments.
        directory: Where runs will be written.
        measured: Numbers for the report's facts; ``baselines`` found in it are not measured again.
        rules: The user's folders of rules, which may state expectations.
    """

    def __init__(
        self,
        env_id: str,
        recipe: Recipe | None = None,
        wrap: Wrapper | None = None,
        make_vector: MakeVector | None = None,
        directory: Path | None = None,
        measured: dict[str, Json] | None = None,
        rules: tuple[Path, ...] = (),
    ) -> None:
        self.env_id = env_id
        self.recipe = recipe
        self.directory = directory or Path()
        self.measured: dict[str, Json] = {} if measured is None else measured
        self.expected = load_expectations(rules)
        self._wrap = wrap
        self._make_vector = make_vector
        self._opened: list[Env] = []

    def make(self) -> Env:
        """Make a fresh environment, closed with the patient.

        Raises:
            EnvironmentBroken: It cannot be made.
        """
        env = registry.make(self.env_id)
        self._opened.append(env)
        return self._wrap(env) if self._wrap else env

    @cached_property
    def vector(self) -> VecEnv:
        """``PARALLEL`` environments made as training does: in one process, each with SB3's Monitor outermost."""
        if self._make_vector:
            return self._make_vector(PARALLEL)
        from stable_baselines3.common.monitor import Monitor
        from stable_baselines3.common.vec_env import DummyVecEnv

        return DummyVecEnv([lambda: Monitor(self.make())] * PARALLEL)

    def close(self) -> None:
        """Close every environment that was made."""
        opened: list[Any] = [*self._opened]
        if "vector" in vars(self):
            opened.append(self.vector)
        for env in opened:
            # An environment that cannot even be closed has shown that in the checks already.
            with contextlib.suppress(Exception):
                env.close()
        self._opened.clear()

    @property
    def expectation(self) -> Expectation | None:
        """What is known of this environment, ``None`` where nothing is."""
        return self.expected.get(_bare(self.env_id))

    @property
    def dense_expected_by(self) -> str:
        """Id of the environment whose dense reward is expected: the recipe's or this one; empty for none."""
        wanted = _bare(self.recipe.env if self.recipe else self.env_id)
        known = self.expected.get(wanted)
        return wanted if known and known.reward_dense else ""

    @property
    def spec(self) -> gymnasium.envs.registration.EnvSpec | None:
        """The registration of the environment: its entry point and time limit."""
        with contextlib.suppress(gymnasium.error.Error):
            return gymnasium.spec(self.env_id)
        return None

    @property
    def entry_point(self) -> str:
        """Where the environment's class comes from, as ``module:class``; empty where it is not registered."""
        entry = self.spec.entry_point if self.spec else None
        if callable(entry):
            return f"{entry.__module__}:{getattr(entry, '__qualname__', '')}"
        return entry or ""

    @cached_property
    def env(self) -> Env:
        """The environment on which everything is measured that needs no fresh one."""
        return self.make()

    @property
    def horizon(self) -> int | None:
        """Steps after which the time limit ends an episode, ``None`` where there is none."""
        return self.spec.max_episode_steps if self.spec else None

    @property
    def distance_threshold(self) -> float | None:
        """Distance below which a goal counts as reached, in its unit: as expected, else as the environment has it."""
        if self.expectation and self.expectation.distance_threshold is not None:
            return self.expectation.distance_threshold
        value = getattr(self.env.unwrapped, "distance_threshold", None)
        return float(value) if isinstance(value, (int, float, np.number)) else None

    @cached_property
    def batch(self) -> Batch:
        """Some hundred transitions of the random policy over several episodes."""
        from stable_baselines3.common.monitor import Monitor

        return measurements.play_random(Monitor(self.env), self.horizon)

    @property
    def has_goals(self) -> bool:
        """Whether the observation names an achieved and a desired goal, both as numbers."""
        named = self.batch.observations
        return all(key in named and named[key].dtype.kind in "biuf" for key in ("achieved_goal", "desired_goal"))

    @cached_property
    def effects(self) -> Effects | None:
        """What each action does to the observation; ``None`` for spaces whose actions cannot be tried one by one."""
        return measurements.probe_actions(self.env, self.batch)

    @cached_property
    def movement(self) -> Movement | None:
        """How far an action moves the achieved goal in one step; ``None`` without goals or a vector of actions."""
        if not self.has_goals or not isinstance(self.env.action_space, gymnasium.spaces.Box):
            return None
        return measurements.fit_movement(self.batch)

    @cached_property
    def homing(self) -> Homing:
        """How near a proportional controller comes to the goals. Ask only where :attr:`movement` is a good fit."""
        assert self.movement is not None
        return measurements.home_in(self.env, self.movement, self.horizon)

    @cached_property
    def gpus(self) -> gpu.VisibleGpus:
        """The graphics cards that the driver shows."""
        return gpu.look()

    @cached_property
    def compute_reward(self) -> Callable[..., Any] | None:
        """The environment's own ``compute_reward``, ``None`` where it has none."""
        function = getattr(self.env.unwrapped, "compute_reward", None)
        return function if callable(function) else None

    @cached_property
    def learning_step(self) -> LearningStep:
        """One PPO iteration of the recipe on this environment."""
        from rldoctor.preflight import one_update

        return one_update.take_one_step(self.recipe, self.vector, FIRST_TRAINING_SEED)


def _bare(env_id: str) -> str:
    """Return an id without the module that ``module:id`` names."""
    return env_id.rpartition(":")[2]
