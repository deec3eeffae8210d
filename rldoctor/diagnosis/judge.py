"""The diagnosis itself: signs are observed, causes are ranked, and the outcome decides how serious it is."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

from rldoctor import machine
from rldoctor.diagnosis.describe import finding, title, unjudged
from rldoctor.diagnosis.match import Match, match
from rldoctor.diagnosis.remedy import concrete
from rldoctor.diagnosis.table import fill_in
from rldoctor.errors import CannotJudge, RldoctorError, UsageError
from rldoctor.executors import Executor, Tell, map_jobs
from rldoctor.logs import discover, read_run
from rldoctor.logs.frameworks import find_names
from rldoctor.logs.remote import fetch, is_remote, list_runs, place_of
from rldoctor.model import RankedDiagnosis, Run, Severity, Subject, Verdict
from rldoctor.recipe import near
from rldoctor.rulebook import Case, DiagnosisRule, Rulebook, Sign, load_rulebook
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.rulebook.diagnoses import HEALTHY, Observation, Ranked, observe_all, rank

# Reading troubles that make the curves themselves doubtful (two runs in one directory).
_MIXED_RUNS = "LOG201"
_MIXED = "mixed-runs"
_SHORT = "too-short-to-judge"
_SHOWN_CAUSES = 5
_LISTED_TAGS = 20
# Strength from which a sign that is typical of one cause speaks by itself.
_FULLY = 0.95
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
) -> list[Subject]:
    """Diagnose every run at or below ``paths``, worst first.

    Args:
        paths: Directories, or addresses of object stores such as ``s3://bucket/runs``.
        reference: Hold every run against this reference instead of the one that fits it.
        select: Use only signs whose code begins with, or whose name is, one of these.
        ignore: Leave out such signs; they neither weigh in the odds nor are reported.
        processes: How many share many runs; as many as there are cores by default.
        executor: Shares the runs among its processes instead; those of object stores are fetched where they are read.
        framework: What logged the runs: a name of ``checks/names/`` or a names file; told by their tags by default.

    Raises:
        UsageError: A word of ``select`` or ``ignore`` fits no sign, a path does not exist, or the reference or the
            framework does not.
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
    # Asked for here too, so that a wrong word is one error and not one of each process.
    choose(load_rulebook(), select, ignore)
    if framework:
        find_names(framework)
    one = partial(
        _diagnose_directory, reference=reference, framework=framework, select=tuple(select), ignore=tuple(ignore)
    )
    if executor is None:
        subjects = _each(one, [Path(run) for run in found], processes or machine.cores())
    else:
        subjects = _spread(one, found, executor)
    order = (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED, Verdict.HEALTHY)
    return sorted(subjects, key=lambda subject: order.index(subject.verdict))


def _diagnose_directory(
    directory: Path, reference: str | None, framework: str | None, select: tuple[str, ...], ignore: tuple[str, ...]
) -> Subject:
    return diagnose_run(read_run(directory, framework), reference, choose(load_rulebook(), select, ignore))


def _each(one: Callable[[Path], Subject], directories: Sequence[Path], processes: int) -> list[Subject]:
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


def _spread(one: Callable[[Path], Subject], names: Sequence[str], executor: Executor) -> list[Subject]:
    """Return what ``one`` makes of each run, shared among the processes of ``executor``."""
    marked = [(name, "" if is_remote(name) else _marks(Path(name))) for name in names]
    chunks = [marked[first : first + _RUNS_A_CHUNK] for first in range(0, len(marked), _RUNS_A_CHUNK)]
    found = [
        subject for part in map_jobs(executor, _diagnose_chunk, [(one, chunk) for chunk in chunks]) for subject in part
    ]
    # A directory that another machine does not see is read on this one.
    return [one(place_of(name)) if subject is None else subject for name, subject in zip(names, found, strict=True)]


def _diagnose_chunk(
    tell: Tell, one: Callable[[Path], Subject], runs: Sequence[tuple[str, str]]
) -> list[Subject | None]:
    """Diagnose runs where this process is; ``None`` for one that is not seen from there."""
    del tell
    return [_diagnose_there(one, name, marks) for name, marks in runs]


def _diagnose_there(one: Callable[[Path], Subject], name: str, marks: str) -> Subject | None:
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


def choose(book: Rulebook, select: Sequence[str], ignore: Sequence[str]) -> Rulebook:
    """Return the rulebook with only the selected and none of the ignored signs.

    Raises:
        UsageError: A word fits no sign.
    """

    def fits(sign: Sign, words: Sequence[str]) -> bool:
        return any(sign.code.startswith(word.upper()) or sign.name == word for word in words)

    for word in (*select, *ignore):
        if not any(fits(sign, [word]) for sign in book.signs.values()):
            known = {*book.signs, *(sign.name for sign in book.signs.values())}
            raise UsageError(f"No sign has the code or name {word!r}.", near(word, known))
    kept = {
        code: sign for code, sign in book.signs.items() if (not select or fits(sign, select)) and not fits(sign, ignore)
    }
    return replace(book, signs=kept)


