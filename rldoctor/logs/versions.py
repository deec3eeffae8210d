"""The versions of packages that a run was trained with, where something beside its logs records them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from rldoctor.run_record import RunRecord, json_table

# Weights & Biases writes what pip freeze shows; a thousand packages are 20 kB.
_REQUIREMENTS = ("files/requirements.txt", "requirements.txt")
_MAX_BYTES = 2**20
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;#]+)")


def recorded_versions(directory: Path, record: RunRecord, present: Collection[str]) -> Mapping[str, str]:
    """Return distribution to version: of ``run.json``, or else of Weights & Biases' ``requirements.txt``.

    Names are as PyPI normalises them, such as ``stable-baselines3``. Empty where nothing is recorded.

    Args:
        directory: The run.
        record: Its ``run.json``.
        present: The names in its folder.
    """
    stated = {name: value for name, value in json_table(record.content, "versions").items() if isinstance(value, str)}
    if stated:
        return _normalised(stated)
    for name in _REQUIREMENTS:
        found = _pinned(directory / name) if name.partition("/")[0] in present else {}
        if found:
            return _normalised(found)
    return {}


def _pinned(file: Path) -> dict[str, str]:
    """Return the pinned versions of a file; none where it cannot be read."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    matches = (_PINNED.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1]: match[2] for match in matches if match}


def _normalised(versions: Mapping[str, str]) -> dict[str, str]:
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in versions.items()}
