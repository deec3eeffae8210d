"""The diagnosis itself: evidence is collected, causes are ranked, and the outcome decides how serious it is."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

from rldoctor import machine, references
from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.context import DiagnosisContext, context_of, shipped_context
from rldoctor.diagnosis.describe import finding, title, unjudged
from rldoctor.diagnosis.match import Match, match
from rldoctor.diagnosis.rank import HEALTHY, Ranked, rank
from rldoctor.diagnosis.remedy import concrete
from rldoctor.diagnosis.table import fill_in
from rldoctor.diagnosis.verdict import MIXED_RUNS, decide, is_foreign, is_short
from rldoctor.errors import CannotJudge, RldoctorError
from rldoctor.executors import Executor, Send, map_jobs
from rldoctor.logs import discover, read_run
from rldoctor.logs.frameworks import find_tag_mapping
from rldoctor.logs.remote import fetch, is_remote, list_runs, place_of
from rldoctor.model import Json, RankedDiagnosis, Run, RunDiagnosis, Verdict
from rldoctor.rulebook import Case, DiagnosisRule, Rulebook
from rldoctor.rulebook.observe import observe_all

_MIXED = "mixed-runs"
_SHORT = "too-short-to-judge"
_MISSING = "missing-metrics"
_SHOWN_CAUSES = 5
_LISTED_TAGS = 20
# A run takes some 6 ms, a new process 300 ms before its first: fewer runs than this are faster without.
_RUNS_A_PROCESS = 100
_RUNS_A_CHUNK = 16


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
) -> list[RunDiagnosis]:
    """Diagnose every run at or below ``paths``, worst first.

    Args:
        paths: Directories, or addresses of object stores such as ``s3://bucket/runs``.
        reference: Compare every run with this reference instead of the one that fits it.
        select: Use only signs whose code begins with, or whose name is, one of these.
        ignore: Leave out such signs; they neither count nor are reported.
        processes: How many share many runs; as many as there are cores by default.
        executor: Shares the runs among its processes instead; those of object stores are fetched where they are read.
        framework: What logged the runs: a name of ``checks/tags/`` or the path of a tag mapping; by default it is
            identified from the tags.
        config: The configuration; ``select`` replaces its selection.
        baseline_return: Better mean return of the zero-action and the random policy, where all runs are of one
            environment.

    Raises:
        UsageError: An entry of ``select`` or ``ignore`` fits no sign, or a path, the reference or the framework does
            not exist.
        CannotJudge: There is no run.
    """
    names = [str(path) for path in paths]
    far = [name for name in names if is_remote(name)] if executor is not None else []
    found = [str(directory) for directory in discover([name for name in names if name not in far])]
    found += [run for name in far for run in list_runs(name)]
    if not found:
        named = ", ".join(names)
        raise CannotJudge(
            f"There is no run below {named}: no TensorBoard event file was found.",
            "Name the folder that tensorboard --logdir would take.",
        )
    # Made here and sent on, so that a mistake is one error and no other machine needs the project's files.
    context = context_of(config, select, ignore)
    if framework:
        find_tag_mapping(framework, context.tag_mappings)
    plain = config.is_plain and not (select or ignore)
    one = partial(
        _diagnose_directory,
        reference=reference,
        framework=framework,
        context=None if plain else context,
        baseline_return=baseline_return,
    )
    if executor is None:
        subjects = _each(one, [Path(run) for run in found], processes or machine.cores())
    else:
        subjects = _spread(one, found, executor)
    order = (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED, Verdict.HEALTHY)
    return sorted(subjects, key=lambda subject: order.index(subject.verdict))


def _diagnose_directory(
    directory: Path,
    reference: str | None,
    framework: str | None,
    context: DiagnosisContext | None,
    baseline_return: float | None,
) -> RunDiagnosis:
    context = context or shipped_context()
    run = read_run(directory, framework, context.tag_mappings)
    if baseline_return is not None:
        run = replace(run, baseline_return=baseline_return)
    return diagnose_run(run, reference, context=context)


def _each(one: Callable[[Path], RunDiagnosis], directories: Sequence[Path], processes: int) -> list[RunDiagnosis]:
    """Return what ``one`` makes of each directory; many are shared among the cores."""
    workers = min(processes, len(directories) // _RUNS_A_PROCESS)
    if workers < 2:
        return [one(directory) for directory in directories]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return list(pool.map(one, directories, chunksize=_RUNS_A_CHUNK))
        except BrokenProcessPool:
            raise RldoctorError(
                "A process that read runs was ended from outside, most likely for lack of memory.",
                "Diagnose fewer runs at a time.",
            ) from None


def _spread(one: Callable[[Path], RunDiagnosis], names: Sequence[str], executor: Executor) -> list[RunDiagnosis]:
    """Return what ``one`` makes of each run, shared among the processes of ``executor``."""
    marked = [(name, "" if is_remote(name) else _marks(Path(name))) for name in names]
    chunks = [marked[first : first + _RUNS_A_CHUNK] for first in range(0, len(marked), _RUNS_A_CHUNK)]
    found = [
        subject for part in map_jobs(executor, _diagnose_chunk, [(one, chunk) for chunk in chunks]) for subject in part
    ]
    # A directory that another machine does not see is read on this one.
    return [one(place_of(name)) if subject is None else subject for name, subject in zip(names, found, strict=True)]


def _diagnose_chunk(
    _send: Send, one: Callable[[Path], RunDiagnosis], runs: Sequence[tuple[str, str]]
) -> list[RunDiagnosis | None]:
    """Diagnose runs where this process is; ``None`` for one that is not seen from there."""
    return [_diagnose_there(one, name, marks) for name, marks in runs]


def _diagnose_there(one: Callable[[Path], RunDiagnosis], name: str, marks: str) -> RunDiagnosis | None:
    if is_remote(name):
        mirrors = fetch(name)
        return one(mirrors[0]) if mirrors else None
    # Another machine may have a directory of that name of its own.
    return one(Path(name)) if marks == _marks(Path(name)) else None


def _marks(directory: Path) -> str:
    """Return what tells a directory from another one of its name: what its files are called and how large they are."""
    try:
        return repr(sorted((entry.name, entry.stat().st_size) for entry in os.scandir(directory) if entry.is_file()))
    except OSError:
        return "unseen"


def diagnose_run(
    run: Run, reference: str | None = None, book: Rulebook | None = None, context: DiagnosisContext | None = None
) -> RunDiagnosis:
    """Diagnose one run.

    Args:
        run: The run.
        reference: A reference to compare it with; by default the one that fits.
        book: The rulebook; that of ``context`` by default.
        context: The context of a configuration; shipped rules by default.

    Raises:
        UsageError: The reference does not exist.
    """
    context = context or shipped_context()
    book = book or context.book
    matched = match(run, reference, context.references)
    case = Case(run, matched.reference, matched.same_recipe)
    observed, skipped = observe_all(book, case)
    strengths = {item.sign.code: item.strength for item in observed}
    ranked = rank(book, strengths, run.algorithm)
    fired = [item for item in observed if item.fires and not item.sign.of_health]
    verdict, summary = decide(run, case, observed, ranked)
    codes = {item.sign.code for item in fired}
    recipe = matched.recipe or (matched.reference.recipe if matched.reference else None)
    returns = run.curves["episode_return"].finite().values.tolist() if "episode_return" in run.curves else []
    return RunDiagnosis(
        path=run.path,
        verdict=verdict,
        title=title(run, matched, book, context.tag_mappings),
        summary=summary,
        env=recipe.env if recipe else "",
        framework=run.framework,
        reference=matched.reference.recipe.name if matched.reference else "",
        reference_why=matched.why,
        steps=run.last_step,
        final_return=returns[-1] if returns else None,
        diagnoses=_diagnoses(book, ranked, codes, matched, case, verdict),
        findings=(*run.findings, *(finding(item, run, verdict) for item in fired)),
        unjudged=unjudged(book, skipped, run, verdict),
        # The table is about PPO.
        table=fill_in(case, codes, verdict) if run.curves and run.algorithm in ("", "ppo") else (),
        facts={
            "same_recipe": matched.same_recipe,
            "algorithm": run.algorithm,
            "step_axis": run.step_axis,
            "tags_known": run.tags_known[0],
            "tags_logged": run.tags_known[1],
            "unknown_tags": list(run.unknown_tags[:_LISTED_TAGS]),
            **_folder(matched),
        },
        suppressed=context.suppressed(case),
        adjusted=context.adjusted,
    )


def _folder(matched: Match) -> dict[str, Json]:
    """Return the folder of a reference that is not shipped, for those who draw its bands."""
    if matched.reference is None or matched.reference.recipe.name in references.names():
        return {}
    return {"reference_folder": str(matched.reference.folder)}


def _diagnoses(
    book: Rulebook, ranked: Sequence[Ranked], fired: Collection[str], matched: Match, case: Case, verdict: Verdict
) -> tuple[RankedDiagnosis, ...]:
    """Return the causes worth naming, and the conditions that have no probability (slow, mixed, short, missing).

    What makes the curves themselves doubtful comes first: causes read from mixed or short curves are less certain.
    """
    conditions = {rule.name: _condition(rule, fired) for rule in book.diagnoses.values() if not rule.ranked}
    first = [_MIXED] if any(found.code == MIXED_RUNS for found in case.run.findings) else []
    if verdict is Verdict.UNJUDGED:
        short = not is_foreign(case.run) and (is_short(case) or "episode_return" in case.curves)
        return tuple(conditions[name] for name in first or [_SHORT if short else _MISSING])
    causes = [item for item in ranked if verdict is Verdict.HEALTHY or item.rule.name != HEALTHY]
    others = [item for name, item in conditions.items() if item.evidence_for and name not in first]
    named = [_cause(item, matched, case.run) for item in causes[:_SHOWN_CAUSES]]
    return (*(conditions[name] for name in first), *named, *others)


def _condition(rule: DiagnosisRule, fired: Collection[str]) -> RankedDiagnosis:
    """Return a diagnosis that has no probability: its hallmarks show or they do not."""
    shown = tuple(code for code in rule.hallmarks if code in fired)
    return RankedDiagnosis(rule.name, rule.title, 1.0, shown, (), rule.remedy, rule.next_test)


def _cause(item: Ranked, matched: Match, run: Run) -> RankedDiagnosis:
    rule = item.rule
    return RankedDiagnosis(
        name=rule.name,
        title=rule.title,
        probability=round(item.probability, 4),
        evidence_for=item.evidence_for[:6],
        evidence_against=item.evidence_against[:4],
        remedy=concrete(rule, matched, run),
        next_test=rule.next_test,
    )
