"""The base of all probe environments, which is the simplest of them.

Each has two actions, "left" and "right". With discrete actions they are 0 and 1; with continuous ones an action is
clipped to its bounds and mapped to a preference for "right" in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import gymnasium
import numpy as np
from numpy.typing import NDArray

Obs: TypeAlias = "NDArray[np.float32]"
Question: TypeAlias = tuple[tuple[float, ...], float]
"""An observation, and the preference for "right" that is right there."""
ValueQuestion: TypeAlias = tuple[tuple[float, ...], Callable[[float], float]]
"""An observation, and its value under the best policy as a function of the discount factor."""


class BudgetExceeded(Exception):
    """The algorithm has taken far more steps than it was given."""


@dataclass
class Record:
    """What an algorithm did to all environments of a probe.

    Attributes:
        limit: Number of steps after which it is stopped.
        preferences: The preference for "right" in each step.
        rights: How right each step was, in [0, 1].
    """

    limit: int
    preferences: list[float] = field(default_factory=list)
    rights: list[float] = field(default_factory=list)


class Probe(gymnasium.Env[Obs, Any]):
    """One state, one step, one reward of 1: the base of all probes, and the first of them.

    Args:
        record: Where the steps are counted.
        continuous: Whether the action is a number rather than 0 or 1.
    """

    policy: ClassVar[tuple[Question, ...]] = ()
    values: ClassVar[tuple[ValueQuestion, ...]] = (((0.0,), lambda gamma: 1.0),)
    size: ClassVar[int] = 1
    high: ClassVar[float] = 1.0
    context = 1.0
    """1 where "right" is right, -1 where "left" is."""

    def __init__(self, record: Record, continuous: bool) -> None:
        self.record, self.continuous = record, continuous
        self.observation_space = gymnasium.spaces.Box(-10.0, 10.0, (self.size,), np.float32)
        self.action_space = (
            gymnasium.spaces.Box(-self.high, self.high, (1,), np.float32)
            if continuous
            else gymnasium.spaces.Discrete(2)
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Obs, dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        return self._obs(*self.begin()), {}

    def step(self, action: Any) -> tuple[Obs, float, bool, bool, dict[str, Any]]:
        """Take a step."""
        if len(self.record.preferences) >= self.record.limit:
            raise BudgetExceeded
        preference = self.preference(action)
        self.record.preferences.append(preference)
        self.record.rights.append(preference if self.context > 0 else 1.0 - preference)
        obs, reward, terminated, truncated = self.move(preference)
        return self._obs(*obs), reward, terminated, truncated, {}

    def preference(self, action: Any) -> float:
        """Return the preference for "right" of an action, in [0, 1].

        Raises:
            ValueError: It is no action of the space's shape, or not finite.
        """
        numbers = np.asarray(action, dtype=np.float64)
        if numbers.size != 1 or not np.isfinite(numbers).all():
            raise ValueError(f"{action!r} is no action of {self.action_space}")
        number = float(numbers.reshape(-1)[0])
        if self.continuous:
            return float(np.clip(number / self.high, -1.0, 1.0) + 1.0) / 2.0
        if number not in (0.0, 1.0):
            raise ValueError(f"{action!r} is no action of {self.action_space}")
        return number

    def coin(self) -> float:
        """Return -1 or 1, by chance."""
        return float(self.np_random.integers(2) * 2 - 1)

    def begin(self) -> tuple[float, ...]:
        """Return the first observation of an episode."""
        return (0.0,)

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Return the next observation, the reward, and whether the episode is terminated or truncated."""
        return (0.0,), 1.0, True, False

    def _obs(self, *numbers: float) -> Obs:
        return np.array(numbers, dtype=np.float32)
