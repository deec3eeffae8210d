"""The vec env of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from rldoctor import machine
from rldoctor.environments import registry
from rldoctor.environments.engine import Engine, require_engine
from rldoctor.environments.envpool_vec_env import EnvPoolVecEnv
from rldoctor.environments.rewind import RewindableMonitor
from rldoctor.environments.robot_joints import read_joints_at_once
from rldoctor.environments.step_threads import helpful_threads
from rldoctor.environments.threaded_vec_env import ThreadedVecEnv
from rldoctor.errors import UsageError
from rldoctor.recipe import Recipe

Wrapper = Callable[["gymnasium.Env[Any, Any]"], "gymnasium.Env[Any, Any]"]

# Evaluation episodes have seeds 0..N-1 (rldoctor.training.evaluate). Training seeds begin far above them, so that
# training sees no evaluation episode; 1,000 apart, so that runs with different seeds share none.
_FIRST_TRAINING_SEED = 1_000_000
_SEEDS_A_RUN = 1_000


def training_seed(seed: int) -> int:
    """Return the seed of the first training environment of a run with ``seed``; the others count up from it."""
    return _FIRST_TRAINING_SEED + _SEEDS_A_RUN * seed


def make_training_envs(
    recipe: Recipe, wrap: Wrapper | None = None, threads: int | None = None, engine: Engine = Engine.GYMNASIUM
) -> VecEnv:
    """Make ``recipe.n_envs`` environments in this process, each with SB3's Monitor outermost.

    The number of threads does not change the numbers; EnvPool draws other goals from the same seed than gymnasium.

    Args:
        recipe: Names the environment and how many.
        wrap: Applied to each environment inside the Monitor, so that the logs show what the wrapper does.
        threads: How many threads step environments. By default one per core where that is safe and faster (MuJoCo, no
            wrapper), otherwise one.
        engine: Environment backend; EnvPool's environments take no Python wrapper.

    Raises:
        UsageError: The environment's id is not known, or the engine does not have it.
        EnvironmentBroken: It cannot be made.
    """
    require_engine(engine, recipe.env)
    if engine is Engine.ENVPOOL:
        if wrap is not None:
            raise UsageError(
                f"--engine {engine} cannot wrap its environments.",
                f"Remove the wrapper, or use --engine {Engine.GYMNASIUM}.",
            )
        return EnvPoolVecEnv(
            registry.make(recipe.env, **recipe.env_arguments), recipe.n_envs, threads or machine.cores()
        )

    def make_one() -> gymnasium.Env[Any, Any]:
        env = registry.make(recipe.env, **recipe.env_arguments)
        read_joints_at_once(env)
        return RewindableMonitor(wrap(env) if wrap else env)

    first = make_one()
    if threads is None:
        threads = helpful_threads(first) if wrap is None else 1
    makers = [lambda: first, *[make_one] * (recipe.n_envs - 1)]
    threads = min(threads, recipe.n_envs)
    return ThreadedVecEnv(makers, threads) if threads > 1 else DummyVecEnv(makers)
