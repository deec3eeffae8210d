"""The probe environments: a few states each, with the right answer known by arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rldoctor.probes.base import Probe, ValueQuestion


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
