"""20,000 real runs on a Ray cluster of two nodes on this machine, one of which is killed: python -m benchmarks.scale.cluster

Diagnoses copies of recorded runs on the cluster while a node is killed when half of the results are there, and the recorded
runs themselves on this machine alone. Compares what was found, row by row, and writes ``cluster.json``, of which
``python -m benchmarks.scale`` makes its document. Some minutes on two free cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import TESTS
from rldoctor import machine
from rldoctor.diagnosis.bulk import store
from rldoctor.diagnosis.bulk.conduct import RUNS_A_PART, keep, report_results
from rldoctor.diagnosis.bulk.plan import plan
from rldoctor.diagnosis.many import diagnoser
from rldoctor.executors.ray_data import Led, batch_size

RUNS = TESTS / "runs"
FILE = Path(__file__).with_name("cluster.json")
COUNT = 20_000
FOLDERS = 100
STORE_BYTES = 200 * 2**20


def copies(count: int, folder: Path) -> Path:
    """Return a folder with ``count`` runs in :data:`FOLDERS` folders: recorded ones, in turn, as hard links to one copy."""
    originals = sorted({path.parent for path in RUNS.rglob("*tfevents*")})
    once = [Path(shutil.copytree(run, folder / "once" / f"{i:03}")) for i, run in enumerate(originals)]
    names = [[path.name for path in run.iterdir() if path.is_file()] for run in once]
    for place in range(count):
        made = folder / "runs" / f"sweep-{place % FOLDERS:02}" / f"run-{place:06}"
        made.mkdir(parents=True)
        for name in names[place % len(once)]:
            os.link(once[place % len(once)] / name, made / name)
    return folder / "runs"


def on_cluster(runs: Path, place: Path, cores: list[int], kill_at: int) -> dict[str, Any]:
    """Diagnose ``runs`` on a new cluster of two nodes, and kill the second when ``kill_at`` parts are there."""
    import ray
    from ray.cluster_utils import Cluster

    from rldoctor.executors.on_ray import RayExecutor

    head = {"num_cpus": cores[0], "object_store_memory": STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(num_cpus=cores[1], object_store_memory=STORE_BYTES)
    executor = RayExecutor(cluster.address)
    led: list[Led] = []
    stream = executor.stream
    executor.stream = lambda *work: led.append(stream(*work)) or led[-1]  # type: ignore[method-assign,func-returns-value]
    killed: list[float] = []
    begun, spent = time.perf_counter(), time.process_time()

    def kill() -> None:
        while len(list(place.glob("part-*.parquet"))) < kill_at:
            time.sleep(0.5)
        cluster.remove_node(second, allow_graceful=False)
        killed.append(time.perf_counter() - begun)

    threading.Thread(target=kill, daemon=True).start()
    try:
        whole = keep([str(runs)], diagnoser(), str(place), executor)
        took, driver = time.perf_counter() - begun, time.process_time() - spent
    finally:
        executor.close()
        ray.shutdown()
        cluster.shutdown()
    return {
        "runs": whole.total,
        "parts": len(whole.parts),
        "failed": whole.failed,
        "seconds": took,
        "killed_after": killed[0] if killed else None,
        "driver_seconds": driver,
        "leader_seconds": led[0].processor_seconds,
        "batches": led[0].batches,
    }


def rows(place: Path, root: Path) -> dict[str, str]:
    """Return what results say of each run, by its name below ``root``, with its whole diagnosis."""
    found: dict[str, str] = {}
    for _, table in store.open_results(str(place)).tables(["path", "report"]):
        for path, said in zip(*(table[name].to_pylist() for name in ("path", "report")), strict=True):
            assert path not in found, path
            found[str(Path(path).relative_to(root))] = said.replace(path, "RUN")
    return found


def seconds(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return the seconds that ``work`` takes, those of the processor with all processes that it starts, and its result."""
    begun = time.perf_counter()
    before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    result = work()
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent = sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(before, after, strict=True))
    return time.perf_counter() - begun, spent, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--cores", type=int, nargs=2, default=[1, 1], help="of the first node, and of the one to kill")
    parser.add_argument("--folder", type=Path, help="where to work; a new folder that is deleted by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        made, _, runs = seconds(lambda: copies(options.count, folder))
        print(f"{options.count:,} runs made in {made:.0f} s", flush=True)
        planning, _, units = seconds(lambda: plan([str(runs)], marked=True))
        found: dict[str, Any] = {"machine": f"{machine.cores()} cores of {machine.cpu_name()}", "planning": planning}
        found |= {"units": len(units), "load": os.getloadavg()[0]}
        kill_at = -(-options.count // batch_size(options.count, sum(options.cores), RUNS_A_PART)) // 2
        found["cores"] = " and ".join(map(str, options.cores))
        found["killed"] = on_cluster(runs, folder / "cluster", options.cores, kill_at)
        print(json.dumps(found), flush=True)
        took, spent, whole = seconds(
            lambda: keep([str(folder / "once")], diagnoser(), str(folder / "local"), processes=1)
        )
        found["local"] = {"runs": whole.total, "seconds": took, "processor_seconds": spent}
        print(json.dumps(found["local"]), flush=True)
        there, here = rows(folder / "cluster", runs), rows(folder / "local", folder / "once")
        names = sorted(here)
        found["rows"] = len(there)
        found["same"] = sorted(there) == [
            f"sweep-{i % FOLDERS:02}/run-{i:06}" for i in sorted(range(options.count), key=lambda i: (i % FOLDERS, i))
        ]
        found["same"] &= all(said == here[names[int(name[-6:]) % len(names)]] for name, said in there.items())
        report = report_results(str(folder / "cluster"))
        sizes = [path.stat().st_size for path in (folder / "cluster").glob("*.parquet")]
        found["parquet_bytes"] = sum(sizes) / options.count
        found["page_bytes"] = len((report.render("html") or "").encode())
        found["json_bytes"] = len((report.render("json") or "").encode())
        show, _, _ = seconds(lambda: report_results(str(folder / "cluster"), 'verdict == "sick"'))
        found["show_seconds"] = show
        FILE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
