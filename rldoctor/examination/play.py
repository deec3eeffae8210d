"""A saved model played on its environment: the gap between training and evaluation, and what the policy does there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box

from rldoctor.archives.vec_normalize import read_vec_normalize
from rldoctor.environments.rollouts import Env, Episode
from rldoctor.errors import CannotJudge
from rldoctor.model import FloatArray, Json, Observation
from rldoctor.sb3.model_signs import observe
from rldoctor.training.evaluate import play
from rldoctor.training.players import Player, player_of_model

EPISODES = 20
"""Of each way of playing."""
# Share of the time that is left for one way of playing; there are three.
_SHARE = 0.3
# So many standard errors apart, two means are different.
_APART = 3.0
# An action this close to a bound, as a part of the range, is at it.
_AT_BOUND = 1e-3


@dataclass(frozen=True)
class Played:
    """What a model did on its environment.

    Attributes:
        words: The mean returns, in a sentence.
        observations: What they are evidence for.
        as_trained: Returns with drawn actions and the saved normalisation, as in training.
    """

    words: str
    observations: tuple[Observation, ...] = ()
    as_trained: tuple[float, ...] = ()


class _TimeIsUp(Exception):
    """The time for playing is used up."""


class _Watch(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Notes what is observed and done in an environment, and stops at the end of the time."""

    def __init__(self, env: Env, seen: list[Any], done: list[Any], end: float) -> None:
        super().__init__(env)
        self._seen, self._done, self._end = seen, done, end

    def reset(self, **options: Any) -> Any:
        observation, info = self.env.reset(**options)
        self._seen.append(observation)
        return observation, info

    def step(self, action: Any) -> Any:
        if time.monotonic() > self._end:
            raise _TimeIsUp
        self._done.append(np.asarray(action, dtype=np.float64))
        observation, *rest = self.env.step(action)
        self._seen.append(observation)
        return (observation, *rest)


def play_model(
    file: Path, env: str, arguments: Mapping[str, Json], floor: float | None, seconds: float = math.inf
) -> Played:
    """Play a saved model deterministically, with drawn actions, and without its normalisation.

    Args:
        file: As Stable-Baselines3 saved it; the statistics of VecNormalize beside it are used.
        env: Name of the environment.
        arguments: What it is made with.
        floor: Better mean return of the zero-action and the random policy, if known.
        seconds: Time for all of it.

    Raises:
        CannotJudge: The model is of other spaces, or cannot be rebuilt.
    """
    player = player_of_model(file, env, arguments)
    seen: list[Any] = []
    done: list[Any] = []
    end = time.monotonic() + seconds

    def some(deterministic: bool, normalise: bool = True, seen: list[Any] | None = None) -> list[float]:
        stop = time.monotonic() + _SHARE * max(0.0, end - time.monotonic())
        torch.manual_seed(0)
        note = ([], []) if seen is None else (seen, done)
        return _returns(player, lambda e: _Watch(e, *note, stop), stop, deterministic, normalise)

    mean = some(True, seen=seen)
    drawn = some(False)
    plain = some(True, normalise=False) if player.normalised_by else []
    if not mean or not drawn:
        raise CannotJudge(f"Playing {file.name} on {env} took too long.", "Give it more time: --budget 120.")
    words = f"mean return {_mean(mean):.4g} deterministic, {_mean(drawn):.4g} with drawn actions"
    words += f", {_mean(plain):.4g} without its normalisation" if plain else ""
    found = (
        *_of_drawing(mean, drawn, floor),
        *_of_normalisation(mean, plain, floor),
        *_of_saturation(player, done, mean, floor),
        *_of_statistics(file, player, seen),
    )
    return Played(f"{len(mean)} episodes: {words}", tuple(item for item in found if item is not None), tuple(drawn))


def gap_to_training(played: Played, logged: float | None, floor: float | None) -> Observation | None:
    """Return an observation where the model gets much less on the environment than the logs of its training say."""
    if logged is None or floor is None or len(played.as_trained) < 2 or logged <= floor:
        return None
    got = played.as_trained
    if logged - _mean(got) <= _APART * _error(got):
        return None
    lost = (logged - _mean(got)) / (logged - floor)
    return observe("MDL205", lost, played=_mean(got), logged=logged)


def _returns(
    player: Player, watch: Callable[[Env], Env], end: float, deterministic: bool, normalise: bool
) -> list[float]:
    """Return the returns of as many episodes as there is time for; none if that is less than two."""
    episodes: list[Episode] = []
    started = time.monotonic()
    for seeds in (range(2), range(2, EPISODES)):
        each = max(time.monotonic() - started, 1e-6) / 2
        count = len(seeds) if not episodes else int(min(len(seeds), (end - time.monotonic()) / each))
        if count < 1:
            break
        try:
            episodes += play(
                player, seeds[:count], wrap=watch, deterministic=deterministic, normalise=normalise, threads=1
            )
        except _TimeIsUp:
            break
    return [episode.episode_return for episode in episodes]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _error(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values))


def _lost(more: Sequence[float], less: Sequence[float], floor: float | None) -> float | None:
    """Return the share of the gain over the baseline that is lost; ``None`` where nothing was gained or lost."""
    gained = _mean(more) - floor if floor is not None else 0.0
    gap = _mean(more) - _mean(less)
    return gap / gained if gained > 0 and gap > _APART * math.hypot(_error(more), _error(less)) else None


def _of_drawing(mean: Sequence[float], drawn: Sequence[float], floor: float | None) -> Iterator[Observation | None]:
    lost = _lost(drawn, mean, floor)
    if lost is not None:
        yield observe("MDL201", lost, deterministic=_mean(mean), drawn=_mean(drawn))


def _of_normalisation(
    mean: Sequence[float], plain: Sequence[float], floor: float | None
) -> Iterator[Observation | None]:
    lost = _lost(mean, plain, floor) if plain else None
    if lost is not None:
        yield observe("MDL202", lost, normalised=_mean(mean), plain=_mean(plain))


def _of_saturation(
    player: Player, done: Sequence[FloatArray], mean: Sequence[float], floor: float | None
) -> Iterator[Observation | None]:
    """Yield how many actions are at bounds; only of a policy no better than the baseline, as others may want it."""
    probe = player.make_env()
    space = probe.action_space
    probe.close()
    if not isinstance(space, Box) or not space.is_bounded() or floor is None or not done:
        return
    if _mean(mean) - floor > _APART * _error(mean):
        return
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    near = _AT_BOUND * (high - low)
    actions = np.stack(done)
    yield observe("MDL203", float(((actions <= low + near) | (actions >= high - near)).mean()))


def _of_statistics(file: Path, player: Player, seen: Sequence[Any]) -> Iterator[Observation | None]:
    """Yield how far what the environment shows now is from the statistics of the training."""
    if not player.normalised_by or not seen:
        return
    moments = read_vec_normalize(file.with_name(player.normalised_by)).moments
    worst, where = 0.0, ""
    for key, known in moments.items():
        now = np.stack([np.asarray(one[key] if key else one, dtype=np.float64) for one in seen])
        # Of a number that never changed, its size stands for its spread.
        spread = np.sqrt(np.maximum(known.var, (1e-3 * np.maximum(np.abs(known.mean), 1e-3)) ** 2))
        away = np.abs(now.mean(axis=0) - known.mean) / spread
        wider = now.std(axis=0) / spread
        far = np.maximum(away, wider).ravel()
        if len(far) and float(far.max()) > worst:
            worst, where = float(far.max()), f"{key}[{int(far.argmax())}]" if key else str(int(far.argmax()))
    yield observe("MDL204", worst, where=where)
