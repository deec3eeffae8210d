"""A valid event file of any size, written block by block: gigabytes in a few seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google_crc32c import value as crc32c
from numpy.typing import NDArray
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from rldoctor.logs.formats.checksums import masked

TAGS = (
    *("rollout/ep_rew_mean", "rollout/ep_len_mean", "rollout/success_rate", "time/fps", "train/approx_kl"),
    *("train/clip_fraction", "train/clip_range", "train/entropy_loss", "train/explained_variance", "train/loss"),
    *("train/learning_rate", "train/policy_gradient_loss", "train/std", "train/value_loss"),
)
# From here on a step takes five bytes as a varint, up to 2**35.
FIRST_STEP = 2**28
_BLOCK = 20_000  # steps


def write(path: Path, size: int) -> int:
    """Write at least ``size`` bytes: every step with a point of each of ``TAGS``; return the number of points."""
    draw = np.random.default_rng(0)
    step = FIRST_STEP
    with path.open("wb") as file:
        file.write(_record(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString()))
        while file.tell() < size:
            steps = np.arange(step, step + _BLOCK)
            rows = [_records(tag, steps, draw.normal(size=_BLOCK).astype("<f4")) for tag in TAGS]
            file.write(np.concatenate(rows, axis=1).tobytes())
            step += _BLOCK
    return (step - FIRST_STEP) * len(TAGS)


def _record(data: bytes) -> bytes:
    head = len(data).to_bytes(8, "little")
    return head + _crc(head) + data + _crc(data)


def _crc(data: bytes) -> bytes:
    return masked(crc32c(data)).to_bytes(4, "little")


def _records(tag: str, steps: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return one record a step, shape ``(n, bytes of a record)``: a template with step, value and checksum filled in."""
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=1.5)])
    data = Event(wall_time=1.7e9, step=FIRST_STEP, summary=summary).SerializeToString()
    whole = np.tile(np.frombuffer(_record(data), np.uint8), (len(steps), 1))
    inner = whole[:, 12:-4]
    place = data.index(b"\x10\x80\x80\x80\x80\x01") + 1
    for i in range(5):
        inner[:, place + i] = (steps >> (7 * i)) & 0x7F | (0x80 if i < 4 else 0)
    inner[:, data.index(b"\x15\x00\x00\xc0\x3f") + 1 :][:, :4] = values.view(np.uint8).reshape(-1, 4)
    content = np.ascontiguousarray(inner)
    crcs = np.array([masked(crc32c(row.tobytes())) for row in content], "<u4")
    whole[:, -4:] = crcs.view(np.uint8).reshape(-1, 4)
    return whole
