"""JSON with line numbers, and the settings in a model that Stable-Baselines3 saved."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from rldoctor.archives.sb3_zip import read_sb3_zip
from rldoctor.errors import CannotJudge
from rldoctor.settings.tree import Node, as_node

_KEY = re.compile(r'([ \t]*)"([^"\\]+)"\s*:')


def read_json(text: str) -> Node:
    """Return the JSON object in ``text``, with the line of each value's key.

    Raises:
        ValueError: It is not a JSON object.
    """
    try:
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("is not a JSON object")
        return as_node(content, _lines(text))
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("is not JSON") from None


def _lines(text: str) -> dict[str, int]:
    """Return the line of each key, its parts joined with dots, as far as every key begins a line of its own.

    How deep a key stands is read from its indentation, which is how all writers of settings lay JSON out.
    """
    lines: dict[str, int] = {}
    above: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _KEY.match(line)
        if found:
            depth = len(found[1])
            while above and above[-1][0] >= depth:
                above.pop()
            key = f"{above[-1][1]}.{found[2]}" if above else found[2]
            above.append((depth, key))
            lines.setdefault(key, number)
    return lines


def read_saved_model(path: Path) -> Node:
    """Return the settings in a model that Stable-Baselines3 saved; an archive of something else states nothing.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        model = read_sb3_zip(path)
    except CannotJudge as error:
        if zipfile.is_zipfile(path):
            return Node({})
        raise ValueError("cannot be read as a saved model") from error
    try:
        algorithm = model.algorithm
    except CannotJudge:
        # The policy's class cannot be read; the settings can.
        algorithm = ""
    stated = {"saved_by": f"Stable-Baselines3 {model.version}", "algorithm": algorithm}
    return as_node({**stated, "total_timesteps": model.entries.get("_total_timesteps"), **model.settings()})
