"""Many runs diagnosed: found, shared among processes or the nodes of a cluster, and sorted, worst first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from rldoctor import machine, references
from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.context import DiagnosisContext, context_of, shipped_context
from rldoctor.diagnosis.judge import diagnose_runs
from rldoctor.executors import Executor, Send, map_jobs
from rldoctor.logs import discover, read_run
from rldoctor.logs.discovery import no_run_below
from rldoctor.logs.frameworks import find_tag_mapping, shipped_tag_mappings
from rldoctor.logs.remote import fetch, is_remote, list_runs, place_of
from rldoctor.model import Packed, PackedRuns, Run, RunDiagnosis, Statement, Verdict, pack

# A run takes some 2 ms, a copy of this process 10 ms and the first process of another kind 300 ms: fewer runs than this
# are faster without.
_RUNS_A_COPY, _RUNS_A_PROCESS = 25, 100
# Most runs of a job on a cluster.
_RUNS_A_JOB = 16
# Modules for the process from which those of jobs are forked.
PRELOAD = ("rldoctor.diagnosis.preload",)

# Most runs, and points of all of their curves together, that are diagnosed in one go: a run more adds little time from
# then on, and points take memory (20 MB).
_RUNS_TOGETHER, _POINTS_TOGETHER = 32, 2**20

# Most diagnoses that are held before they are packed; a multiple of the runs that are diagnosed together.
_PACKED_TOGETHER = 8 * _RUNS_TOGETHER

Each = Callable[[Sequence[Path]], list[RunDiagnosis]]
"""Diagnoses the runs in directories, in their order."""

_Judged = TypeVar("_Judged", bound=RunDiagnosis | Packed)

_WORST_FIRST = (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED, Verdict.HEALTHY)


def diagnose(
    paths: Sequence[Path | str],
    reference: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    processes: int | None = None,
    executor: Executor | None = None,
    framework: str | None = None,
    config: Config = DEFAULTS,
    baseline_return: float | None = None,
    statements: Sequence[Statement] = (),
    remember: bool = False,
    packed: bool = False,
) -> Sequence[RunDiagnosis]:
    """Diagnose every run at or below ``paths``, worst first.

    Args:
        paths: Directories, or addresses of object stores such as ``s3://bucket/runs``.
        reference: Compare every run with this reference instead of the one that fits it.
        select: Use only signs whose code begins with, or whose name is, one of these.
        ignore: Leave out such signs; they neither count nor are reported.
        processes: How many processes share many runs; as many as there are cores by default.
        executor: Shares the runs among its processes instead; runs in object stores are fetched where they are read.
        framework: What logged the runs: a name of ``checks/tags/`` or the path of a tag mapping; by default it is
            identified from the tags.
        config: The configuration; ``select`` replaces its selection.
        baseline_return: Better mean return of the zero-action and the random policy, if all runs are of one
            environment.
        statements: What other witnesses say of every one of the runs, such as their environment.
        remember: Keep the diagnoses in the user's folder for caches, and take those of runs that have not changed
            from there. Only what the shipped rules say of logs alone, on this machine, is kept.
        packed: Return them packed, for whoever looks at thousands of them one by one; not those of an executor, nor
            with ``remember``.

    Raises:
        UsageError: An entry of ``select`` or ``ignore`` fits no sign, or a path, the reference or the framework does
            not exist.
        CannotJudge: There is no run.
    """
    names = [str(path) for path in paths]
    remote = [name for name in names if is_remote(name)] if executor is not None else []
    found = [str(directory) for directory in discover([name for name in names if name not in remote])]
    found += [run for name in remote for run in list_runs(name)]
    if not found:
        raise no_run_below(names)
    each = diagnoser(reference, select, ignore, framework, config, baseline_return, statements)
    is_shipped = _is_of_shipped_rules(config, select, ignore)
    if packed and executor is None and not remember:
        return PackedRuns(sorted_by_verdict(_among_processes(each, found, processes, packed=True)))
    make = partial(_made, each, processes=processes, executor=executor)
    by_files_alone = is_shipped and executor is None and not statements and baseline_return is None
    if remember and by_files_alone and _is_shipped(reference, framework):
        return sorted_by_verdict(_remembered(found, make, (reference or "", framework or "")))
    return sorted_by_verdict(make(found))


def diagnoser(
    reference: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    framework: str | None = None,
    config: Config = DEFAULTS,
    baseline_return: float | None = None,
    statements: Sequence[Statement] = (),
) -> Each:
    """Return what diagnoses runs in directories, here or wherever it is sent; the arguments are :func:`diagnose`'s.

    Raises:
        UsageError: An entry of ``select`` or ``ignore`` fits no sign, or the framework does not exist.
    """
    # Made here and sent on, so that a mistake is one error and no other machine needs the project's files.
    context = context_of(config, select, ignore)
    if framework:
        find_tag_mapping(framework, context.tag_mappings)
    return partial(
        _diagnose_directories,
        reference=reference,
        framework=framework,
        context=None if _is_of_shipped_rules(config, select, ignore) else context,
        baseline_return=next((item.baseline_return for item in statements if item.baseline_return), baseline_return),
        statements=tuple(statements),
    )


def _is_of_shipped_rules(config: Config, select: Sequence[str], ignore: Sequence[str]) -> bool:
    return config.is_plain and not (select or ignore)


def _made(each: Each, runs: Sequence[str], processes: int | None, executor: Executor | None) -> list[RunDiagnosis]:
    """Return a diagnosis of each run."""
    with machine.seldom_collected():
        if executor is not None:
            return _shared(each, runs, executor)
        return list(PackedRuns(_among_processes(each, runs, processes)))


def _among_processes(
    each: Each, runs: Sequence[str], processes: int | None, packed: bool = False
) -> Sequence[Packed | RunDiagnosis]:
    """Return a diagnosis of each run, shared among processes where there are many; all ``packed`` or some of them."""
    copies = len(runs) >= 2 * _RUNS_A_COPY and _can_fork()
    processes = min(processes or machine.cores(), len(runs) // (_RUNS_A_COPY if copies else _RUNS_A_PROCESS))
    with machine.seldom_collected():
        if processes < 2:
            return _diagnose_part(_nobody, each, runs, packed)
        if copies:
            return _among_copies(each, runs, processes, packed)
        return _shared(each, runs, _local(processes))


def _nobody(_message: object) -> None:
    """Send nothing."""


def _is_shipped(reference: str | None, framework: str | None) -> bool:
    """Return whether both are names of what is part of this build, not places of files of the user's."""
    mappings = {mapping.framework for mapping in shipped_tag_mappings()}
    return (reference is None or reference in references.names()) and (framework is None or framework in mappings)


