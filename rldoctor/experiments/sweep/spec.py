"""What a person asks a sweep for: on the command line, or in a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rldoctor.environments.engine import Engine
from rldoctor.errors import UsageError, near
from rldoctor.model import Json

MOST_TRIALS = 100_000
# As of rldoctor train --seed.
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class SweepSpec:
    """What a person asks a sweep for, on the command line or in a file.

    Attributes:
        reference: Name or folder of a reference, whose recipe is trained.
        seeds: Of the trainings, without repetition.
        changes: ``key=value`` pairs for every trial.
        vary: Setting to the values it is to take, as text.
        each: Vary one setting at a time from the recipe, instead of all combinations.
        baseline: ``key=value`` pairs that tell which setting the others are held against; by default the one that is
            the recipe's own, or the first.
        engine: What steps the environments.
    """

    reference: str = "chapter"
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    changes: tuple[str, ...] = ()
    vary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    each: bool = False
    baseline: tuple[str, ...] = ()
    engine: Engine = Engine.GYMNASIUM


def varied(pairs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return setting to values of several ``key=value,value``; a setting that is named again gets more values.

    Raises:
        UsageError: As :func:`split_values`.
    """
    vary: dict[str, tuple[str, ...]] = {}
    for key, values in map(split_values, pairs):
        vary[key] = (*vary.get(key, ()), *values)
    return vary


def split_values(pair: str) -> tuple[str, tuple[str, ...]]:
    """Return the key and the values of ``key=value,value``; commas within brackets belong to a value.

    Raises:
        UsageError: There is no ``=`` or no value.
    """
    key, equals, text = pair.partition("=")
    values = tuple(value.strip() for value in re.split(r",(?![^\[]*\])", text) if value.strip())
    if not equals or not key.strip() or not values:
        raise UsageError(f"--vary {pair!r} names no values.", "Write it as clip_range=0.1,0.2,0.4.")
    return key.strip(), values


_KEYS = ("reference", "seeds", "steps", "engine", "set", "vary", "each", "baseline")


def read_wish(path: Path) -> SweepSpec:
    """Read a sweep from a TOML file.

    Its keys are ``reference``, ``seeds``, ``steps``, ``engine``, ``each`` and the tables ``[set]``, ``[vary]`` and
    ``[baseline]``.

    Raises:
        UsageError: The file cannot be read, or a key or value is not known.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The sweep {path} cannot be read: {error}.", "Name a TOML file.") from None
    for key in data:
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown key {key!r}.", near(key, _KEYS))
    changes = [f"{key}={_text(value)}" for key, value in _of(data, "set", dict, path).items()]
    if "steps" in data:
        changes.append(f"total_steps={_of(data, 'steps', int, path)}")
    vary: dict[str, tuple[str, ...]] = {}
    for key, values in _of(data, "vary", dict, path).items():
        if not isinstance(values, list):
            raise UsageError(f"{path}: vary.{key} must be a list of values.", f"Write it as {key} = [{_text(values)}].")
        vary[key] = tuple(_text(value) for value in values)
    default = SweepSpec()
    engine = data.get("engine", default.engine.value)
    if engine not in list(Engine):
        raise UsageError(f"{path}: engine {engine!r} is not known.", near(str(engine), list(Engine)))
    return SweepSpec(
        reference=_of(data, "reference", str, path) or default.reference,
        seeds=_seeds(data["seeds"], path) if "seeds" in data else default.seeds,
        changes=tuple(changes),
        vary=vary,
        each=bool(_of(data, "each", bool, path)),
        baseline=tuple(f"{key}={_text(value)}" for key, value in _of(data, "baseline", dict, path).items()),
        engine=Engine(engine),
    )


def _of(data: Mapping[str, Json], key: str, kind: type, path: Path) -> Any:
    value = data.get(key, kind())
    if type(value) is not kind:
        raise UsageError(f"{path}: {key} = {value!r} must be a {_WORDS[kind]}.")
    return value


_WORDS = {dict: "table", str: "text", int: "whole number", bool: "true or false"}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seeds(value: Json, path: Path) -> tuple[int, ...]:
    if isinstance(value, str):
        return seeds_of(value, f"{path}: seeds")
    if isinstance(value, list) and value and all(type(seed) is int and 0 <= seed <= LARGEST_SEED for seed in value):
        return tuple(dict.fromkeys(value))
    raise UsageError(f"{path}: seeds = {value!r} is no list of whole numbers.", 'Write it as seeds = "0-4" or [0, 1].')


def seeds_of(text: str, where: str) -> tuple[int, ...]:
    """Return the seeds of a list such as ``0-4,7``.

    Raises:
        UsageError: It is not such a list, or it is empty.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        whole = all(number.isascii() and number.isdecimal() and len(number) < 11 for number in (first, last or first))
        if not whole or (dash and not last) or int(last or first) < int(first):
            raise UsageError(f"{where} {text!r} is no list of whole numbers.", "Write it as 0-4 or 1,2,5.")
        if int(last or first) > LARGEST_SEED:
            raise UsageError(f"{where} {text!r} names a seed above {LARGEST_SEED}.", "Use smaller seeds.")
        if int(last or first) - int(first) > MOST_TRIALS:
            raise UsageError(f"{where} {text!r} names too many.", f"A sweep has at most {MOST_TRIALS:,}.")
        found.extend(range(int(first), int(last or first) + 1))
    if not found:
        raise UsageError(f"{where} {text!r} names no number.", "Write it as 0-4 or 1,2,5.")
    return tuple(dict.fromkeys(found))
