"""A policy with the environment that it is played in: of a run, of a saved model, or a model in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
from msgspec import structs
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv

from rldoctor import run_directory
from rldoctor.archives.vec_normalize import ObservationStatistics, read_vec_normalize
from rldoctor.environments import registry
from rldoctor.environments.robot_joints import read_joints_at_once
from rldoctor.environments.rollouts import LANES, Act, Env
from rldoctor.environments.step_threads import helpful_threads
from rldoctor.errors import UsageError
from rldoctor.hyperparameters import ALGORITHMS
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_record import read_run_record
from rldoctor.sb3.saved_policy import SavedPolicy, load_policy
from rldoctor.sb3.without_dynamo import without_dynamo
from rldoctor.training import algorithm

# Files beside a model that RL Zoo and Stable-Baselines3's documentation write the statistics to.
_STATISTICS = ("vecnormalize.pkl", "vec_normalize.pkl")
NOT_NORMALISED = "none"
"""What ``--vec-normalize`` takes to leave observations as they are."""
Wrap = Callable[[Env], Env]


@dataclass(frozen=True)
class Player:
    """A policy and its environment.

    Attributes:
        env: Name of the environment.
        arguments: What it is made with besides its name.
        make_env: Makes one environment.
        acting: Takes whether to act deterministically and whether to normalise; gives what :func:`roll_out` takes, and
            a wrapper that each of its environments needs.
        lanes: Episodes that may be played side by side.
        threads: How many threads help.
        file: Of the policy; ``None`` for a model in Python.
        steps: Environment steps that it was trained for, if that is known.
        normalised_by: Where the statistics are from that normalise its observations; empty for none.
    """

    env: str
    arguments: Mapping[str, Json]
    make_env: Callable[[], Env]
    acting: Callable[[bool, bool], tuple[Act, Wrap]]
    lanes: int = LANES
    threads: int = 1
    file: Path | None = None
    steps: Json = None
    normalised_by: str = ""


def player_of_run(directory: Path) -> tuple[Player, Recipe]:
    """Return the policy of a run of ``rldoctor train``, and its recipe.

    Raises:
        UsageError: There is no such directory.
        CannotJudge: It holds no run of rldoctor's, or no policy that can be loaded.
    """
    run_directory.require(directory)
    recipe = read_run_record(directory).require_recipe(directory)
    policy_file = run_directory.find_policy(directory)
    model, steps, threads = load_run_policy(recipe, policy_file)

    def make_env() -> Env:
        env = registry.make(recipe.env, **recipe.env_arguments)
        read_joints_at_once(env)
        return env

    def acting(deterministic: bool, _normalise: bool) -> tuple[Act, Wrap]:
        return lambda observations: model.predict(observations, deterministic=deterministic)[0], _as_it_is

    return Player(
        recipe.env, recipe.env_arguments, make_env, acting, threads=threads, file=policy_file, steps=steps
    ), recipe


def player_of_model(file: Path, env: str, arguments: Mapping[str, Json], vec_normalize: str | None = None) -> Player:
    """Return the policy of a model that ``model.save`` wrote.

    Args:
        file: The archive of Stable-Baselines3 or sb3-contrib.
        env: Name of the environment.
        arguments: What it is made with besides its name.
        vec_normalize: The file that ``VecNormalize.save`` wrote, or ``none``; one beside the model by default.

    Raises:
        UsageError: The environment is not known.
        EnvironmentBroken: It cannot be made.
        CannotJudge: The policy cannot be rebuilt for it, or the statistics cannot be read.
    """

    def make_env() -> Env:
        made = registry.make(env, **arguments)
        read_joints_at_once(made)
        return made

    probe = make_env()
    try:
        policy = load_policy(file, probe)
        threads = helpful_threads(probe)
    finally:
        probe.close()
    statistics_file = _statistics_of(file, vec_normalize)
    statistics = read_vec_normalize(statistics_file) if statistics_file else None
    alone = policy.is_recurrent or policy.is_masked
    return Player(
        env,
        arguments,
        make_env,
        lambda deterministic, normalise: _of_saved(policy, statistics if normalise else None, deterministic),
        lanes=1 if alone else LANES,
        threads=1 if alone else threads,
        file=file,
        steps=policy.saved.steps,
        normalised_by=statistics_file.name if statistics_file and statistics and statistics.moments else "",
    )


def player_of_object(model: Any, env: str, arguments: Mapping[str, Json]) -> Player:
    """Return the policy of a model in Python: anything with Stable-Baselines3's ``predict``."""
    statistics = model.get_vec_normalize_env() if isinstance(model, BaseAlgorithm) else None

    def acting(deterministic: bool, normalise: bool) -> tuple[Act, Wrap]:
        state = _State()

        def act(observations: Any) -> Any:
            seen = _first(observations)
            if statistics is not None and normalise:
                seen = statistics.normalize_obs(seen)
            options: dict[str, Any] = {"deterministic": deterministic}
            if isinstance(model, BaseAlgorithm):
                options |= {"state": state.value, "episode_start": state.started()}
            answer = model.predict(seen, **options)
            action, state.value = answer if isinstance(answer, tuple) else (answer, None)
            return [action]

        return act, state.wrap

    return Player(
        env,
        arguments,
        lambda: registry.make(env, **arguments),
        acting,
        lanes=1,
        steps=getattr(model, "num_timesteps", None),
        normalised_by="the model's VecNormalize" if statistics is not None else "",
    )


