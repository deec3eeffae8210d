"""Settings that an event file states: texts such as CleanRL's hyperparameters, and TensorBoard's hparams plugin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rldoctor.settings.texts import expression, markdown_table, scalar
from rldoctor.settings.tree import Node

# Settings are written before the first scalars; a table of a hundred is 5 KB.
_HEAD = 2**17
_MARKS = (b"text_summary", b"_hparams_/session_start_info")
_TEXT = "/text_summary"
_SESSION = "_hparams_/session_start_info"


def read_event_settings(path: Path) -> Node:
    """Return the settings at the beginning of an event file; an empty table where there are none.

    Raises:
        ValueError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise ValueError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    found: dict[str, Node] = {}
    if any(mark in head for mark in _MARKS):
        for value in _values(head):
            for name, node in _settings(value).items():
                found.setdefault(name, node)
    return Node(found)


def _values(head: bytes) -> Iterator[Any]:
    """Yield the values of each whole record: length (8 bytes), its checksum (4), the event, its checksum (4)."""
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto.event_pb2 import Event

    at = 0
    while at + 12 <= len(head):
        end = at + 12 + int.from_bytes(head[at : at + 8], "little")
        if end > len(head):
            return
        data = head[at + 12 : end]
        at = end + 4
        if any(mark in data for mark in _MARKS):
            try:
                yield from Event.FromString(data).summary.value
            except DecodeError:
                return


def _settings(value: Any) -> dict[str, Node]:
    if value.tag == _SESSION:
        return _hparams(value.metadata.plugin_data.content)
    if not value.tag.endswith(_TEXT) or len(value.tensor.string_val) != 1:
        return {}
    text = value.tensor.string_val[0].decode(errors="replace")
    # Tianshou writes str(args), CleanRL a table.
    node = expression(text) or (markdown_table(text) if "|" in text else Node({}))
    return node.value if isinstance(node.value, dict) else {}


def _hparams(content: bytes) -> dict[str, Node]:
    from google.protobuf.message import DecodeError
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    try:
        stated = HParamsPluginData.FromString(content).session_start_info.hparams
    except DecodeError:
        return {}
    found = {}
    for name, value in stated.items():
        kind = value.WhichOneof("kind")
        plain = getattr(value, kind) if kind in ("number_value", "bool_value", "string_value") else None
        found[str(name)] = (expression(plain) or Node(scalar(plain))) if isinstance(plain, str) else Node(plain)
    return found
