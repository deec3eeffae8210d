"""Runs in Weights & Biases' local folders: ``wandb/run-<time>-<id>/run-<id>.wandb``, offline or not.

The file is a LevelDB log of protobuf messages. Sources: google/leveldb, doc/log_format.md, for the record format;
wandb/wandb, wandb/sdk/internal/datastore.py, for the seven bytes before it and the checksum, which is zlib's;
wandb/proto/wandb_internal.proto for the fields of a row of history.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from rldoctor.logs.formats.log_file import LogFile, LogFormat, ReadIssues, Wanted, by_name, one_by_one, read_bytes
from rldoctor.logs.formats.tables import STEP_COLUMNS, read_rows

# Weights & Biases' own count of rows, where nothing else says at which step a row was written.
_ROWS = "_step"
_BLOCK = 32 * 2**10
_HEAD = 7  # checksum, length, type
_IDENT = b":W&B"
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# Types of fields (google/protobuf/descriptor.proto). protobuf is imported late: few runs are logged in this format.
_INT64, _STRING, _SINT64, _DOUBLE = 3, 9, 18, 1
# Message: field to number and type, or the message that it holds. Only what a row of history is made of.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, int | str]]] = {
    "Record": {"history": (2, "HistoryRecord")},
    "HistoryRecord": {"item": (1, "HistoryItem"), "step": (2, "HistoryStep")},
    "HistoryStep": {"num": (1, _INT64)},
    "HistoryItem": {
        "key": (1, _STRING),
        "nested_key": (2, _STRING),
        "integer": (5, _SINT64),
        "number": (6, _DOUBLE),
        "value_json": (16, _STRING),
    },
}
_REPEATED = ("item", "nested_key")


def read_wandb(path: Path, wanted: Wanted) -> LogFile:
    """Read the history of a run, one row per step. Never raises for the state or the content of the file.

    A row's step is what it says under a name of ``STEP_COLUMNS``, such as ``global_step``, which synchronised
    TensorBoard logs have; else the row's number.

    Args:
        path: The file.
        wanted: Tells whether the points of a key are kept.
    """
    content, issues = read_bytes(path)
    if content is None:
        return LogFile(path, issues=issues)
    if not content.startswith(_IDENT):
        issues.add("empty" if not content else "corrupt", 0, "is no file of Weights & Biases")
        return LogFile(path, issues=issues)
    rows = partial(_rows, content)
    names = {name for row in rows(ReadIssues()) for name in row}
    column = next((name for name in STEP_COLUMNS if name in names), _ROWS)
    return read_rows(path, rows(issues), len(content), wanted, issues, column)


def _rows(content: bytes, issues: ReadIssues) -> Iterator[Mapping[str, object]]:
    from google.protobuf.message import DecodeError

    record = _record_class()
    for offset, data in _records(content, issues):
        try:
            message = record.FromString(data)
        except DecodeError:
            issues.add("corrupt", offset, f"has a record of {len(data)} bytes that is none of Weights & Biases")
            continue
        if message.HasField("history"):
            row = {_name(item): _value(item) for item in message.history.item}
            yield {_ROWS: message.history.step.num, **row}


def _name(item: Any) -> str:
    return str(item.key) or ".".join(item.nested_key)


def _value(item: Any) -> object:
    for kind in ("number", "integer"):
        if item.HasField(kind):
            return getattr(item, kind)
    try:
        return json.loads(item.value_json)
    except (ValueError, RecursionError):
        return None


def _records(content: bytes, issues: ReadIssues) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the data of each whole record; behind a damaged one it goes on with the next block."""
    at, begun = _HEAD, 0
    parts: list[bytes] = []
    while at < len(content):
        left = _BLOCK - at % _BLOCK
        if left < _HEAD:
            at += left
            continue
        head = content[at : at + _HEAD]
        length, kind = int.from_bytes(head[4:6], "little"), head[-1]
        end = at + _HEAD + length
        if end > len(content):
            issues.add("truncated", at, f"ends {len(content) - at} bytes into a record")
            return
        if length > left - _HEAD or zlib.crc32(content[at + 6 : end]) != int.from_bytes(head[:4], "little"):
            if any(head):
                issues.add("corrupt", at, f"has a record with a wrong checksum: {left} bytes were skipped")
            at, parts = at + left, []
            continue
        if kind in (_FULL, _FIRST):
            begun, parts = at, []
        parts.append(content[at + _HEAD : end])
        if kind in (_FULL, _LAST):
            yield begun, b"".join(parts)
            parts = []
        at = end


@cache
def _record_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="rldoctor/wandb_history.proto", package="rldoctor.wandb", syntax="proto2"
    )
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            label = kinds.LABEL_REPEATED if name in _REPEATED else kinds.LABEL_OPTIONAL
            if isinstance(kind, str):
                type_name = f".{file.package}.{kind}"
                described.field.add(name=name, number=number, label=label, type=kinds.TYPE_MESSAGE, type_name=type_name)
            else:
                described.field.add(name=name, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.Record"))


def is_wandb_file(name: str) -> bool:
    """Return whether a file is the history of a run."""
    return name.startswith("run-") and name.endswith(".wandb")


# The folder may hold copies of the event files that the run was synchronised with.
WANDB = LogFormat(by_name(is_wandb_file), one_by_one(read_wandb), includes_subfolders=True)