def _remembered(
    runs: Sequence[str], make: Callable[[Sequence[str]], list[RunDiagnosis]], asked: tuple[str, ...]
) -> list[RunDiagnosis]:
    """Return a diagnosis of each run: one that was kept where the run is as it was, else one that ``make`` returns."""
    # Late: few commands need a database.
    from rldoctor.diagnosis.remembered import Fingerprints, open_store

    prints = Fingerprints(*asked)
    marks = {run: prints.of(Path(run)) for run in runs}
    # A report calls runs what the user calls them.
    keys = {run: "\n".join((str(Path(run).absolute()), run, *asked)) for run in runs}
    with open_store() as store:
        known = store.find({keys[run]: mark for run, mark in marks.items() if mark is not None})
    # Closed meanwhile: a database must not be open where processes are copied.
    rest = [run for run in runs if keys[run] not in known]
    made = dict(zip(rest, make(rest) if rest else [], strict=True))
    # What changed while it was read is not kept.
    new = [(keys[run], mark, made[run]) for run in rest if (mark := marks[run]) and mark == prints.of(Path(run))]
    with open_store() as store:
        store.keep(new, [key for key in keys.values() if key in known])
    return [made[run] if run in made else known[keys[run]] for run in runs]


def sorted_by_verdict(diagnoses: Iterable[_Judged]) -> list[_Judged]:
    """Return diagnoses, the worst first."""
    return sorted(diagnoses, key=lambda diagnosis: _WORST_FIRST.index(diagnosis.verdict))


def _local(processes: int) -> Executor:
    # Late: few commands need other processes.
    from rldoctor.executors.local import LocalExecutor

    return LocalExecutor(processes, PRELOAD)


