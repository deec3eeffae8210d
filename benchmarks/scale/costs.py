"""What one run costs, measured: reading and judging it, fetching it, a job and a message on Ray."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.report import Report
from rldoctor.executors import map_jobs
from rldoctor.logs import read_run, remote
from rldoctor.model import RunDiagnosis
from rldoctor.render.formats import render
from rldoctor.render.json_report import pieces


@dataclass(frozen=True)
class Costs:
    """What one run costs; seconds are of one core."""

    judge: float  # reading and judging, in a worker
    fetch: float  # the client's own work for the files of a run
    take: float  # the driver's: unpickling a result and writing it as JSON
    job: float  # the driver's: a job of simulation.CHUNK runs on Ray
    fetched: float  # bytes of event files and run.json
    result: float  # bytes of a pickled result
    memory: float  # bytes that the driver keeps of it
    json: float  # bytes
    csv: float
    html: float


def cpu(work: Callable[[], Any]) -> float:
    """Return the processor seconds of this process that ``work`` takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def noop(tell: Any) -> None:
    """Do nothing: an empty job."""


def measure(runs: list[Path]) -> Costs:
    for run in runs[:50]:
        diagnose_run(read_run(run))
    before = resident()
    subjects: list[RunDiagnosis] = []
    judge = cpu(lambda: subjects.extend(diagnose_run(read_run(run)) for run in runs)) / len(runs)
    memory = (resident() - before) / len(runs)
    parcels = [pickle.dumps(subject) for subject in subjects]
    report = Report.of("diagnose", subjects)
    take = cpu(lambda: [pickle.loads(parcel) for parcel in parcels]) / len(runs)
    take += cpu(lambda: list(pieces(report))) / len(runs)
    some = Report.of("diagnose", subjects[:100])
    fetch, fetched = measure_fetch(runs[:200])
    return Costs(
        judge=judge,
        fetch=fetch,
        take=take,
        job=measure_ray(),
        fetched=fetched,
        result=sum(map(len, parcels)) / len(parcels),
        memory=memory,
        json=len(render(report, "json") or "") / len(runs),
        csv=len(render(report, "csv") or "") / len(runs),
        html=(len(render(some, "html") or "") - len(render(Report.of("diagnose", subjects[:2]), "html") or "")) / 98,
    )


def measure_fetch(runs: list[Path]) -> tuple[float, float]:
    """Return the client's processor seconds and the bytes for a run, from a real server in another process."""
    from fsspec import filesystem

    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    endpoint = server.stdout.readline().strip()
    access = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update({"AWS_ENDPOINT_URL": endpoint, **access})
    try:
        with tempfile.TemporaryDirectory() as cache:
            os.environ["RLDOCTOR_CACHE"] = cache
            store = filesystem("s3")
            store.mkdir("scale")
            for run in runs:
                for file in (file for file in run.iterdir() if "tfevents" in file.name or file.name == "run.json"):
                    store.pipe_file(f"scale/runs/{run.name}/{file.name}", file.read_bytes())
            took = cpu(lambda: remote.fetch("s3://scale/runs"))
            size = sum(path.stat().st_size for path in Path(cache).rglob("*") if path.is_file() and path.name[0] != ".")
            return took / len(runs), size / len(runs)
    finally:
        server.kill()
        server.wait()


SERVER = """
from moto.server import ThreadedMotoServer
import threading
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
threading.Event().wait()
"""


def talk(tell: Any, words: int) -> float:
    """Send ``words`` messages, and return how many a second were accepted."""
    begun = time.perf_counter()
    for word in range(words):
        tell(word)
    return words / (time.perf_counter() - begun)


def measure_messages(words: int = 1_000) -> float:
    from rldoctor.executors.on_ray import RayExecutor

    executor = RayExecutor()
    try:
        return float(map_jobs(executor, talk, [(words,)])[0])
    finally:
        executor.close()


def measure_ray(jobs: int = 300) -> float:
    from rldoctor.executors.on_ray import RayExecutor

    executor = RayExecutor()
    try:
        map_jobs(executor, noop, [()] * 20)
        return cpu(lambda: map_jobs(executor, noop, [()] * jobs)) / jobs
    finally:
        executor.close()
