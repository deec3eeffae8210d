"""Read a dictionary of tags, ``checks/tags/*.toml``, and refuse a bad one with the key and what is allowed."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path

from rldoctor.errors import UsageError
from rldoctor.logs.tag_mapping import METRIC_NAME, STEP_AXES, Meaning, TagMapping
from rldoctor.model import Aggregation, Json

_KEYS = (
    *("framework", "title", "step_axis", "steps_from", "source", "supplement", "told_by", "algorithms"),
    *("tags", "prefixes"),
)
_TAG_KEYS = ("metric", "sign", "scale", "aggregation", "axis", "unused", "note")


def load_names(path: Path) -> TagMapping:
    """Read one dictionary.

    Raises:
        UsageError: The file is not TOML, or holds a key or word that is not in the schema.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
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
    told_by = _texts(data, "told_by", str(path))
    if not set(told_by) <= tags.keys():
        raise UsageError(f"{path}: told_by = {list(told_by)!r} must be a list of tags that stand in [tags].")
    algorithms = _table(data, "algorithms", path)
    return TagMapping(
        framework,
        _text(data, "title", path),
        step_axis,
        _text(data, "source", path),
        supplement,
        told_by,
        _texts(data, "steps_from", str(path)),
        {algorithm: _texts(algorithms, algorithm, f"{path}: [algorithms]") for algorithm in algorithms},
        tags,
        prefixes,
    )


def _texts(data: Mapping[str, Json], key: str, where: str) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{where}: {key} = {value!r} must be a list of tags.")
    return tuple(value)


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
    if not isinstance(metric, str) or not (prefix or METRIC_NAME.fullmatch(metric)):
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
    axis, unused = entry.get("axis", ""), entry.get("unused")
    if axis not in ("", *STEP_AXES):
        raise UsageError(f"{where}: axis = {axis!r} is not known.", f"Allowed: {', '.join(STEP_AXES)}.")
    if unused is not None and (isinstance(unused, bool) or not isinstance(unused, (int, float))):
        raise UsageError(f"{where}: unused = {unused!r} must be a number.")
    factor = (1.0 if sign == 1 else -1.0) * float(scale)
    return Meaning(metric, factor, Aggregation(word), str(axis), None if unused is None else float(unused))
