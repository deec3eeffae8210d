"""The preflight context: one environment, its recipe and what is expected of it, measured when first asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rldoctor.errors import CannotJudge, RldoctorError
from rldoctor.model import Json
from rldoctor.preflight import gpu, measurements
from rldoctor.preflight.blame import Told
from rldoctor.preflight.budget import Budget
from rldoctor.preflight.check import NotRun, Plugins
from rldoctor.preflight.expectations import Expectation, load_expectations
from rldoctor.preflight.measurements import Batch
from rldoctor.preflight.probes import alternatives, long_play, playable, steering
from rldoctor.preflight.probes.alternatives import Effects
from rldoctor.preflight.probes.inspection import time_limit
from rldoctor.preflight.probes.long_play import LongPlay
from rldoctor.preflight.probes.steering import Homing, Movement
from rldoctor.preflight.replay.examined import ExaminedReplay
from rldoctor.recipe import Recipe

if TYPE_CHECKING:
    from gymnasium.envs.registration import EnvSpec
    from gymnasium.spaces import Box
    from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.one_update import LearningStep
    from rldoctor.preflight.probes.transcript import Call

Wrapper: TypeAlias = "Callable[[Env], Env]"
MakeVecEnv: TypeAlias = "Callable[[int], VecEnv]"
MakeModel: TypeAlias = "Callable[[VecEnv], OffPolicyAlgorithm]"

# Parallel environments that preflight makes: enough to compare, few enough to be quick.
PARALLEL = 4
# Ours: a controller is meaningful where actions explain at least half of the goal's movement (FetchReach: 0.99).
_STEERABLE = 0.5
# The first calls, of which most steps are taken for granted afterwards.
_FIRST_SHARE = 0.05
# What playing on to the end of an episode may take: a fraction of the budget, and seconds of the processor.
_LONG_SHARE = 0.1
_LONG_SECONDS = 2.0


@dataclass(eq=False)
class PreflightContext:
    """What checks look at. Each measurement is taken once, when a check first asks for it.

    Attributes:
        env_id: Name of the environment, as :func:`rldoctor.environments.registry.resolve` takes it.
        recipe: What is to be trained on it.
        wrap: Applied directly to what ``gymnasium.make`` returns.
        make_vec_env: Makes the given number of parallel environments.
        make_model: Makes the off-policy algorithm that will be trained, on the environments that it is given; by
            default the one that the recipe names.
        directory: Where runs will be written.
        measured: Numbers for the report's facts; ``baselines`` found in it are not measured again.
        rules: The user's folders of rules, which may state expectations.
        plugins: The checks of other packages.
        budget: The time that is left.
        arguments: What the environment is made with; what the recipe says by default.
        verdict_only: Nobody uses ``measured`` for more than the report: what decides no check may be played less.
        failed: Codes of the checks that have found an error so far.
        told: What the environment raised that has been reported.
        repeatable: Whether seed 0 repeats itself; found out by ENV105.
    """

    env_id: str
    recipe: Recipe | None = None
    wrap: Wrapper | None = None
    make_vec_env: MakeVecEnv | None = None
    make_model: MakeModel | None = None
    directory: Path = Path()
    measured: dict[str, Json] = field(default_factory=dict)
    rules: tuple[Path, ...] = ()
    plugins: Plugins = Plugins()  # noqa: RUF009
    budget: Budget = field(default_factory=Budget)
    arguments: Mapping[str, Json] | None = None
    verdict_only: bool = False
    failed: set[str] = field(default_factory=set, init=False)
    told: Told = field(default_factory=Told, init=False)
    repeatable: bool = field(default=True, init=False)
    _hidden: CannotJudge | None = field(default=None, init=False)
    _opened: list[Env] = field(default_factory=list, init=False)

    def make(self) -> Env:
        """Make a fresh environment; :meth:`close` closes it.

        Raises:
            EnvironmentBroken: It cannot be made.
            CannotJudge: It is in another process.
        """
        from rldoctor.environments import registry
        from rldoctor.preflight.probes.metered import Metered
        from rldoctor.preflight.probes.views.one_level import one_level

        if self._hidden:
            raise self._hidden
        # Without Gymnasium's PassiveEnvChecker, which raises in the environment's place.
        with self.budget.calling("the constructor"):
            try:
                env = registry.make_to_examine(self.env_id, disable_env_checker=True, **self.env_arguments)
            except CannotJudge as hidden:
                self._hidden = hidden
                raise
        self._opened.append(env)
        return Metered(one_level(self.wrap(env) if self.wrap else env), self.budget)

    @property
    def env_arguments(self) -> dict[str, Any]:
        """What the environment is made with: as asked, or as the recipe says, where this is its environment."""
        by_recipe = self.recipe.env_arguments if self.recipe and self.recipe.env == self.env_id else {}
        return by_recipe if self.arguments is None else dict(self.arguments)

    @cached_property
    def vec_env(self) -> VecEnv:
        """``PARALLEL`` environments made as training does: in one process, each with SB3's Monitor outermost."""
        self.require_playable()
        if self.make_vec_env:
            return self.make_vec_env(PARALLEL)
        from stable_baselines3.common.monitor import Monitor
        from stable_baselines3.common.vec_env import DummyVecEnv

        # Making an environment may take seconds, so those that are there already are among them.
        made = [lambda: Monitor(self.env), lambda: Monitor(self.spare)]
        return DummyVecEnv([*made, *[lambda: Monitor(self.make())] * (PARALLEL - len(made))])

    def close(self) -> list[BaseException]:
        """Close every environment that was made, and return what that raised."""
        # Those of our own vec env are among them.
        opened: list[Any] = [*self._opened, *([self.vec_env] if self.make_vec_env and "vec_env" in vars(self) else [])]
        raised: list[BaseException] = []
        for env in opened:
            try:
                env.close()
            except (Exception, SystemExit) as problem:
                raised.append(problem)
        self._opened.clear()
        return raised

    @property
    def expectation(self) -> Expectation:
        """What is known of this environment; one without ``envs`` where nothing is."""
        return load_expectations(self.rules).get(self.env_id.rpartition(":")[2], Expectation(envs=(), title=""))

    @cached_property
    def spec(self) -> EnvSpec | None:
        """The registration of the environment: its entry point and time limit."""
        from rldoctor.environments import registry

        with contextlib.suppress(RldoctorError):
            return registry.resolve(self.env_id)
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
        """The environment for every measurement that needs no fresh one."""
        return self.make()

    @cached_property
    def spare(self) -> Env:
        """A second environment, for what must not touch the first or needs two."""
        return self.make()

    @property
    def boxes(self) -> dict[str, Box]:
        """The Box spaces of the observation, by name."""
        from gymnasium.spaces import Box

        spaces = measurements.spaces_of(self.env.observation_space)
        return {key: space for key, space in spaces.items() if isinstance(space, Box)}

    @property
    def horizon(self) -> int | None:
        """Steps after which the time limit ends an episode, ``None`` where there is none."""
        own = self.env_arguments.get("max_episode_steps") or (self.spec and self.spec.max_episode_steps)
        return int(own) if own else time_limit(self.env)

    @property
    def distance_threshold(self) -> float | None:
        """Distance below which a goal counts as reached, in its unit: as expected, else as the environment has it."""
        if self.expectation.episode.distance_threshold is not None:
            return self.expectation.episode.distance_threshold
        value = getattr(self.env.unwrapped, "distance_threshold", None)
        return float(value) if isinstance(value, (int, float, np.number)) else None

    @cached_property
    def transcript(self) -> list[Call]:
        """The first calls to the environment, as it answered them."""
        from rldoctor.preflight.probes import transcript

        return transcript.record(self.env, _FIRST_SHARE * self.budget.seconds)

    def space(self, role: str) -> Any:
        """Return what the environment has as its ``observation`` or ``action`` space, which may be anything."""
        return playable.space_of(self.env, role)

    @cached_property
    def undeclared(self) -> str:
        """The check that reports a space from which no value can be drawn; empty where there is none."""
        return playable.undeclared(self.space("observation"), self.space("action"))

    @cached_property
    def unplayable(self) -> str:
        """The check that reports why nothing can be played or stacked; empty where it can be."""
        return self.undeclared or playable.unplayable(self.env, self.transcript)

    def require_playable(self) -> None:
        """Raise where the environment cannot be played, which another check reports.

        Raises:
            NotRun: It cannot.
        """
        if self.unplayable:
            raise NotRun(f"{self.unplayable} failed")

    @cached_property
    def batch(self) -> Batch:
        """Some hundred transitions of the random policy over several episodes."""
        self.require_playable()
        batch = measurements.play_random(measurements.monitored(self.env), self.horizon, self.budget)
        self.budget.step_seconds = float(np.median(batch.seconds))
        return batch

    @cached_property
    def long_play(self) -> LongPlay:
        """Random episodes played to their end, where those of the batch were cut."""
        seconds = min(_LONG_SHARE * self.budget.seconds, 0.5 * self.budget.remaining)
        return long_play.play_long(self.env, self.horizon, self.batch, seconds, _LONG_SECONDS)

    @property
    def has_goals(self) -> bool:
        """Whether the observation has an achieved and a desired goal, both as numbers."""
        named = self.batch.observations
        return all(key in named and named[key].dtype.kind in "biuf" for key in ("achieved_goal", "desired_goal"))

    @cached_property
    def effects(self) -> Effects | None:
        """What each action does to the observation; ``None`` for spaces whose actions cannot be tried one by one."""
        return alternatives.probe_actions(self.env, self.batch, self.budget)

    @cached_property
    def movement(self) -> Movement | None:
        """How far an action moves the achieved goal in one step; ``None`` without goals or a vector of actions."""
        from gymnasium.spaces import Box

        if not self.has_goals or not isinstance(self.env.action_space, Box):
            return None
        return steering.fit_movement(self.batch)

    @cached_property
    def homing(self) -> Homing | None:
        """How near a proportional controller comes to the goals; ``None`` where actions do not move them directly."""
        if self.movement is None or self.movement.fit < _STEERABLE:
            return None
        return steering.home_in(self.env, self.movement, self.horizon, self.budget)

    @cached_property
    def gpus(self) -> gpu.VisibleGpus:
        """The GPUs that the driver shows."""
        return gpu.look()

    @cached_property
    def compute_reward(self) -> Callable[..., Any] | None:
        """The environment's own ``compute_reward``, ``None`` where it has none."""
        function = getattr(self.env.unwrapped, "compute_reward", None)
        goal = measurements.spaces_of(self.env.observation_space).get("achieved_goal")
        return measurements.plain_reward(function, goal.shape if goal else None) if callable(function) else None

    @cached_property
    def replay(self) -> ExaminedReplay:
        """What is measured of an algorithm with a replay buffer."""
        return ExaminedReplay(self.make_model, self.recipe, self.env)

    @cached_property
    def learning_step(self) -> LearningStep:
        """One PPO iteration of the recipe on this environment."""
        from rldoctor.environments.vec_envs import training_seed
        from rldoctor.preflight import one_update

        return one_update.take_one_step(self.recipe, self.vec_env, training_seed(0), self.budget)
