"""The dictionaries of tags, ``checks/names/*.toml``: what a framework calls each metric, with which sign and scale."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from rldoctor import shipped
from rldoctor.errors import UsageError
from rldoctor.model import Aggregation, Json

STEP_AXES = ("env_steps", "frames", "iterations", "updates", "episodes")
_KEYS = ("framework", "title", "step_axis", "source", "supplement", "told_by", "tags", "prefixes")
_TAG_KEYS = ("metric", "sign", "scale", "aggregation", "note")
_METRIC = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a tag holds: ``metric = sign * scale * logged value``, and what that value was averaged over."""

    metric: str
    factor: float = 1.0
    aggregation: Aggregation = Aggregation.MEAN


@dataclass(frozen=True)
class Names:
    """The tags of one framework.

    Attributes:
        framework: Key of the file, such as ``sb3``.
        title: The framework's name in words.
        step_axis: What its steps count, one of ``STEP_AXES``.
        source: Where the meanings are documented.
        supplement: These tags stand beside those of any framework and never tell which one it is.
        told_by: Tags of which at least one must be there for the framework to be recognised; others, such as
            ``train/loss``, are used by everybody.
        tags: Tag to meaning. Where two tags mean one metric, the one that stands first in the file wins.
        prefixes: Prefix to meaning; the metric is what follows the prefix.
    """

    framework: str
    title: str
    step_axis: str
    source: str
    supplement: bool = False
    told_by: tuple[str, ...] = ()
    tags: Mapping[str, Meaning] = field(default_factory=dict)
    prefixes: Mapping[str, Meaning] = field(default_factory=dict)

    def meaning(self, tag: str) -> Meaning | None:
        """Return what ``tag`` holds, None for a tag that this framework does not log."""
        known = self.tags.get(tag)
        if known is not None:
            return known
        for prefix, meaning in self.prefixes.items():
            metric = tag[len(prefix) :]
            if tag.startswith(prefix) and _METRIC.fullmatch(metric):
                return Meaning(metric, meaning.factor, meaning.aggregation)
        return None


@cache
def shipped_names() -> tuple[Names, ...]:
    """Return the shipped dictionaries, by file name.

    Raises:
        UsageError: One of the files is not valid.
    """
    return tuple(load_names(path) for path in sorted((shipped.folder("checks") / "names").glob("*.toml")))


def recognise(tags: Iterable[str], dictionaries: Iterable[Names]) -> Names | None:
    """Return the framework that knows most of ``tags``; the first by name where several do, None where none does."""
    present = set(tags)
    best, most = None, 0
    for names in dictionaries:
        if names.supplement or (names.told_by and present.isdisjoint(names.told_by)):
            continue
        known = sum(names.meaning(tag) is not None for tag in present)
        if known > most:
            best, most = names, known
    return best


def load_names(path: Path) -> Names:
    """Read one dictionary.

    Raises:
        UsageError: The file is not TOML, or holds a key or word that is not in the schema.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"The names file {path} cannot be read: {error}.") from error
    _known_keys(data, _KEYS, str(path))
    framework = _text(data, "framework", path)
    if framework != path.stem:
        raise UsageError(f"{path}: framework = {framework!r} must be the name of the file, {path.stem!r}.")
    step_axis = _text(data, "step_axis", path)
    if step_axis not in STEP_AXES:
        raise UsageError(f"{path}: step_axis = {step_axis!r} is not known.", f"Allowed: {', '.join(STEP_AXES)}.")
    supplement = data.get("supplement", False)
    if not isinstance(supplement, bool):
        raise UsageError(f"{path}: supplement = {supplement!r} must be true or false.")
    tags = {tag: _meaning(entry, f"{path}: [tags.{tag!r}]") for tag, entry in _table(data, "tags", path).items()}
    prefixes = {
        prefix: _meaning(entry, f"{path}: [prefixes.{prefix!r}]", prefix=True)
        for prefix, entry in _table(data, "prefixes", path).items()
    }
    told_by = data.get("told_by", [])
    if not isinstance(told_by, list) or not all(isinstance(tag, str) and tag in tags for tag in told_by):
        raise UsageError(f"{path}: told_by = {told_by!r} must be a list of tags that stand in [tags].")
    return Names(
        framework,
        _text(data, "title", path),
        step_axis,
        _text(data, "source", path),
        supplement,
        tuple(told_by),
        tags,
        prefixes,
    )


def _known_keys(data: Mapping[str, Json], allowed: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in allowed:
            raise UsageError(f"{where}: unknown key {key!r}.", f"Allowed: {', '.join(allowed)}.")


def _text(data: Mapping[str, Json], key: str, path: Path) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise UsageError(f"{path}: {key} = {value!r} must be a text.")
    return value


def _table(data: Mapping[str, Json], key: str, path: Path) -> Mapping[str, Json]:
    table = data.get(key, {})
    if not isinstance(table, Mapping):
        raise UsageError(f"{path}: {key} must be a table.")
    return table


def _meaning(entry: Json, where: str, prefix: bool = False) -> Meaning:
    if not isinstance(entry, Mapping):
        raise UsageError(f"{where} must be a table.", f"Allowed keys: {', '.join(_TAG_KEYS)}.")
    _known_keys(entry, tuple(key for key in _TAG_KEYS if not (prefix and key == "metric")), where)
    metric = "" if prefix else entry.get("metric")
    if not isinstance(metric, str) or not (prefix or _METRIC.fullmatch(metric)):
        raise UsageError(f"{where}: metric = {metric!r} must be a name of lower-case letters, digits and _.")
    sign, scale = entry.get("sign", 1), entry.get("scale", 1.0)
    if isinstance(sign, bool) or sign not in (1, -1):
        raise UsageError(f"{where}: sign = {sign!r} is not known.", "Allowed: 1, -1.")
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not (scale > 0 and math.isfinite(scale)):
        raise UsageError(f"{where}: scale = {scale!r} must be a number above 0.")
    word = entry.get("aggregation")
    words = [aggregation.value for aggregation in Aggregation]
    if not isinstance(word, str) or word not in words:
        raise UsageError(f"{where}: aggregation = {word!r} is not known.", f"Allowed: {', '.join(words)}.")
    return Meaning(metric, (1.0 if sign == 1 else -1.0) * float(scale), Aggregation(word))
