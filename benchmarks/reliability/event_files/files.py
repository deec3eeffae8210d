"""A recorded event file, how a run is written of it, and what is read and said of that run."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event

from benchmarks.reliability.fault import HEALTHY
from rldoctor.logs.formats.log_file import LogFile
from rldoctor.logs.formats.tfevents import read_event_file
from rldoctor.model import Run

NAME = "events.out.tfevents.1700000000.host.1.0"
# Records of a recorded file that are enough to be cut and damaged in every place.
FEW = 120


@cache
def recorded(most: int = FEW) -> tuple[bytes, tuple[int, ...], tuple[int, ...]]:
    """Return the first records of a recorded event file, where each ends, and how many points there are until then.

    Parsed here and by TensorBoard's own classes, not by the code under test.
    """
    [path] = HEALTHY.glob("events.out.tfevents.*")
    content = path.read_bytes()
    ends, points, at = [0], [0], 0
    while at < len(content) and len(ends) <= most:
        (length,) = struct.unpack_from("<Q", content, at)
        event = Event.FromString(content[at + 12 : at + 12 + length])
        at += length + 16
        ends.append(at)
        points.append(points[-1] + len(event.summary.value))
    return content[:at], tuple(ends), tuple(points)


def written(place: Path, content: bytes, name: str = NAME) -> Path:
    """Return a run directory that holds ``content`` alone."""
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(content)
    return place


def read(place: Path) -> LogFile:
    return read_event_file(place / NAME, lambda tag: True)


def said(run: Run, code: str) -> int:
    """Return the byte that the finding ``code`` names."""
    [finding] = [finding for finding in run.findings if finding.code == code]
    byte = finding.evidence["byte"]
    assert isinstance(byte, int)
    assert f"(byte {byte})" in finding.message
    return byte
