"""The specification of a sweep, from the command line or from a TOML file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from rldoctor import datafile
from rldoctor.environments.engine import Engine
from rldoctor.errors import UsageError

MOST_TRIALS = 100_000
# As for rldoctor train --seed.
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class SweepSpec:
    """What a sweep is to train.

    Attributes:
        reference: Name or folder of a reference, whose recipe is trained.
        seeds: Of the trainings, without repetition.
        changes: ``key=value`` pairs for every trial.
        vary: Setting to its values, as text.
        each: Vary one setting at a time from the recipe, instead of all combinations.
        baseline: ``key=value`` pairs of the setting that the others are compared with; by default that of the recipe
            itself, or the first.
        engine: The environment backend.
    """

    reference: str = "chapter"
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    changes: tuple[str, ...] = ()
    vary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    each: bool = False
    baseline: tuple[str, ...] = ()
    engine: Engine = Engine.GYMNASIUM


def varied(pairs: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return setting to values of several ``key=value,value``; values of a setting that is named twice add up.

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
        raise UsageError(f"--vary {pair!r} has no values.", "Write it as clip_range=0.1,0.2,0.4.")
    return key.strip(), values


class _SweepFile(Struct, forbid_unknown_fields=True):
    """What a TOML file of a sweep may hold."""

    reference: str = SweepSpec.reference
    seeds: str | list[Annotated[int, Meta(ge=0, le=LARGEST_SEED)]] = "0-4"
    steps: int | None = None
    engine: Engine = Engine.GYMNASIUM
    each: bool = False
    set: dict[str, Any] = {}
    vary: dict[str, list[Any]] = {}
    baseline: dict[str, Any] = {}


def read_sweep_spec(path: Path) -> SweepSpec:
    """Read a sweep from a TOML file.

    Its keys are ``reference``, ``seeds``, ``steps``, ``engine``, ``each`` and the tables ``[set]``, ``[vary]`` and
    ``[baseline]``.

    Raises:
        UsageError: The file cannot be read, or a key or value is not valid.
    """
    file = datafile.load(path, _SweepFile, "sweep")
    steps = (f"total_steps={file.steps}",) if file.steps is not None else ()
    return SweepSpec(
        reference=file.reference,
        seeds=seeds_of(file.seeds, f"{path}: seeds")
        if isinstance(file.seeds, str)
        else tuple(dict.fromkeys(file.seeds)),
        changes=(*_pairs(file.set), *steps),
        vary={key: tuple(map(_text, values)) for key, values in file.vary.items()},
        each=file.each,
        baseline=_pairs(file.baseline),
        engine=file.engine,
    )


def _pairs(table: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{key}={_text(value)}" for key, value in table.items())


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
            raise UsageError(f"{where} {text!r} is not a list of whole numbers.", "Write it as 0-4 or 1,2,5.")
        if int(last or first) > LARGEST_SEED:
            raise UsageError(f"{where} {text!r} has a seed above {LARGEST_SEED}.", "Use smaller seeds.")
        if int(last or first) - int(first) > MOST_TRIALS:
            raise UsageError(f"{where} {text!r} is too many.", f"A sweep has at most {MOST_TRIALS:,}.")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(dict.fromkeys(found))