def _diagnose_directories(
    directories: Sequence[Path],
    reference: str | None,
    framework: str | None,
    context: DiagnosisContext | None,
    baseline_return: float | None,
    statements: tuple[Statement, ...],
) -> list[RunDiagnosis]:
    context = context or shipped_context()
    found: list[RunDiagnosis] = []
    together: list[Run] = []
    points = 0
    for directory in directories:
        run = read_run(directory, framework, context.tag_mappings)
        if baseline_return is not None:
            run = replace(run, baseline_return=baseline_return)
        together.append(run)
        points += sum(map(len, run.curves.values()))
        if len(together) == _RUNS_TOGETHER or points > _POINTS_TOGETHER:
            found += diagnose_runs(together, reference, context, statements)
            together, points = [], 0
    return found + diagnose_runs(together, reference, context, statements)


def _can_fork() -> bool:
    # Late: few commands need other processes.
    from rldoctor.executors.forked import can_fork

    return can_fork()


def _among_copies(each: Each, runs: Sequence[str], processes: int, packed: bool) -> Sequence[Packed | RunDiagnosis]:
    """Return a diagnosis of each run, shared among copies of this process."""
    from rldoctor.executors.forked import map_forked

    shipped_context()
    found: list[Packed | RunDiagnosis] = [None] * len(runs)  # type: ignore[list-item]
    # Dealt out in turn, as neighbours are alike. What is sent is packed: a few times faster than it is pickled.
    parts = [(each, runs[place::processes], packed or place > 0) for place in range(processes)]
    for place, part in enumerate(map_forked(_diagnose_part, parts)):
        found[place::processes] = part
    return found


def _diagnose_part(_send: Send, each: Each, runs: Sequence[str], packed: bool) -> Sequence[Packed | RunDiagnosis]:
    """Diagnose runs in this process."""
    if not packed:
        return each(list(map(Path, runs)))
    starts = range(0, len(runs), _PACKED_TOGETHER)
    return [pack(one) for start in starts for one in each(list(map(Path, runs[start : start + _PACKED_TOGETHER])))]


def _shared(each: Each, runs: Sequence[str], executor: Executor) -> list[RunDiagnosis]:
    """Return a diagnosis of each run, shared among the processes of ``executor``."""
    marked = [(run, _fingerprint(Path(run)) if executor.away and not is_remote(run) else "") for run in runs]
    # On this machine a job a process, dealt out in turn, as neighbours are alike; a cluster also evens out its nodes.
    count = max(executor.slots, -(-len(runs) // _RUNS_A_JOB)) if executor.away else executor.slots
    found: list[RunDiagnosis | None] = [None] * len(runs)
    for place, part in enumerate(map_jobs(executor, _diagnose_some, [(each, marked[i::count]) for i in range(count)])):
        found[place::count] = part
    # A directory that another machine does not see is read on this one.
    unseen = iter(each([place_of(run) for run, diagnosis in zip(runs, found, strict=True) if diagnosis is None]))
    return [next(unseen) if diagnosis is None else diagnosis for diagnosis in found]


def _diagnose_some(_send: Send, each: Each, runs: Sequence[tuple[str, str]]) -> list[RunDiagnosis | None]:
    """Diagnose runs in this process; ``None`` for one that is not seen from here."""
    directories = [_seen_here(run, fingerprint) for run, fingerprint in runs]
    diagnoses = iter(each([directory for directory in directories if directory is not None]))
    return [None if directory is None else next(diagnoses) for directory in directories]


def _seen_here(run: str, fingerprint: str) -> Path | None:
    """Return where a run is on this machine; ``None`` where it is not."""
    if is_remote(run):
        mirrors = fetch(run)
        return mirrors[0] if mirrors else None
    # Another machine may have a directory of the same name.
    return Path(run) if fingerprint in ("", _fingerprint(Path(run))) else None


def _fingerprint(directory: Path) -> str:
    """Return names and sizes of a directory's files, in which directories of one name on two machines differ."""
    try:
        return repr(sorted((entry.name, entry.stat().st_size) for entry in os.scandir(directory) if entry.is_file()))
    except OSError:
        return "unreadable"
