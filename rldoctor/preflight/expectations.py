"""What is known of particular environments: ``checks/preflight/environments/*.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta, field

from rldoctor import datafile
from rldoctor.datafile import Finite, Table, Text
from rldoctor.errors import UsageError

_Sizes = tuple[Annotated[int, Meta(ge=0)], ...]


class ExpectedArray(Table, frozen=True):
    """One array of the observation: its shape, dtype and the dimensions that are known to stay constant."""

    shape: _Sizes
    dtype: str
    constant: _Sizes = ()

    def __post_init__(self) -> None:
        """Refuse a dtype that NumPy does not know."""
        try:
            np.dtype(self.dtype)
        except TypeError:
            raise ValueError(f"dtype = {self.dtype!r} is not a NumPy dtype") from None


class ExpectedAction(Table, frozen=True):
    """The action space.

    Attributes:
        source: Where the numbers are from.
        shape: Shape of one action.
        dead: Dimensions of the action that are known to do nothing.
        moves: Displacement of the achieved goal per step per unit of action: one row per action dimension.
    """

    source: Text
    shape: _Sizes | None = None
    dead: _Sizes = ()
    moves: tuple[tuple[Finite, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse rows of different lengths."""
        if len({len(row) for row in self.moves}) > 1:
            raise ValueError(f"moves = {self.moves!r} must be rows of one length")


class ExpectedReward(Table, frozen=True):
    """The reward of one step.

    Attributes:
        source: Where the numbers are from.
        low: Lowest reward.
        high: Highest reward.
        random_mean: Mean reward of the random policy.
        dense: Whether the reward says how good a step was, not only whether it succeeded.
    """

    source: Text
    low: Finite | None = None
    high: Finite | None = None
    random_mean: Finite | None = None
    dense: bool | None = None

    def __post_init__(self) -> None:
        """Refuse half a range and a reversed one."""
        if (self.low is None) != (self.high is None) or (self.low is not None and self.low >= (self.high or 0.0)):
            raise ValueError(f"low = {self.low!r} must be below high = {self.high!r}")


class ExpectedEpisode(Table, frozen=True):
    """How episodes end.

    Attributes:
        source: Where the numbers are from.
        horizon: The time limit in steps.
        distance_threshold: Distance below which a goal counts as reached, in the goal's unit.
        hard_to_end: Whether random actions may need more than 5,000 steps to an end.
    """

    source: Text
    horizon: int | None = None
    distance_threshold: float | None = None
    hard_to_end: bool = False


class Expectation(Table, frozen=True):
    """What a healthy environment shows; ``None`` or empty where nothing is stated.

    Attributes:
        envs: Ids that this describes; empty where nothing is known.
        title: The environment in words.
        observation: Name to array; a plain observation is called ``observation``. The file's ``source`` is left out.
        action: Of the action space.
        reward: Of the reward.
        episode: Of the end of episodes.
    """

    envs: Annotated[tuple[Text, ...], Meta(min_length=1)]
    title: Text
    stated: dict[str, Text | ExpectedArray] = field(name="observation", default_factory=dict)
    action: ExpectedAction = ExpectedAction(source="nothing is stated")
    reward: ExpectedReward = ExpectedReward(source="nothing is stated")
    episode: ExpectedEpisode = ExpectedEpisode(source="nothing is stated")

    def __post_init__(self) -> None:
        """Refuse arrays without a source."""
        texts = [key for key, value in self.stated.items() if isinstance(value, str)]
        if self.stated and texts != ["source"]:
            raise ValueError("observation must hold arrays and one text, their source")

    @property
    def observation(self) -> Mapping[str, ExpectedArray]:
        """Name to array; a plain observation is called ``observation``."""
        return {key: value for key, value in self.stated.items() if isinstance(value, ExpectedArray)}


@cache
def load_expectations(rules: tuple[Path, ...] = ()) -> Mapping[str, Expectation]:
    """Return the shipped expectations by environment id, and those in the user's folders of ``rules``.

    Raises:
        UsageError: A file is not valid, or states what is expected of an environment once more.
    """
    found: dict[str, Expectation] = {}
    for root in (datafile.folder("checks"), *rules):
        for path in sorted((root / "preflight" / "environments").glob("*.toml")):
            expectation = datafile.load(path, Expectation)
            for env in expectation.envs:
                if env in found:
                    raise UsageError(f"{path}: what is expected of {env} is stated already.", "State it once.")
                found[env] = expectation
    return found
