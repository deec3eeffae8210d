"""Environments that can be rewound into an episode: how it began, and every action since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor

from rldoctor.model import Json


@dataclass(frozen=True)
class EpisodeSoFar:
    """An episode in progress, with what is needed to play it again.

    Attributes:
        seed: Given to the ``reset`` that began it; ``None`` for a reset without one.
        random: State of the environment's ``np_random`` just before a reset without a seed, as NumPy returns it;
            ``None`` for a reset with one, or where JSON cannot hold the state.
        actions: Taken since, in order.
    """

    seed: int | None
    random: Json
    actions: Sequence[NDArray[Any]]


class RewindableMonitor(Monitor):
    """SB3's ``Monitor``, which can bring its environment back into an episode at the next ``reset``.

    An environment whose steps depend on nothing but its seed (or ``np_random``, as Gymnasium requires) and its actions
    is then exactly where it was, whatever its internal state. Training numbers are the same as with ``Monitor``.
    """

    _seed: int | None = None
    _random: Json = None
    _rewind_to: EpisodeSoFar | None = None

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._actions: list[NDArray[Any]] = []

    def so_far(self) -> EpisodeSoFar:
        """Return the episode in progress. Later steps do not change what is returned."""
        return EpisodeSoFar(self._seed, self._random, self._actions[:])

    def rewind(self, episode: EpisodeSoFar) -> None:
        """Make the next ``reset`` replay ``episode`` instead of starting a new one."""
        self._rewind_to = episode

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Reset the environment, or replay the episode to which it is rewound."""
        episode, self._rewind_to = self._rewind_to, None
        if episode is not None and (episode.seed is not None or episode.random is not None):
            return self._replay(episode)
        self._seed = kwargs.get("seed")
        self._random = None if self._seed is not None else self._random_state()
        self._actions = []
        return super().reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step, and record the action."""
        self._actions.append(np.array(action))
        return super().step(action)

    def _replay(self, episode: EpisodeSoFar) -> tuple[Any, dict[str, Any]]:
        if episode.seed is None:
            generator: Any = self.env.unwrapped.np_random.bit_generator
            generator.state = episode.random
        observation, info = self.reset(seed=episode.seed)
        for action in episode.actions:
            observation, _reward, terminated, truncated, info = self.step(action)
            if terminated or truncated:
                # It did not end here before: the environment is not reproducible, so start a new episode.
                return self.reset()
        return observation, info

    def _random_state(self) -> Json:
        """Return the state of the environment's ``np_random``; ``None`` if JSON cannot hold it."""
        generator = getattr(self.env.unwrapped, "np_random", None)
        state = generator.bit_generator.state if isinstance(generator, np.random.Generator) else None
        # The state of NumPy's default, PCG64, consists of whole numbers; others hold arrays.
        return state if isinstance(state, dict) and state.get("bit_generator") == "PCG64" else None
