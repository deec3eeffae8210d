"""JSON with line numbers, and the JSON entry of a model that Stable-Baselines3 saved."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from rldoctor.settings.texts import expression
from rldoctor.settings.tree import Node, as_node

_KEY = re.compile(r'([ \t]*)"([^"\\]+)"\s*:')
# The entry holds the last observations too; those of eight Atari games are 0.3 MB.
_LARGEST_ENTRY = 32 * 2**20


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


def read_sb3_zip(path: Path) -> Node:
    """Return what the JSON entry ``data`` of a model saved by Stable-Baselines3 states; nothing is unpickled.

    An archive of something else states nothing.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("data").file_size > _LARGEST_ENTRY:
                raise ValueError("is too large: its entry data has more than 32 MiB")
            content = json.loads(archive.read("data"))
    except KeyError:
        return Node({})
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError, EOFError):
        raise ValueError("cannot be read as a saved model") from None
    except (NotImplementedError, RuntimeError):
        raise ValueError("is encrypted or packed in a way that is not read") from None
    # Of another program that saves zips with an entry of that name.
    return Node({key: _attribute(value) for key, value in content.items()} if isinstance(content, dict) else {})


def _attribute(value: object) -> Node:
    """Return an attribute of the model: its JSON value, or what is readable of one that is pickled."""
    if not isinstance(value, dict) or ":serialized:" not in value:
        return as_node(value)
    shown = {key: item for key, item in value.items() if key not in (":serialized:", "__doc__")}
    return Node(
        {key: (expression(item) if isinstance(item, str) else None) or as_node(item) for key, item in shown.items()}
    )
