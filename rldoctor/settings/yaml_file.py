"""YAML read as data with line numbers: no tag constructs anything, no alias grows."""

from __future__ import annotations

from typing import Any

from rldoctor.settings.texts import expression, scalar
from rldoctor.settings.tree import DEEPEST, MOST_VALUES, Node, Tree

_NAME_TAGS = ("tag:yaml.org,2002:python/name:", "tag:yaml.org,2002:python/module:")
_PLAIN = "tag:yaml.org,2002:"


def read_yaml(text: str) -> Node:
    """Return the first document of a YAML file.

    Tags of Python objects are read as what they contain: an object as its table, a tuple as a list, an ordered
    dictionary of pairs as a table, ``!!python/name:torch.nn.ReLU`` as its name. The parser works without recursion.

    Raises:
        ValueError: It is not YAML, or is larger or nested deeper than any settings are.
    """
    # Late: of few runs' settings are in YAML.
    import yaml

    try:
        return _Builder().build(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" (line {mark.line + 1})" if mark is not None else ""
        raise ValueError(f"is not YAML{at}") from None


class _Open:
    """A table or list that is being read."""

    def __init__(self, table: bool, tag: str, anchor: str | None, line: int) -> None:
        self.table, self.tag, self.anchor, self.line = table, tag, anchor, line
        self.items: list[Node] = []

    def close(self) -> Node:
        value: Tree = self.items
        if self.table:
            value = _table(self.items)
        elif "OrderedDict" in self.tag:
            value = _pairs(self.items) or value
        return Node(value, self.line)


class _Builder:
    def __init__(self) -> None:
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def build(self, events: Any) -> Node:
        import yaml

        for event in events:
            node = None
            if isinstance(event, yaml.ScalarEvent):
                # A key stays the text that it is: one may be called on, none or 1.
                is_key = bool(self._stack) and self._stack[-1].table and not len(self._stack[-1].items) % 2
                node = Node(str(event.value) if is_key else _scalar(event), event.start_mark.line + 1)
                self._remember(event.anchor, node)
            elif isinstance(event, yaml.AliasEvent):
                node = self._anchors.get(event.anchor, Node(None))._replace(line=event.start_mark.line + 1)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                table = isinstance(event, yaml.MappingStartEvent)
                self._stack.append(_Open(table, event.tag or "", event.anchor, event.start_mark.line + 1))
                if len(self._stack) > DEEPEST:
                    raise ValueError("is nested too deeply")
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                done = self._stack.pop()
                node = done.close()
                # Known only once it is complete: an alias to what contains it would never end.
                self._remember(done.anchor, node)
            elif isinstance(event, yaml.DocumentEndEvent):
                break
            if node is not None:
                self._count += 1
                if self._count > MOST_VALUES:
                    raise ValueError(f"states more than {MOST_VALUES:,} values")
                if not self._stack:
                    return node
                self._stack[-1].items.append(node)
        return Node({})

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor:
            self._anchors[anchor] = node


def _scalar(event: Any) -> Tree:
    tag, text = event.tag or "", str(event.value)
    for prefix in _NAME_TAGS:
        if tag.startswith(prefix):
            return str(tag[len(prefix) :])
    if event.implicit[0] or (tag.startswith(_PLAIN) and not tag.endswith((":str", ":binary"))):
        plain = scalar(text)
        if not isinstance(plain, str):
            return plain
    parsed = expression(text, event.start_mark.line + 1)
    return parsed.value if parsed else text


def _table(items: list[Node]) -> dict[str, Node]:
    """Return keys and values, which alternate; a value stands where its key does, ``<<`` adds another table's."""
    table: dict[str, Node] = {}
    merged: dict[str, Node] = {}
    for key, value in zip(items[::2], items[1::2], strict=False):
        if key.value == "<<" and isinstance(value.value, dict):
            merged |= value.value
        elif not isinstance(key.value, (dict, list)):
            table[str(key.value)] = value._replace(line=key.line)
    return {**merged, **table}


def _pairs(items: list[Node]) -> dict[str, Node] | None:
    """Return ``[[[key, value], ...]]``, which is how PyYAML writes an ordered dictionary, as a table."""
    pairs = items[0].value if len(items) == 1 else None
    if not isinstance(pairs, list) or not all(isinstance(pair.value, list) and len(pair.value) == 2 for pair in pairs):
        return None
    return _table([part for pair in pairs if isinstance(pair.value, list) for part in pair.value])
