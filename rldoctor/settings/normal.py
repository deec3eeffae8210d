"""From what a library's files state to the normal form."""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec

from rldoctor.model import Json
from rldoctor.model.settings import SETTINGS, Place, Settings
from rldoctor.settings.library import DERIVED, Library, algorithm_of, libraries
from rldoctor.settings.tree import Entry

_WHOLE = int | None
# Zoo: lin_0.001; Stable-Baselines3 2.6 and later: ConstantSchedule(val=0.0003).
_SCHEDULE = re.compile(r"(lin|linear|const|constant)(?:_|Schedule\((?:val|start)=)([-+.\deE]+)", re.IGNORECASE)
_SCHEDULED = {"learning_rate": "learning_rate_schedule", "clip_range": "clip_range_schedule"}
# What is smaller than this is no count, and zero workers of RLlib means one.
_NEVER_WORDS = ("learning_rate", "gamma", "target_kl", "max_grad_norm")
_FEWEST = {"n_steps": 1, "n_envs": 1, "n_epochs": 1, "batch_size": 1, "total_steps": 1, "seed": 0, "learning_rate": 0}


class Stated(NamedTuple):
    """A key that files state, with the file."""

    entry: Entry
    file: str


class Found(NamedTuple):
    """A setting in the normal form and where it stands."""

    value: Any
    place: Place


def normal_form(library: Library, stated: Mapping[str, Stated]) -> dict[str, Found]:
    """Return the settings that a library's files state, by name; values that cannot be are left out."""
    found: dict[str, Found] = {}
    for name, keys in library.settings.items():
        for key in keys:
            place = _key(key, stated)
            if place is None:
                continue
            entry, file = stated[place]
            for part, value in _parts(name, library.meaning(name, entry.value)):
                checked = _checked(part, value, library)
                if checked is not None:
                    found.setdefault(part, Found(checked, Place(file, place, entry.line)))
            if name in found:
                break
    if "algorithm" not in found:
        for algorithm, keys in library.algorithms.items():
            fitting = next((key for key in keys if key in stated), None)
            if fitting is not None:
                found["algorithm"] = Found(algorithm, Place(stated[fitting].file, fitting, stated[fitting].entry.line))
                break
    _derive(found)
    return found


def with_defaults(library: Library, found: Mapping[str, Found], stated: Collection[str]) -> dict[str, Found]:
    """Return the settings with the library's defaults for what is not among the ``stated`` keys.

    What is stated and cannot be read, such as a schedule of one's own, stays unknown.
    """
    of = next((other for other in libraries() if other.library == library.defaults_of), library)
    algorithm = found["algorithm"].value if "algorithm" in found else ""
    tables = (library.defaults, of.defaults) if of is not library else (library.defaults,)
    complete = dict(found)
    for table in tables:
        for name, value in {**table.get("*", {}), **table.get(algorithm, {})}.items():
            unknown = any(_is_stated(key, stated) for key in library.settings.get(name, ()))
            checked = None if unknown else _checked(name, value, library)
            if checked is not None:
                complete.setdefault(name, Found(checked, Place(key=name)))
    _add_updates(complete)
    return complete


def _add_updates(found: dict[str, Found]) -> None:
    """Add the gradient steps for each environment step, where the files or the defaults say them."""
    names = ("gradient_steps", "train_freq", "n_envs")
    updates, every, envs = (found[name].value if name in found else None for name in names)
    if updates == -1:
        found["updates_per_step"] = Found(1.0, found["gradient_steps"].place)
    elif updates and every and envs:
        stated = next((name for name in names[:2] if found[name].place.file), names[0])
        found["updates_per_step"] = Found(updates / (every * envs), found[stated].place)


def _is_stated(key: str, stated: Collection[str]) -> bool:
    """Return whether files state something under a key, or under the key of a table around it that is no table."""
    parts = key.split(".")
    around = {".".join((*parts[:count], "object")) for count in range(1, len(parts))}
    return key in stated or any(other in around or other.startswith(f"{key}.") for other in stated)


