"""What is done with an environment in its own process: preflight, baselines, a model played, a short training."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.wrappers import NormalizeObservation, NormalizeReward
from msgspec import structs

from rldoctor.config import Config
from rldoctor.environments.baselines import measure_baselines
from rldoctor.environments.registry import make, make_to_examine
from rldoctor.examination.environment import DRAWS
from rldoctor.examination.play import Played, play_model
from rldoctor.logs import read_run
from rldoctor.logs.read import baseline_return
from rldoctor.model import Json, PreflightResult, Run, Verdict
from rldoctor.preflight.probes.inspection import normalises_rewards
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe
from rldoctor.training.train import train

# Enough for a stable mean where preflight played none, in a few seconds.
_BASELINE_EPISODES = 20
_STEPS = 5
_WRAPPERS: Mapping[str, Callable[[Any], Any]] = {
    "observations": NormalizeObservation,
    "rewards": NormalizeReward,
}


@dataclass
class Examined:
    """An environment that is examined.

    Attributes:
        env: Its name, as the registry takes it.
        arguments: What it is made with.
        config: The project's configuration.
        measured: What preflight has measured, by name.
    """

    env: str
    arguments: Mapping[str, Json]
    config: Config
    measured: dict[str, Any] = field(default_factory=dict)


def preflight(examined: Examined, seconds: float) -> PreflightResult:
    """Run the checks of the environment; of one that passes for whole, note whether it draws numbers while it steps."""
    result = run_preflight(
        examined.env,
        select=("ENV",),
        measured=examined.measured,
        config=examined.config,
        budget=seconds,
        arguments=examined.arguments,
    )
    if result.verdict in (Verdict.HEALTHY, Verdict.SUSPECT):
        with contextlib.suppress(Exception):
            drawn = draws_while_stepping(make(examined.env, **examined.arguments))
            result = replace(result, facts={**result.facts, DRAWS: drawn})
    return result


def draws_while_stepping(env: gymnasium.Env[Any, Any]) -> bool:
    """Return whether steps draw from the environment's own generator of random numbers; closes the environment."""
    with contextlib.closing(env):
        env.reset(seed=0)
        generator = env.unwrapped.np_random.bit_generator
        before = repr(generator.state)
        for _ in range(_STEPS):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                break
        return repr(generator.state) != before


def baseline(examined: Examined, _seconds: float, verdict: Verdict) -> float | None:
    """Return the better mean return of the zero-action and the random policy; ``None`` where it was not measured.

    Returns of normalised rewards are none: Monitor logs those of the rewards inside, and whichever it logs, the running
    statistics of a training are not those of a few episodes.
    """
    found = examined.measured.get("baselines")
    # An environment that has failed or run out of time is not played again.
    playable = verdict in (Verdict.HEALTHY, Verdict.SUSPECT)
    if not (found or playable):
        return None
    with contextlib.suppress(Exception), contextlib.closing(make_to_examine(examined.env, **examined.arguments)) as env:
        if normalises_rewards(env):
            return None
    if not found:
        with contextlib.suppress(Exception):
            found = measure_baselines(lambda: make(examined.env, **examined.arguments), range(_BASELINE_EPISODES))
    return baseline_return(found) if found else None


def play(examined: Examined, seconds: float, model: Path, floor: float | None) -> Played:
    """Play a saved model."""
    return play_model(model, examined.env, examined.arguments, floor, seconds)


def pilot_run(examined: Examined, _seconds: float, recipe: Recipe, seed: int, normalised: Sequence[str]) -> Run:
    """Train Stable-Baselines3's PPO for a short time and return the curves.

    Args:
        examined: The environment.
        recipe: What to train.
        seed: Of the training.
        normalised: ``observations``, ``rewards``, or both: what running statistics normalise.
    """

    def wrapped(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
        for name in normalised:
            env = _WRAPPERS[name](env)
        return env

    own = structs.replace(recipe, env=examined.env, env_kwargs=dict(examined.arguments), max_episode_steps=None)
    with tempfile.TemporaryDirectory() as folder:
        train(own, Path(folder), seed, wrap=wrapped, threads=1)
        return read_run(Path(folder))


JOBS: Mapping[str, Callable[..., Any]] = {
    "preflight": preflight,
    "baseline": baseline,
    "play": play,
    "pilot_run": pilot_run,
}
"""What can be done, by name; each takes the environment, the seconds that are left, and its own details."""
