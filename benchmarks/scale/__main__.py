"""What 10^3, 10^5 and 10^7 runs would need: python -m benchmarks.scale

Measures what one run costs (reading, diagnosing, fetching from a server with the S3 protocol, memory, bytes of every
report, a job on Ray), simulates a cluster event by event with these numbers, compares the simulation with this machine,
and writes docs/scale.md. A few minutes.
"""

from __future__ import annotations

import heapq
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import DOCS, TESTS
from rldoctor import machine
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.report import Report
from rldoctor.executors import map_jobs
from rldoctor.logs import read_run, remote
from rldoctor.model import RunDiagnosis
from rldoctor.render.formats import render
from rldoctor.render.json_report import pieces

RUNS = TESTS / "runs"
DOCUMENT = DOCS / "scale.md"
CHUNK = 16  # runs a job, as in rldoctor.diagnosis.many
KEYS_A_RUN = 15  # event file, run.json, ten checkpoints, policy, evaluation, paths
KEYS_A_PAGE = 1_000  # of a listing, by the S3 protocol
AT_A_TIME = 32  # requests of rldoctor.logs.remote
# Assumed, not measured: an object store and a network as clouds have them.
LATENCY = 0.030  # seconds a request
LISTING = 0.15  # seconds a page
BANDWIDTH = 1.25e9  # bytes a second of all workers together, 10 Gbit/s
SIZES = (1_000, 100_000, 10_000_000)
CORES = (2, 64, 1_024)


@dataclass(frozen=True)
class Costs:
    """What one run costs; seconds are of one core."""

    judge: float  # reading and judging, in a worker
    fetch: float  # the client's own work for the files of a run
    take: float  # the driver's: unpickling a result and writing it as JSON
    job: float  # the driver's: a job of CHUNK runs on Ray
    fetched: float  # bytes of event files and run.json
    result: float  # bytes of a pickled result
    memory: float  # bytes that the driver keeps of it
    json: float  # bytes
    csv: float
    html: float


def recorded(count: int) -> list[Path]:
    """Return ``count`` recorded runs, evenly spread over all of them."""
    found = sorted({path.parent for path in RUNS.rglob("*tfevents*")})
    return [found[place] for place in np.linspace(0, len(found) - 1, count).round().astype(int)]


def copies(count: int, folder: Path) -> list[Path]:
    """Return ``count`` run directories: copies of recorded runs, sick and healthy."""
    made = []
    originals = recorded(50)
    for place in range(count):
        made.append(Path(shutil.copytree(originals[place % 50], folder / f"{place % 100:02d}" / f"{place:07d}")))
    return made


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


def chunks(runs: int) -> Iterator[int]:
    yield from [CHUNK] * (runs // CHUNK)
    if runs % CHUNK:
        yield runs % CHUNK


@dataclass(frozen=True)
class Simulated:
    """The result of a simulation."""

    seconds: float
    workers_busy: float  # share of the time
    driver_busy: float


def simulate(runs: int, cores: int, costs: Costs, *, far: bool) -> Simulated:
    """Simulate ``cores`` workers that take chunks from a driver, which receives their results one after the other.

    Each worker fetches (if the runs are ``far``), reads and diagnoses. The network is shared: a chunk's bytes take at
    least their share of it. The driver hands out a chunk when both a worker and the driver are free.
    """
    driver = LISTING * -(-runs * KEYS_A_RUN // KEYS_A_PAGE) if far else 0.0
    listed, driver_worked, worked, network = driver, driver, 0.0, driver
    ends: list[tuple[float, int]] = []
    free, pending = cores, chunks(runs)
    done = driver
    while True:
        while free and (size := next(pending, 0)):
            driver += costs.job if far else 0.0
            driver_worked += costs.job if far else 0.0
            begun = driver
            if far:
                network = max(network, begun) + size * costs.fetched / BANDWIDTH
                begun = max(network, begun + LATENCY * (1 + -(-2 * size // AT_A_TIME)))
            busy = size * (costs.judge + (costs.fetch if far else 0.0))
            worked += busy
            heapq.heappush(ends, (begun + busy, size))
            free -= 1
        if not ends:
            break
        ended, size = heapq.heappop(ends)
        driver = max(driver, ended) + size * costs.take
        driver_worked += size * costs.take
        done = driver
        free += 1
    del listed
    return Simulated(done, worked / (done * cores), driver_worked / done)


def on_this_machine(folder: Path) -> tuple[float, float]:
    """Return the seconds of ``rldoctor diagnose`` on all runs below ``folder``, and of one run: the start."""

    def seconds(where: Path) -> float:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "rldoctor", "diagnose", str(where), "--format", "json"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        return time.perf_counter() - begun

    return seconds(folder), seconds(next(folder.rglob("run.json")).parent)


def size(count: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def duration(seconds: float) -> str:
    for unit, factor in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = copies(2_000, folder)
        costs = measure(runs[:1_000])
        took, start = on_this_machine(folder)
    messages = measure_messages()
    foretold = simulate(2_000, machine.cores(), costs, far=False).seconds
    rows = []
    for count in SIZES:
        for cores in CORES:
            found = simulate(count, cores, costs, far=True)
            rows.append(
                f"| {count:,} | {cores:,} | {duration(found.seconds)} | {found.workers_busy:.0%} | {found.driver_busy:.0%} |"
            )
            print(rows[-1], flush=True)
    sizes = [
        f"| {count:,} | {size(count * costs.fetched)} | {size(count * costs.memory)} | {size(count * costs.json)} "
        f"| {size(count * costs.csv)} | {size(count * costs.html)} |"
        for count in SIZES
    ]
    limit = machine.memory_gib() or 0.0
    serial = costs.take + costs.job / CHUNK
    values = {
        "judge": f"{1e3 * costs.judge:.1f} ms",
        "fetch": f"{1e3 * costs.fetch:.1f} ms",
        "take": f"{1e3 * costs.take:.2f} ms",
        "job": f"{1e3 * costs.job:.1f} ms",
        "fetched": size(costs.fetched),
        "result": size(costs.result),
        "memory": size(costs.memory),
        "json": size(costs.json),
        "csv": size(costs.csv),
        "html": size(costs.html),
        "foretold": f"{foretold:.1f}",
        "took": f"{took - start:.1f}",
        "start": f"{start:.1f}",
        "rows": "\n".join(rows),
        "sizes": "\n".join(sizes),
        "most_cores": f"{(costs.judge + costs.fetch) / serial:.0f}",
        "most_runs": f"{limit * 2**30 / costs.memory:,.0f}",
        "gib": f"{limit:.0f}",
        "messages": f"{messages:,.0f}",
        "trials": f"{messages / 2:,.0f}",
        "listing": duration(LISTING * SIZES[-1] * KEYS_A_RUN / KEYS_A_PAGE),
        "machine": f"{machine.cores()} cores of {machine.cpu_name()}",
        "versions": ", ".join(f"{key} {number}" for key, number in machine.versions().items() if number),
        "peak": size(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024),
    }
    template = (Path(__file__).with_name("template.md")).read_text(encoding="utf-8")
    for key, value in values.items():
        template = template.replace(f"<<{key}>>", value)
    DOCUMENT.write_text(template, encoding="utf-8")
    print(json.dumps({key: value for key, value in values.items() if key not in ("rows", "sizes")}, indent=2))


if __name__ == "__main__":
    main()