def diagnose_run(run: Run, reference: str | None = None, book: Rulebook | None = None) -> Subject:
    """Diagnose one run.

    Args:
        run: The run.
        reference: A reference to hold it against; by default the one that fits.
        book: The rulebook; the shipped one by default.

    Raises:
        UsageError: The reference does not exist.
    """
    book = book or load_rulebook()
    matched = match(run, reference)
    case = Case(run, matched.reference, matched.same_recipe)
    observed, unobserved = observe_all(book, case)
    strengths = {item.sign.code: item.strength for item in observed}
    ranked = rank(book, strengths, run.algorithm)
    fired = [item for item in observed if item.fires and not item.sign.reassuring]
    verdict, summary = decide(run, case, observed, ranked)
    codes = {item.sign.code for item in fired}
    return Subject(
        path=run.path,
        kind="run",
        verdict=verdict,
        title=title(run, matched, book),
        summary=summary,
        framework=run.framework,
        reference=matched.reference.recipe.name if matched.reference else "",
        reference_why=matched.why,
        steps=run.last_step,
        diagnoses=_diagnoses(book, ranked, codes, matched, run, verdict),
        findings=(*run.findings, *(finding(item, run, verdict) for item in fired)),
        unjudged=unjudged(book, unobserved, run, verdict),
        # The chapter's table is about PPO.
        table=fill_in(case, codes, verdict) if run.curves and run.algorithm in ("", "ppo") else (),
        facts={
            "same_recipe": matched.same_recipe,
            "algorithm": run.algorithm,
            "step_axis": run.step_axis,
            "tags_known": run.tags_known[0],
            "tags_logged": run.tags_known[1],
            "unknown_tags": list(run.unknown_tags[:_LISTED_TAGS]),
        },
    )


def decide(run: Run, case: Case, observed: Iterable[Observation], ranked: Sequence[Ranked]) -> tuple[Verdict, str]:
    """Return the verdict and one sentence that says how it came about.

    Causes speak through the odds, the outcome through the signs that bear on it. A cause without a harmed outcome is
    suspect, with one it is sick; health needs a fine outcome, not only silence. A sign that is typical of the leading
    cause and shows fully is worth a word even where health is likelier.
    """
    points = max((len(curve) for curve in case.curves.values()), default=0)
    fired = {item.sign.code: item for item in observed if item.fires}
    harmed = [item for item in fired.values() if item.sign.outcome == "harmed"]
    fine = [item for item in fired.values() if item.sign.outcome == "fine"]
    errors = [item for item in fired.values() if item.sign.severity is Severity.ERROR]
    health = next(item.probability for item in ranked if item.rule.name == HEALTHY)
    leading = next(item for item in ranked if item.rule.name != HEALTHY)
    if points < FEWEST_POINTS and not errors:
        return Verdict.UNJUDGED, f"Too short to judge: {points} logged points, at least {FEWEST_POINTS} are needed."
    if any(found.code == _MIXED_RUNS for found in run.findings):
        return Verdict.SUSPECT, "Several runs are mixed in this directory; the latest of them is what was read."
    marked = any(fired[code].strength >= _FULLY for code in leading.rule.typical if code in fired)
    if health < 0.5 or marked:
        if harmed or (errors and not fine):
            return Verdict.SICK, f"The outcome is harmed; the leading cause is {leading.rule.name}."
        if fine:
            return Verdict.SUSPECT, f"Signs of {leading.rule.name}, but the outcome is not harmed yet."
        return Verdict.SUSPECT, f"Signs of {leading.rule.name}; the outcome cannot be told from the logs."
    if harmed:
        worst = max(harmed, key=lambda item: item.strength)
        return Verdict.SUSPECT, f"No cause stands out, but the outcome does not look right: {worst.sign.name}."
    if fine:
        return (
            Verdict.HEALTHY,
            "The outcome is what healthy runs reach." if case.reference else "The return improves as it should.",
        )
    if "episode_return" not in case.curves:
        return Verdict.UNJUDGED, "Nothing looks wrong, but the logs do not tell what the policy achieves."
    return Verdict.UNJUDGED, "Nothing looks wrong, but the run has not shown yet that it learns."


def _diagnoses(
    book: Rulebook, ranked: Sequence[Ranked], fired: Collection[str], matched: Match, run: Run, verdict: Verdict
) -> tuple[RankedDiagnosis, ...]:
    """Return the causes worth naming, and what stands beside them (slow, mixed, short, missing).

    What makes the curves themselves doubtful comes first: causes read from mixed or short curves are second to that.
    """
    beside = {rule.name: _beside(rule, fired) for rule in book.diagnoses.values() if rule.beside}
    first = [name for name, codes in ((_MIXED, {f.code for f in run.findings} & {_MIXED_RUNS}),) if codes]
    if verdict is Verdict.UNJUDGED:
        first += [] if first else [_SHORT]
        return tuple(beside[name] for name in first)
    chosen = [item for item in ranked if verdict is Verdict.HEALTHY or item.rule.name != HEALTHY]
    causes = [_named(item, matched, run) for item in chosen[:_SHOWN_CAUSES]]
    others = [item for name, item in beside.items() if item.speaks_for and name not in first]
    return (*(beside[name] for name in first), *causes, *others)


def _beside(rule: DiagnosisRule, fired: Collection[str]) -> RankedDiagnosis:
    """Return a diagnosis that does not compete for the odds: it holds or it does not."""
    shown = tuple(code for code in rule.weights if code in fired)
    return RankedDiagnosis(rule.name, rule.title, 1.0, shown, (), rule.remedy, rule.next_test)


def _named(item: Ranked, matched: Match, run: Run) -> RankedDiagnosis:
    rule = item.rule
    return RankedDiagnosis(
        name=rule.name,
        title=rule.title,
        probability=round(item.probability, 4),
        speaks_for=item.speaks_for[:6],
        speaks_against=item.speaks_against[:4],
        remedy=concrete(rule, matched, run),
        next_test=rule.next_test,
    )
