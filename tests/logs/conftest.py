"""Event files for the tests, written by TensorBoard's own writer and never by rldoctor."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Make:
    """Events, their bytes, and files of them."""

    start = Event(wall_time=1.7e9, file_version="brain.Event:2")

    @staticmethod
    def scalars(step: int, values: Mapping[str, float], wall_time: float = 1.7e9) -> Event:
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        return Event(wall_time=wall_time, step=step, summary=summary)

    @staticmethod
    def tensor(step: int, tag: str, tensor: Any, plugin: str = "scalars") -> Event:
        value = Summary.Value(tag=tag, tensor=tensor)
        value.metadata.plugin_data.plugin_name = plugin
        return Event(wall_time=1.7e9, step=step, summary=Summary(value=[value]))

    @staticmethod
    def purge(step: int) -> Event:
        return Event(wall_time=1.7e9, step=step, session_log=SessionLog(status=SessionLog.START))

    @staticmethod
    def record(data: bytes) -> bytes:
        buffer = io.BytesIO()
        RecordWriter(buffer).write(data)
        return buffer.getvalue()

    @classmethod
    def content(cls, events: Iterable[Event]) -> bytes:
        return b"".join(cls.record(event.SerializeToString()) for event in events)

    @classmethod
    def file(cls, path: Path, events: Iterable[Event]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cls.content([cls.start, *events]))
        return path

    @classmethod
    def curve(
        cls,
        directory: Path,
        steps: Iterable[int],
        begun: int = 1000,
        tags: Iterable[str] = ("rollout/ep_rew_mean", "train/approx_kl"),
        value: Callable[[int], float] = float,
        count: int = 0,
    ) -> Path:
        """Write one file whose points at step s have the value ``value(s)``; it is begun at second ``begun``."""
        tags = list(tags)
        events = [cls.scalars(step, dict.fromkeys(tags, value(step)), begun + i / 100) for i, step in enumerate(steps)]
        return cls.file(directory / f"events.out.tfevents.{begun}.host.77.{count}", events)


@pytest.fixture
def make() -> type[Make]:
    return Make
