"""Very many runs diagnosed and kept: in this process, in copies of it, or on a Ray cluster."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from rldoctor import machine
from rldoctor.diagnosis.bulk import store
from rldoctor.diagnosis.bulk.overview import report_of, summary_where
from rldoctor.diagnosis.bulk.plan import Found, Unit, list_unit, plan
from rldoctor.diagnosis.bulk.summary import Summary, merged
from rldoctor.diagnosis.bulk.work import Batch
from rldoctor.diagnosis.many import PRELOAD, Each
from rldoctor.executors import Executor, Send, map_jobs
from rldoctor.logs.discovery import no_run_below
from rldoctor.model import Report, Verdict

# Runs of a file: ours. A thousand take a core some seconds and a megabyte of disk.
RUNS_A_PART = 500
# With fewer runs than this for each, a second process takes longer to start than it saves.
_RUNS_A_PROCESS = 25


def keep(
    names: Sequence[str],
    each: Each,
    place: str,
    executor: Executor | None = None,
    processes: int | None = None,
) -> Summary:
    """Diagnose every run at or below ``names``, keep the diagnoses as Parquet files in ``place``, and return a summary.

    Args:
        names: Folders or addresses.
        each: Diagnoses the runs in folders, in their order.
        place: The folder or address for the files; results of an earlier command there are replaced.
        executor: Does the work elsewhere; a Ray cluster also lists the folders.
        processes: How many processes of this machine share the work; as many as there are cores by default.

    Raises:
        UsageError: A path does not exist, or ``place`` cannot be written to.
        CannotJudge: There is no run.
    """
    units = plan(names, marked=executor is not None and executor.away)
    store.prepare(place)
    batch = Batch(each, place, secrets.token_hex(4), str(Path.cwd()))
    try:
        found = _shared(units, batch, executor, processes)
        if found is None:
            raise no_run_below(names)
        store.commit(place, found.parts)
    except BaseException:
        store.clear(place, batch.token)
        raise
    return found


def report_kept(
    names: Sequence[str],
    each: Each,
    place: str,
    executor: Executor | None = None,
    processes: int | None = None,
    fail_on: Verdict = Verdict.SICK,
) -> Report:
    """Do as :func:`keep`, and return the report: an overview, and the worst and typical runs in full."""
    summary = keep(names, each, place, executor, processes)
    return report_of(summary, store.open_results(place), fail_on=fail_on)


def report_results(place: str, where: str = "", fail_on: Verdict = Verdict.SICK) -> Report:
    """Return a report of results that were kept, or of those runs of them that an expression selects.

    Args:
        place: A folder that ``--parquet`` named, a folder of such files, or one file.
        where: Such as ``verdict == "sick"`` (:func:`rldoctor.diagnosis.bulk.where.expression_of`).
        fail_on: The mildest verdict for which the exit code is 1.

    Raises:
        UsageError: There are no results, or the expression is none, or names a column that there is not.
        CannotJudge: No run fits, or the results are damaged.
    """
    results = store.open_results(place)
    return report_of(summary_where(results, where), results, where, fail_on)


def _shared(units: Sequence[Unit], batch: Batch, executor: Executor | None, processes: int | None) -> Summary | None:
    from rldoctor.executors.on_ray import RayExecutor

    if isinstance(executor, RayExecutor):
        led: Summary | None = executor.stream(units, batch.find, batch, merged, RUNS_A_PART).result
        return led
    runs = [found for unit in units for found in list_unit(unit)]
    if not runs:
        return None
    count = executor.slots if executor else min(processes or machine.cores(), max(1, len(runs) // _RUNS_A_PROCESS))
    size = min(RUNS_A_PART, -(-len(runs) // count))
    batches = [runs[i : i + size] for i in range(0, len(runs), size)]
    if executor is None and count < 2:
        return merged(map(batch, batches))
    shares = [(batch, batches[i::count]) for i in range(count)]
    # Late: few commands need other processes.
    from rldoctor.executors.forked import can_fork, map_forked

    if executor is None and can_fork():
        return merged(map_forked(_some, shares))
    from rldoctor.executors.local import LocalExecutor

    return merged(map_jobs(executor or LocalExecutor(count, PRELOAD), _some, shares))


def _some(_send: Send, batch: Batch, batches: Sequence[Sequence[Found]]) -> Summary:
    """Work on several batches in this process."""
    return merged(map(batch, batches))
