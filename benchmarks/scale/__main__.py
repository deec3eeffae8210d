"""What 10^3, 10^5 and 10^7 runs would need: python -m benchmarks.scale

Measures what one run costs (reading, diagnosing, fetching from a server with the S3 protocol, memory, bytes of every
report, a job on Ray), simulates a cluster event by event with these numbers, compares the simulation with this machine,
and writes docs/scale.md. A few minutes. What a cluster and leading it cost is read from ``cluster.json`` and
``leading.json``, which the commands ``benchmarks.scale.cluster`` and ``benchmarks.scale.leading`` write.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import DOCS, TESTS
from benchmarks.scale.costs import measure, measure_messages
from benchmarks.scale.simulation import BANDWIDTH, CHUNK, KEYS_A_PAGE, KEYS_A_RUN, LISTING, simulate, stream
from rldoctor import machine
from rldoctor.executors.ray_data import MOST_BATCHES

RUNS = TESTS / "runs"
DOCUMENT = DOCS / "scale.md"
SIZES = (1_000, 100_000, 10_000_000)
CORES = (2, 64, 1_024)


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


def on_cluster() -> dict[str, str]:
    """Return what the document says of the cluster that was tried, and of leading it."""
    here = Path(__file__)
    cluster = json.loads(here.with_name("cluster.json").read_text("utf-8"))
    leading = json.loads(here.with_name("leading.json").read_text("utf-8"))
    killed = cluster["killed"]
    return {
        "killed_after": duration(killed["killed_after"]),
        "cluster_runs": f"{killed['runs']:,}",
        "cluster_took": duration(killed["seconds"]),
        "cluster_same": "equal to" if cluster["same"] else "NOT EQUAL to",
        "cluster_driver": duration(killed["driver_seconds"]),
        "cluster_driver_a_run": f"{1e3 * killed['driver_seconds'] / killed['runs']:.2f} ms",
        "cluster_leader": duration(killed["leader_seconds"]),
        "cluster_batches": f"{killed['batches']:,}",
        "page": size(cluster["page_bytes"]),
        "overview": size(cluster["json_bytes"]),
        "show": duration(cluster["show_seconds"]),
        "parquet": size(cluster["parquet_bytes"]),
        "few": f"{leading['batches'][0]:,}",
        "many": f"{leading['batches'][1]:,}",
        "batch": f"{1e3 * leading['batch']:.0f} ms",
        "lead_start": duration(leading["start"]),
        "watching": f"{leading['watching']:.1%}",
        "most_batches": f"{MOST_BATCHES:,}",
    }


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
    leading = json.loads(Path(__file__).with_name("leading.json").read_text("utf-8"))
    streams = []
    for count in SIZES[1:]:
        for cores in CORES:
            led = stream(count, cores, costs, leading)
            streams.append(
                f"| {count:,} | {cores:,} | {led.runs_a_batch:,} | {duration(led.seconds)} | {led.workers_busy:.0%} | {led.leader_busy:.0%} |"
            )
            print(streams[-1], flush=True)
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
        "streamed": "\n".join(streams),
        "network": duration(SIZES[-1] * costs.fetched / BANDWIDTH),
        **on_cluster(),
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
