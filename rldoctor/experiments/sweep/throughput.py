"""How fast this machine trains a recipe, measured, so that a plan can say how long it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from rldoctor.environments.engine import Engine
from rldoctor.executors import Executor, Send, map_jobs
from rldoctor.model import Json
from rldoctor.recipe import Recipe

if TYPE_CHECKING:
    from rldoctor.experiments.trial import Trial

# Seconds that each measuring process trains, at least.
_SECONDS = 1.5
# Environment steps between two readings of the clock; a rollout of the recipe may take many seconds.
_ROLLOUT = 512
# Enough to see how processes slow each other down.
_MOST_PROCESSES = 32
# Episode length of an environment without a time limit.
_EPISODE = 1_000


@dataclass(frozen=True)
class Rate:
    """What one process achieves while all others work too.

    Attributes:
        training: Environment steps a second, updates included.
        playing: Environment steps a second without updates.
        episode: Most steps of an episode.
    """

    training: float
    playing: float
    episode: int


def measure(executor: Executor, recipe: Recipe, engine: Engine) -> Rate:
    """Train ``recipe`` for a few seconds in as many processes as there will be.

    Raises:
        RldoctorError: The recipe cannot be trained.
    """
    rates: list[Rate] = map_jobs(executor, _measure, [(recipe, engine)] * min(executor.slots, _MOST_PROCESSES))
    return Rate(
        sum(rate.training for rate in rates) / len(rates),
        sum(rate.playing for rate in rates) / len(rates),
        rates[0].episode,
    )


def _measure(_send: Send, recipe: Recipe, engine: Engine) -> Rate:
    from rldoctor.environments.vec_envs import make_training_envs
    from rldoctor.sb3.fast_policy import use_fast_policy
    from rldoctor.sb3.fast_update import use_fast_update
    from rldoctor.sb3.without_logs import without_logs
    from rldoctor.training import algorithm

    small, begin, rollout = _short(recipe)
    envs = make_training_envs(small, threads=1, engine=engine)
    try:
        model = algorithm.build(small, envs, 0)
        without_logs(model)
        if not use_fast_policy(model.policy):
            use_fast_update(model)
        with algorithm.one_thread():
            # The first rollout loads what later ones find loaded.
            model.learn(begin)
            clock, steps = time.perf_counter(), 0
            while time.perf_counter() - clock < _SECONDS:
                model.learn(rollout, reset_num_timesteps=False)
                steps += rollout
            training = steps / (time.perf_counter() - clock)
            clock, played = time.perf_counter(), 0
            while time.perf_counter() - clock < _SECONDS / 5:
                envs.step([envs.action_space.sample() for _ in range(recipe.n_envs)])  # type: ignore[arg-type]
                played += recipe.n_envs
            playing = played / (time.perf_counter() - clock)
        spec = getattr(envs, "envs", [None])[0]
        limit = getattr(getattr(spec, "spec", None), "max_episode_steps", None)
    finally:
        envs.close()
    return Rate(training, playing, limit if isinstance(limit, int) else _EPISODE)


def _short(recipe: Recipe) -> tuple[Recipe, int, int]:
    """Return the recipe with short rollouts, the steps until it learns, and those between two readings of the clock."""
    settings = dict(recipe.hyperparameters)
    if recipe.is_off_policy:
        if not recipe.setting("her"):
            # Hindsight replay needs whole episodes; others can learn from what there is.
            settings["learning_starts"] = min(_whole(recipe.setting("learning_starts")), _ROLLOUT)
        small = structs.replace(recipe, hyperparameters=settings)
        rollout = max(_ROLLOUT // 4, recipe.rollout_steps)
        return small, _whole(small.setting("learning_starts")) + rollout, rollout
    steps = max(2, -(-max(_ROLLOUT, _whole(recipe.setting("batch_size"))) // recipe.n_envs))
    small = structs.replace(recipe, hyperparameters={**settings, "n_steps": steps})
    return small, small.rollout_steps, small.rollout_steps


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def seconds(rate: Rate, trials: Sequence[Trial], slots: int) -> float:
    """Return about how long ``trials`` take: their steps at the measured rate, shared among ``slots`` processes.

    A trial runs in one process: seven trials in two processes take as long as eight.
    """
    ends = [0.0] * max(1, slots)
    for recipe in (trial.recipe for trial in trials):
        took = recipe.total_steps / rate.training + recipe.evaluation_episodes * rate.episode / rate.playing
        ends[ends.index(min(ends))] += took
    return max(ends)


def in_words(seconds: float) -> str:
    """Return a duration as people say it, such as ``12 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
