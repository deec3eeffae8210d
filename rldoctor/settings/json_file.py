"""JSON with line numbers."""

from __future__ import annotations

import json
import re

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
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON (line {error.lineno})") from None
    except RecursionError:
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
