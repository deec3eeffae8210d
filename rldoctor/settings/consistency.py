"""Whether settings are those of the run whose logs they lie beside."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from rldoctor.model import Curve, Finding, Json, Severity
from rldoctor.model.settings import Settings

# A schedule's first logged value is one or two rollouts into it; an optimizer may scale a rate by a constant.
_TOLERANCE = 0.25
_REGISTERED = re.compile(r"-v\d+$")
# Of monitor files, and of their first line in bytes.
_MOST_FILES, _LONGEST_LINE = 4, 4096


def of_this_run(
    settings: Settings, curves: Mapping[str, Curve], algorithm: str, directory: Path | None = None
) -> Settings:
    """Return the settings; without any, and with a finding, if the logs show that they are of another run.

    The logs show the algorithm (by its tags), and often the learning rate and the clip range at the start.

    Args:
        settings: The settings beside the logs.
        curves: Metric to curve.
        algorithm: What the tags say; empty where they do not.
        directory: The run; the monitor files in it name its environment.
    """
    differs = _other_env(settings, directory) if settings.env and directory else ""
    if algorithm and settings.algorithm and algorithm != settings.algorithm:
        differs = f"algorithm is {settings.algorithm} {settings.where('algorithm')}, but the logs are of {algorithm}"
    for name in ("learning_rate", "clip_range"):
        differs = differs or _differs(settings, curves, name)
    if not differs:
        return settings
    evidence: dict[str, Json] = {"file": next((place.file for place in settings.places.values() if place.file), "")}
    finding = Finding(
        "SET003",
        "settings-of-another-run",
        Severity.WARNING,
        f"{differs}: the settings are of another run and are not used.",
        "Keep the files of each run in a directory of its own.",
        evidence,
    )
    return Settings(findings=(*settings.findings, finding))


def _differs(settings: Settings, curves: Mapping[str, Curve], name: str) -> str:
    """Return in words how a setting differs from its curve; empty where it does not, or changes while training."""
    stated, curve = getattr(settings, name), curves.get(name)
    if stated is None or curve is None or getattr(settings, f"{name}_schedule") not in ("constant", "linear"):
        return ""
    values = curve.finite().values
    if not len(values) or not settings.places[name].file:
        return ""
    # A linear schedule may have begun before the logs did, and a training may have gone on with another rate.
    # One that was killed early shows a single value.
    low, high = float(values.min()), float(values.max())
    slack = _TOLERANCE * max(abs(high), abs(stated))
    falls = getattr(settings, f"{name}_schedule") == "linear" and (low < high or len(values) == 1)
    if low - slack <= stated <= high + slack or (falls and stated > high):
        return ""
    return f"{name} is {stated:g} {settings.where(name)}, but {float(values[0]):.3g} in the logs"


def _other_env(settings: Settings, directory: Path) -> str:
    """Return in words that the monitor files are of another environment; empty where they are not, or do not say."""
    named = {env for file in _monitor_files(directory) if (env := _env_of(file))}
    ids = [env.rpartition(":")[2] for env in (settings.env, *named)]
    # Classes and names of one's own may be registered under any id.
    if not named or ids[0] in ids[1:] or not all(_REGISTERED.search(env) for env in ids):
        return ""
    return f"env is {settings.env} {settings.where('env')}, but {', '.join(sorted(named)[:2])} in the monitor files"


def _monitor_files(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [Path(entry.path) for entry in entries if entry.name.endswith("monitor.csv")][:_MOST_FILES]
    except OSError:
        return []


def _env_of(file: Path) -> str:
    """Return the environment in the first line of a monitor file, ``#{"t_start": ..., "env_id": ...}``."""
    try:
        with file.open("rb") as opened:
            first = opened.readline(_LONGEST_LINE)
        header = json.loads(first.removeprefix(b"#")) if first.startswith(b"#") else {}
    except (OSError, ValueError, RecursionError):
        return ""
    env = header.get("env_id") if isinstance(header, dict) else None
    return env if isinstance(env, str) and env != "None" else ""
