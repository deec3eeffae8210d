"""The probe environments: a few states each, with the right answer known by arithmetic.

Each has two actions, "left" and "right". With discrete actions they are 0 and 1; with continuous ones an action is
clipped to its bounds and mapped to a preference for "right" in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class ObservationReward(Probe):
    """One step; the reward is the observation, -1 or 1."""

    values = (((-1.0,), lambda gamma: -1.0), ((1.0,), lambda gamma: 1.0))

    def begin(self) -> tuple[float, ...]:
        """Draw the context."""
        self.context = self.coin()
        return (self.context,)

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Pay the context."""
        return (0.0,), self.context, True, False


class DelayedReward(Probe):
    """Two steps, a reward of 1 at the end."""

    values = (((0.0,), lambda gamma: gamma), ((1.0,), lambda gamma: 1.0))

    def begin(self) -> tuple[float, ...]:
        """Start at the first state."""
        self.place = 0
        return (0.0,)

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Go on, and pay at the end."""
        self.place += 1
        return (1.0,), float(self.place == 2), self.place == 2, False


class ActionMatters(Probe):
    """One step; "right" pays 1, "left" -1."""

    policy = (((0.0,), 1.0),)
    values = ()

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Pay for the action."""
        return (0.0,), 2.0 * preference - 1.0, True, False


class Bound(ActionMatters):
    """:class:`ActionMatters` with an action in [-2, 2], the best at the upper bound."""

    high = 2.0


class Contextual(Probe):
    """One step; the observation says which action pays 1, and the other pays -1."""

    policy = (((-1.0,), 0.0), ((1.0,), 1.0))
    values: ClassVar[tuple[ValueQuestion, ...]] = ()
    low, top = -1.0, 1.0

    def begin(self) -> tuple[float, ...]:
        """Draw the context."""
        self.context = self.coin()
        return (self.low if self.context < 0 else self.top,)

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Pay for the action that fits."""
        return (0.0,), self.context * (2.0 * preference - 1.0), True, False


class Shifted(Contextual):
    """:class:`Contextual` with the observations 2 and 5."""

    policy = (((2.0,), 0.0), ((5.0,), 1.0))
    low, top = 2.0, 5.0

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Pay for the action that fits; what follows is as shifted as the rest."""
        return (3.5,), *super().move(preference)[1:]


class Parallel(Contextual):
    """:class:`Contextual` in several environments, with a value that differs between contexts."""

    values = (((-1.0,), lambda gamma: 0.0), ((1.0,), lambda gamma: 2.0))

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Pay for the context and for the action."""
        obs, reward, terminated, truncated = super().move(preference)
        return obs, reward + self.context, terminated, truncated


class Termination(Probe):
    """Here "left" ends with 0.5; "right" leads to a second step that ends with 0.8.

    An algorithm that goes on counting beyond the end, into the next episode, prefers the short way. Right for discount
    factors of at least 0.65.
    """

    policy = (((0.0,), 1.0),)
    values = (((1.0,), lambda gamma: 0.8),)

    def begin(self) -> tuple[float, ...]:
        """Start at the first state."""
        self.place = 0
        return (0.0,)

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """End, or go on to the second step."""
        if self.place == 1:
            return (0.0,), 0.8, True, False
        if preference < 0.5:
            return (0.0,), 0.5, True, False
        self.place = 1
        return (1.0,), 0.0, False, False


class NextEpisode(Probe):
    """Here "right" pays 0.3 more now, and the next episode pays 1 more after "left" than after "right".

    No episode may be credited with the reward of the next one: "right" is right.
    """

    policy = (((0.0,), 1.0),)
    values = ()
    carried = 0.0

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Pay for this action and the one of the last episode."""
        reward = 0.3 * preference - self.carried
        self.carried = preference
        return (0.0,), reward, True, False


class TimeLimit(Probe):
    """Here "left" ends with 1; "right" pays 0.7, and a time limit cuts the episode off.

    The state goes on beyond a time limit, so that 0.7 a step for ever is worth more than 1: right for discount factors
    of at least 0.5.
    """

    policy = (((0.0,), 1.0),)
    values = ()

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """End, or be cut off."""
        stays = preference >= 0.5
        return (0.0,), 0.7 if stays else 1.0, not stays, stays


class LongCredit(Probe):
    """Six steps; the first action decides about the reward of the last step."""

    size = 2
    policy = (((0.0, 0.0), 1.0),)
    values = ()
    length = 6

    def begin(self) -> tuple[float, ...]:
        """Start where the track is not chosen."""
        self.place, self.track = 0, 0.0
        return (0.0, 0.0)

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Choose the track first, then follow it."""
        if self.place == 0:
            self.track = 2.0 * preference - 1.0
        self.place += 1
        ended = self.place == self.length
        return (self.track, self.place / self.length), self.track if ended else 0.0, ended, False


class Indifferent(Probe):
    """One step; all actions pay the same, so nothing should make the policy choose one of them."""

    values = ()


class SparseGoal(Probe):
    """A corridor of four places with a reward at its right end only, and a time limit of 20 steps."""

    policy = tuple(((place / 4.0,), 1.0) for place in range(4))
    values = ()

    def begin(self) -> tuple[float, ...]:
        """Start at the left end."""
        self.place, self.time = 0, 0
        return (0.0,)

    def move(self, preference: float) -> tuple[tuple[float, ...], float, bool, bool]:
        """Go left or right."""
        self.place, self.time = max(0, self.place + (1 if preference > 0.5 else -1)), self.time + 1
        there = self.place == 4
        return (self.place / 4.0,), float(there), there, self.time == 20 and not there


PROBES: Mapping[str, type[Probe]] = {
    "constant-reward": Probe,
    "observation-reward": ObservationReward,
    "delayed-reward": DelayedReward,
    "action-matters": ActionMatters,
    "both-matter": Contextual,
    "episode-end": Termination,
    "next-episode": NextEpisode,
    "time-limit": TimeLimit,
    "parallel": Parallel,
    "normalisation": Shifted,
    "long-credit": LongCredit,
    "indifferent": Indifferent,
    "action-bound": Bound,
    "sparse-goal": SparseGoal,
}
"""By name, in the order in which they are played."""