def as_settings(found: Mapping[str, Found], **about: Any) -> Settings:
    """Return the normal form as one value."""
    return Settings(
        **{name: item.value for name, item in found.items() if name in SETTINGS},
        places={name: item.place for name, item in found.items() if name in SETTINGS},
        **about,
    )


def _key(key: str, stated: Mapping[str, Stated]) -> str | None:
    if not key.startswith("*."):
        return key if key in stated and stated[key].entry.value is not None else None
    fits = [other for other in stated if other == key[2:] or other.endswith(key[1:])]
    return fits[0] if len(fits) == 1 and stated[fits[0]].entry.value is not None else None


def _parts(name: str, value: Json) -> list[tuple[str, Json]]:
    """Return a setting, and its schedule or its unit where the value says both."""
    if name == "train_freq" and isinstance(value, list) and len(value) == 2:
        return [(name, value[0]), ("train_unit", value[1])]
    if name not in _SCHEDULED or isinstance(value, (int, float)):
        return [(name, value)]
    # A list of [step, value], as RLlib takes it, is flattened before; a text may be a schedule by name.
    match = _SCHEDULE.match(value) if isinstance(value, str) else None
    if match is None:
        return [(_SCHEDULED[name], "other")]
    kind = "linear" if match[1].lower().startswith("lin") else "constant"
    return [(name, match[2]), (_SCHEDULED[name], kind)]


@cache
def _kinds() -> Mapping[str, Any]:
    hints = typing.get_type_hints(Settings)
    return {**hints, **dict.fromkeys(DERIVED, _WHOLE), "std_init": float | None, "train_unit": str | None}


def _checked(name: str, value: Any, library: Library) -> Any:
    """Return a value as the type of its setting; ``None`` where it is none, or switches the setting off."""
    if value is None or (isinstance(value, bool) and name in _NEVER_WORDS):
        return None
    if name == "algorithm":
        return algorithm_of(str(value)) or None
    if name in ("library", "env", "activation"):
        word = str(value).strip()
        return (word.rpartition(".")[2].strip("'>").lower() if name == "activation" else word) or None
    if name == "net_arch" and not isinstance(value, list):
        value = [value]
    if isinstance(value, float) and _kinds()[name] == _WHOLE and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    try:
        checked = msgspec.convert(value, _kinds()[name], strict=False)
    except (msgspec.ValidationError, ValueError, OverflowError):
        return None
    if isinstance(checked, bool) or not isinstance(checked, (int, float)):
        return checked
    is_off = checked in library.off.get(name, ())
    return checked if math.isfinite(checked) and not is_off and checked >= _FEWEST.get(name, -math.inf) else None


def _derive(found: dict[str, Found]) -> None:
    """Add what follows from what a library states instead."""

    def number(name: str) -> Any:
        return found[name].value if name in found else None

    def add(name: str, value: float | None, source: str) -> None:
        if value and name not in found:
            found[name] = Found(value, found[source].place)

    # No worker beside the learner means that the learner itself steps the environments.
    if number("envs_per_worker"):
        add("n_envs", max(1, number("workers") or 0) * number("envs_per_worker"), "envs_per_worker")
    rollout, envs, steps = number("rollout"), number("n_envs"), number("n_steps")
    if rollout and envs and not steps:
        add("n_steps", rollout // envs, "rollout")
    rollout = rollout or (steps * envs if steps and envs else None)
    if number("minibatches") and rollout:
        add("batch_size", max(1, rollout // number("minibatches")), "minibatches")
    if number("iterations") and rollout:
        add("total_steps", number("iterations") * rollout, "iterations")
    if number("steps_per_env"):
        add("total_steps", number("steps_per_env") * (envs or 1), "steps_per_env")
    if number("train_unit") == "episode":
        # How many steps an episode has is not known.
        found.pop("train_freq", None)
    if number("std_init") and number("std_init") > 0 and "log_std_init" not in found:
        found["log_std_init"] = Found(math.log(number("std_init")), found["std_init"].place)
