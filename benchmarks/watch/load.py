"""What ``rldoctor watch`` costs, and how soon it warns: ``python -m benchmarks.watch load`` (six minutes).

A second process lets copies of recorded runs grow, half of them sick, at random times and each at the pace of a training of
half an hour. This one watches them, and measures its own processor time and the time from the writing of the point that a warning is
based on to the warning. In the end the writer is killed.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.corpus import RECORDED
from rldoctor.diagnosis.context import shipped_context
from rldoctor.logs import read_run
from rldoctor.logs.frameworks import shipped_tag_mappings
from rldoctor.model import Verdict
from rldoctor.watch.watcher import Watcher

PLACES = (
    "sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100",
    "healthy/pendulum/zoo/as-recorded-20",
)
INTERVAL = 4.0
# Dumps of one run are this many seconds apart, in the mean.
SPACING = 60.0


def write(folder: Path, count: int) -> None:
    """Let runs grow until this process is killed; write down when each step was written."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    random.seed(0)
    dumps = []
    for place in PLACES:
        run = read_run(RECORDED / place)
        factors = {
            c.tag: m.factor for n in shipped_tag_mappings() for c in run.curves.values() if (m := n.meaning(c.tag))
        }
        points: dict[int, list[Summary.Value]] = {}
        for curve in run.curves.values():
            for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True):
                points.setdefault(step, []).append(
                    Summary.Value(tag=curve.tag, simple_value=value / factors[curve.tag])
                )
        dumps.append(sorted(points.items()))
    due = []
    for i in range(count):
        place = folder / f"run-{i:03d}"
        place.mkdir()
        record = json.loads((RECORDED / PLACES[i % len(PLACES)] / "run.json").read_text())
        (place / "run.json").write_text(json.dumps({**record, "status": "running"}))
        due.append([time.time() + random.uniform(0, SPACING), EventFileWriter(str(place)), iter(dumps[i % 2]), place])
    with (folder.parent / "written.jsonl").open("w", buffering=1) as written:
        while due:
            due.sort(key=lambda item: item[0])
            item = due[0]
            time.sleep(max(0.0, item[0] - time.time()))
            step, values = next(item[2], (None, None))
            if step is None:
                due.pop(0)
                continue
            for value in values:
                item[1].add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))
            item[1].flush()
            written.write(json.dumps([item[3].name, step, time.time()]) + "\n")
            item[0] += random.uniform(0.5, 1.5) * SPACING


def tables(count: int = 200, seconds: float = 180.0) -> Iterator[str]:
    """Yield the lines of the section of docs/watch.md."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "runs"
        folder.mkdir()
        writer = subprocess.Popen([sys.executable, "-m", "benchmarks.watch.load", str(folder), str(count)])
        time.sleep(5)
        watcher = Watcher([str(folder)], shipped_context())
        watcher.poll()
        begun, cpu, warned = time.time(), time.process_time(), []
        while time.time() - begun < seconds:
            for event in watcher.poll():
                if any(f": {verdict}, " in event.text for verdict in (Verdict.SICK, Verdict.SUSPECT)):
                    warned.append((Path(event.row.path).name, event.text, time.time()))
            time.sleep(INTERVAL)
        wall, spent = time.time() - begun, time.process_time() - cpu
        lines = (Path(place) / "written.jsonl").read_text().splitlines()
        when = {(name, step): at for name, step, at in map(json.loads, lines)}
        late = [
            at - when[name, int(text.split(":")[0].removeprefix("step ").replace(",", ""))]
            for name, text, at in warned
            if text.startswith("step") and "nothing logged" not in text
        ]
        writer.kill()
        writer.wait()
        killed = time.time()
        while any(row.state != "killed" for row in watcher.rows) and time.time() - killed < 120:
            watcher.poll()
            time.sleep(INTERVAL)
        told = sum(row.state == "killed" for row in watcher.rows)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield "| what | measured | wanted |"
        yield "|---|---|---|"
        yield f"| one core, {count} runs that log {len(when) / wall:.1f} points a second together | {spent / wall:.1%} | 5 % |"
        yield f"| from the point to its warning, median of {len(late)} | {np.median(late):.1f} s | 10 s |"
        yield f"| the 95th of a hundred | {np.percentile(late, 95):.1f} s | 10 s |"
        yield f"| the longest | {max(late):.1f} s | 10 s |"
        yield f"| from a killed writer until {told} of {count} runs are told as killed | {time.time() - killed:.0f} s | 60 s |"
        yield f"| largest memory | {memory:.0f} MiB | |"


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
