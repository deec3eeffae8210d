"""What a settings file states: nested values with the line of each, and their flat form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from rldoctor.model import Json

# Isaac Lab's env.yaml, the largest seen, states 3,000 values, nested 9 deep.
MOST_VALUES, DEEPEST = 20_000, 40
_NONE: Mapping[str, int] = {}


class Node(NamedTuple):
    """A value and where it stands.

    Attributes:
        value: A table of nodes, a list of nodes, or a text, number, truth value or ``None``.
        line: From 1; ``None`` where the file has no lines.
    """

    value: Tree
    line: int | None = None


Tree: TypeAlias = "dict[str, Node] | list[Node] | str | float | int | bool | None"


class Entry(NamedTuple):
    """A value of the flat form: a scalar, or a list of scalars."""

    value: Json
    line: int | None = None


def as_node(value: object, lines: Mapping[str, int] = _NONE, key: str = "") -> Node:
    """Return a JSON value as a tree, with the lines of its keys where these are known."""
    if isinstance(value, dict):
        inner = {str(name): as_node(item, lines, f"{key}.{name}" if key else str(name)) for name, item in value.items()}
        return Node(inner, lines.get(key))
    if isinstance(value, (list, tuple)):
        return Node([as_node(item) for item in value], lines.get(key))
    return Node(value if isinstance(value, (str, float, int, bool)) else None, lines.get(key))


def flatten(root: Node) -> dict[str, Entry]:
    """Return the values by their keys joined with dots; a list of scalars is one value.

    Raises:
        ValueError: There are more values than any training has, or they are nested too deeply.
    """
    flat: dict[str, Entry] = {}
    for seen, (key, entry) in enumerate(_values(root, "", 0)):
        if seen >= MOST_VALUES:
            raise ValueError(f"states more than {MOST_VALUES:,} values")
        flat.setdefault(key, entry)
    return flat


def _values(node: Node, key: str, depth: int) -> Iterator[tuple[str, Entry]]:
    if depth > DEEPEST:
        raise ValueError("is nested too deeply")
    value = node.value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _values(item, f"{key}.{name}" if key else name, depth + 1)
    elif isinstance(value, list):
        if all(not isinstance(item.value, (dict, list)) for item in value):
            yield key, Entry([item.value for item in value[:MOST_VALUES]], node.line)
            return
        for place, item in enumerate(value):
            yield from _values(item, f"{key}.{place}", depth + 1)
    else:
        yield key, Entry(value, node.line)
