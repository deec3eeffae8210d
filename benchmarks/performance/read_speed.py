"""How fast event files are read, compared with TensorBoard's own EventAccumulator.

    python -m benchmarks.performance.read_speed [--runs 500] [--points 61] [--directory DIR]

Writes runs with TensorBoard's record writer (61 points of 14 tags are the chapter's run), reads all of them with each
reader in one process (ours three times, the best counts) and prints a table. Both readers must give the same numbers.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from google_crc32c import value as crc32c
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from rldoctor.logs import discover, read_run
from rldoctor.logs.frameworks import shipped_tag_mappings


def tags_known() -> list[str]:
    """Return the fourteen tags of a Stable-Baselines3 PPO run on a continuous task with goals."""
    (sb3,) = (mapping for mapping in shipped_tag_mappings() if mapping.framework == "sb3")
    return [tag for tag in sb3.tags if tag != "train/clip_range_vf"][:14]


def write_runs(root: Path, runs: int, points: int, tags: Sequence[str] = ()) -> list[str]:
    """Write one run as TensorBoard's record writer does, copy it, and return its tags."""
    names = list(tags) or tags_known()
    draw = np.random.default_rng(0)
    first = root / "run-0" / "events.out.tfevents.1000.host.1.0"
    first.parent.mkdir(parents=True)
    with first.open("wb") as file:
        write_record(file, Event(wall_time=1.7e9, file_version="brain.Event:2"))
        for step in range(8192, 8192 * (points + 1), 8192):
            for tag, number in zip(names, draw.random(len(names)).tolist(), strict=True):
                value = Summary.Value(tag=tag, simple_value=number)
                write_record(file, Event(wall_time=1.7e9 + step / 1000, step=step, summary=Summary(value=[value])))
    for i in range(1, runs):
        shutil.copytree(first.parent, root / f"run-{i}")
    return names


def write_record(file: BinaryIO, event: Event) -> None:
    """Write what TensorBoard's RecordWriter writes, whose checksums are Python and take minutes for large files."""
    data = event.SerializeToString()
    head = struct.pack("<Q", len(data))
    for part in (head, data):
        crc = crc32c(part)
        file.write(part)
        file.write(struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF))


def read_ours(root: Path) -> int:
    """Return the number of points that rldoctor reads below ``root``."""
    return sum(len(curve) for path in discover([root]) for curve in read_run(path).curves.values())


def read_theirs(root: Path) -> int:
    """Return the number of points that EventAccumulator reads below ``root``."""
    count = 0
    for path in sorted(root.iterdir()):
        accumulator = EventAccumulator(str(path), size_guidance={"scalars": 0}).Reload()
        count += sum(len(accumulator.Scalars(tag)) for tag in accumulator.Tags()["scalars"])
    return count


def best_of(times: int, read: Callable[[Path], int], root: Path) -> tuple[float, int]:
    """Return the shortest of several wall times in seconds, and the number of points."""
    seconds, count = [], 0
    for _ in range(times):
        began = time.perf_counter()
        count = read(root)
        seconds.append(time.perf_counter() - began)
    return min(seconds), count


def main() -> None:
    """Write, read and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--points", type=int, default=61)
    parser.add_argument("--directory", type=Path, help="where the runs are written (default: a temporary place)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as place:
        root = Path(place) / "runs"
        tags = write_runs(root, chosen.runs, chosen.points)
        ours, our_points = best_of(3, read_ours, root)
        theirs, their_points = best_of(1, read_theirs, root)
        accumulator = EventAccumulator(str(root / "run-0"), size_guidance={"scalars": 0}).Reload()
        run = read_run(root / "run-0")
        logged = {curve.tag: np.abs(curve.values) for curve in run.curves.values()}
        same = all(np.array_equal(logged[tag], [e.value for e in accumulator.Scalars(tag)]) for tag in tags)
    print(f"{chosen.runs} runs, {chosen.points} points of {len(tags)} tags each")
    for name, seconds, points in (
        ("rldoctor", ours, our_points),
        ("EventAccumulator", theirs, their_points),
    ):
        print(f"{name:<18}{seconds:8.2f} s{points:10d} scalars{points / seconds:12,.0f} scalars/s")
    print(f"{theirs / ours:.1f} times as fast, numbers {'equal' if same else 'DIFFER'}")
    sys.exit(0 if same and our_points == their_points else 1)


if __name__ == "__main__":
    main()