@without_dynamo()
def load_run_policy(recipe: Recipe, policy_file: Path) -> tuple[BaseAlgorithm, Json, int]:
    """Build the recipe's policy and put the saved weights in.

    Returns:
        The model, the steps it was trained for, and how many threads help to play its environment.

    Raises:
        CannotJudge: The file is missing, damaged, or was made for other shapes.
    """
    # The buffer, which is not needed to play, is made as small as SB3 allows.
    settings = {**recipe.hyperparameters, **ALGORITHMS[recipe.algorithm].SMALLEST}
    envs = DummyVecEnv([lambda: registry.make(recipe.env, **recipe.env_arguments)])
    try:
        model = algorithm.build(structs.replace(recipe, n_envs=1, hyperparameters=settings), envs, seed=0)
    finally:
        envs.close()
    return model, algorithm.load_weights(model, policy_file).get("steps"), helpful_threads(envs.envs[0])


class _State:
    """The state of a recurrent policy in the one environment that it plays in."""

    def __init__(self) -> None:
        self.value: Any = None
        self.env: Any = None
        self._begins = True

    def wrap(self, env: Env) -> Env:
        self.env = env
        return _ToldOfResets(env, self)

    def reset(self) -> None:
        self.value, self._begins = None, True

    def started(self) -> Any:
        """Return whether this is an episode's first step, as Stable-Baselines3 takes it."""
        import numpy as np

        begins, self._begins = self._begins, False
        return np.array([begins])


class _ToldOfResets(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that tells the policy's state when an episode begins."""

    def __init__(self, env: Env, state: _State) -> None:
        super().__init__(env)
        self._state = state

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self._state.reset()
        return self.env.reset(seed=seed, options=options)


def _of_saved(policy: SavedPolicy, statistics: ObservationStatistics | None, deterministic: bool) -> tuple[Act, Wrap]:
    state = _State()

    def act(observations: Any) -> Any:
        # VecNormalize is inside VecTransposeImage where Stable-Baselines3 wraps by itself.
        seen = policy.transform(statistics.apply(observations) if statistics else observations)
        options: dict[str, Any] = {"deterministic": deterministic}
        if policy.is_recurrent:
            options |= {"state": state.value, "episode_start": state.started()}
        if policy.is_masked:
            options["action_masks"] = state.env.get_wrapper_attr("action_masks")()
        actions, state.value = policy.policy.predict(seen, **options)
        return actions

    return act, state.wrap if policy.is_recurrent or policy.is_masked else _as_it_is


def _as_it_is(env: Env) -> Env:
    return env


def _first(observations: Any) -> Any:
    """Return the one observation of a batch of one."""
    if isinstance(observations, Mapping):
        return {key: value[0] for key, value in observations.items()}
    return observations[0]


def _statistics_of(model: Path, named: str | None) -> Path | None:
    """Return the file of VecNormalize's statistics: the named one, or one beside the model.

    Raises:
        UsageError: The named file does not exist.
    """
    if named == NOT_NORMALISED:
        return None
    if named is not None:
        if not Path(named).is_file():
            raise UsageError(f"There is no file {named}.", "Name the file that VecNormalize.save(file) wrote.")
        return Path(named)
    # RL Zoo has a folder called after the environment beside the model.
    beside = [model.with_name(f"{model.stem}_{name}") for name in _STATISTICS]
    beside += [model.with_name(name) for name in _STATISTICS]
    return next((file for file in beside if file.is_file()), None)
