"""A day of watching in compressed time, and what it does to memory: ``python -m benchmarks.watch day`` (two minutes).

Twenty trainings log a point every half minute of a day that is simulated: the watcher's clock is set on as fast as it reads.
"""

from __future__ import annotations

import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from rldoctor.diagnosis.context import shipped_context
from rldoctor.watch.watcher import Watcher

RUNS, SPACING, DAY = 20, 30.0, 24 * 3600.0
_STEPS = 2048
_TAGS = (
    *("rollout/ep_rew_mean", "rollout/ep_len_mean", "time/fps", "train/approx_kl", "train/clip_fraction"),
    *("train/entropy_loss", "train/explained_variance", "train/learning_rate", "train/loss", "train/value_loss"),
)


def memory() -> float:
    """Return what this process holds in memory, in MiB (resident set size, /proc/self/statm of proc(5))."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _values(share: float, source: random.Random) -> list[float]:
    """Return what a training that learns all day logs: its return rises, its entropy falls."""
    noise = source.gauss(0.0, 1.0)
    return [
        *(500 * share + 5 * noise, 200.0, 900.0 + noise, 0.01 + 0.001 * noise, 0.1 + 0.01 * noise),
        *(-0.69 + 0.4 * share, 0.9 * share + 0.01 * noise, 3e-4, 1.0 + 0.1 * noise, 10.0 - 9 * share),
    ]


def tables() -> Iterator[str]:
    """Yield the lines of the section of docs/watch.md."""
    source, begun, moments = random.Random(0), time.time(), {}
    points = int(DAY / SPACING)
    with tempfile.TemporaryDirectory() as place:
        writers = []
        for number in range(RUNS):
            folder = Path(place) / f"run-{number:02d}"
            folder.mkdir()
            name = f"events.out.tfevents.{int(begun)}.{socket.gethostname()}.{os.getpid()}.{number}"
            writers.append(RecordWriter((folder / name).open("wb")))
        now = begun
        watcher = Watcher([place], shipped_context(), planned=_STEPS * points, clock=lambda: now)
        cpu = time.process_time()
        spent = 0.0
        for point in range(1, points + 1):
            now += SPACING
            for writer in writers:
                for tag, value in zip(_TAGS, _values(point / points, source), strict=True):
                    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
                    writer.write(Event(wall_time=now, step=_STEPS * point, summary=summary).SerializeToString())
                writer.flush()
            cpu = time.process_time()
            watcher.poll()
            spent += time.process_time() - cpu
            if point in (points // 24, points // 2, points - 1):
                moments[point] = memory()
        for writer in writers:
            writer.close()
    yield "| after | memory of the process |"
    yield "|---|---|"
    for point, held in moments.items():
        yield f"| {point * SPACING / 3600:.0f} h | {held:.0f} MiB |"
    yield ""
    yield (
        f"{RUNS} runs, {points:,} points of {len(_TAGS)} metrics each; the watcher took {spent:.0f} s of CPU time, "
        f"{spent / (RUNS * points) * 1e3:.2f} ms a point."
    )
