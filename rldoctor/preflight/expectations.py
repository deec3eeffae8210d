"""What is known of particular environments: ``checks/preflight/environments/*.toml``, checked key by key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor import datafile
from rldoctor.errors import UsageError, near
from rldoctor.model import FloatArray


@dataclass(frozen=True)
class ExpectedArray:
    """One array of the observation: its shape, dtype and the dimensions that are known to stay constant."""

    shape: tuple[int, ...]
    dtype: str
    constant: tuple[int, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """What a healthy environment shows; ``None`` or empty where nothing is stated.

    Attributes:
        envs: Ids that this describes.
        title: The environment in words.
        observation: Name to array; a plain observation is called ``observation``.
        action_shape: Shape of one action.
        dead_actions: Dimensions of the action that are known to do nothing.
        moves: Displacement of the achieved goal per step per unit of action, ``(actions, goal dimensions)``.
        reward_range: Lowest and highest reward of one step.
        reward_random_mean: Mean reward of the random policy.
        reward_dense: Whether the reward says how good a step was, not only whether it succeeded.
        horizon: Steps of the time limit.
        distance_threshold: Distance below which a goal counts as reached, in the goal's unit.
    """

    envs: tuple[str, ...]
    title: str
    observation: Mapping[str, ExpectedArray] = field(default_factory=dict)
    action_shape: tuple[int, ...] | None = None
    dead_actions: tuple[int, ...] = ()
    moves: FloatArray | None = None
    reward_range: tuple[float, float] | None = None
    reward_random_mean: float | None = None
    reward_dense: bool | None = None
    horizon: int | None = None
    distance_threshold: float | None = None


@cache
def load_expectations(rules: tuple[Path, ...] = ()) -> Mapping[str, Expectation]:
    """Return the shipped expectations by environment id, and those in the user's folders of ``rules``.

    Raises:
        UsageError: A file is not valid, or speaks of an environment that another one speaks of.
    """
    found: dict[str, Expectation] = {}
    for root in (datafile.folder("checks"), *rules):
        for path in sorted((root / "preflight" / "environments").glob("*.toml")):
            expectation = expectation_from(read_toml(path), path.name if root not in rules else str(path))
            for env in expectation.envs:
                if env in found:
                    raise UsageError(f"{path}: what is expected of {env} is stated already.", "State it once.")
                found[env] = expectation
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a data file.

    Raises:
        UsageError: It cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"The data file {path} cannot be read: {problem}.") from problem


class Table:
    """One table of a data file, read key by key; what is missing, unknown or of the wrong type is refused by name."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, Mapping):
            raise UsageError(f"{where} must be a table.")
        self.data = data
        self.where = where
        self.known: list[str] = []

    def get(self, key: str, *kinds: type, required: bool = False) -> Any:
        """Return the value of ``key``, ``None`` where it is missing and not required."""
        self.known.append(key)
        if key not in self.data:
            if required:
                raise UsageError(f"{self.where}: the key {key!r} is missing.")
            return None
        value = self.data[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            words = " or ".join(kind.__name__ for kind in kinds)
            raise UsageError(f"{self.where}: {key} = {value!r} must be of type {words}.")
        return value

    def wholes(self, key: str, required: bool = False) -> tuple[int, ...] | None:
        """Return a list of whole numbers of at least 0."""
        value = self.get(key, list, required=required)
        if value is None:
            return None
        if not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in value):
            raise UsageError(f"{self.where}: {key} = {value!r} must be a list of whole numbers.")
        return tuple(value)

    def table(self, key: str) -> Table:
        """Return the table under ``key``, an empty one where it is missing."""
        self.known.append(key)
        return Table(self.data.get(key, {}), f"{self.where}: {key}")

    def finish(self) -> None:
        """Refuse keys that nobody asked for: a misspelt expectation would silently expect nothing."""
        for key in self.data:
            if key not in self.known:
                raise UsageError(f"{self.where}: unknown key {key!r}.", near(key, self.known))

    def sourced(self) -> None:
        """Demand a ``source`` in every table that states numbers."""
        self.get("source", str, required=bool(self.data))


def expectation_from(data: Mapping[str, Any], where: str) -> Expectation:
    """Build an expectation from a parsed file.

    Raises:
        UsageError: A key is missing, unknown or of the wrong type; the message names file and key.
    """
    top = Table(data, where)
    envs = top.get("envs", list, required=True)
    if not envs or not all(isinstance(env, str) for env in envs):
        raise UsageError(f"{where}: envs = {envs!r} must be a list of environment ids.")
    observation = top.table("observation")
    observation.sourced()
    named = {key: _array(observation.table(key)) for key in observation.data if key != "source"}
    action, reward, episode = top.table("action"), top.table("reward"), top.table("episode")
    for table in (action, reward, episode):
        table.sourced()
    low, high = reward.get("low", int, float), reward.get("high", int, float)
    if (low is None) != (high is None) or (low is not None and low >= high):
        raise UsageError(f"{reward.where}: low = {low!r} must be below high = {high!r}.")
    random_mean = reward.get("random_mean", int, float)
    expectation = Expectation(
        envs=tuple(envs),
        title=top.get("title", str, required=True),
        observation=named,
        action_shape=action.wholes("shape"),
        dead_actions=action.wholes("dead") or (),
        moves=_matrix(action, "moves"),
        reward_range=None if low is None else (float(low), float(high)),
        reward_random_mean=None if random_mean is None else float(random_mean),
        reward_dense=reward.get("dense", bool),
        horizon=episode.get("horizon", int),
        distance_threshold=episode.get("distance_threshold", float),
    )
    for table in (observation, action, reward, episode, top):
        table.finish()
    return expectation


def _array(table: Table) -> ExpectedArray:
    shape = table.wholes("shape", required=True) or ()
    dtype = table.get("dtype", str, required=True)
    try:
        np.dtype(dtype)
    except TypeError:
        raise UsageError(f"{table.where}: dtype = {dtype!r} is not a NumPy dtype.") from None
    expected = ExpectedArray(shape, dtype, table.wholes("constant") or ())
    table.finish()
    return expected


def _matrix(table: Table, key: str) -> FloatArray | None:
    rows = table.get(key, list)
    if rows is None:
        return None
    try:
        matrix = np.array(rows, dtype=float)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise UsageError(f"{table.where}: {key} = {rows!r} must be a list of equally long lists of numbers.")
    return matrix
