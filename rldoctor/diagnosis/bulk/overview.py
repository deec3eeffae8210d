"""The report of very many runs: an overview, and the worst and typical runs in full."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from rldoctor.diagnosis.bulk.store import Results
from rldoctor.diagnosis.bulk.summary import COLUMNS, Key, Seen, Summary, merged, summary_of, typical
from rldoctor.diagnosis.bulk.where import expression_of
from rldoctor.diagnosis.report import Report
from rldoctor.errors import CannotJudge
from rldoctor.logs.remote import fetch, is_remote
from rldoctor.model import GroupCounts, OverviewResult, RunDiagnosis, Verdict, exit_code_of, worst
from rldoctor.model.report_json import read_subject

# Up to so many runs all are shown in full, as a report without an overview does.
_ALL_IN_FULL = 100
# Beyond that so many of the worst, and a typical one of so many causes. Ours: a page of some 3 MB.
_WORST_IN_FULL, _TYPICAL = 20, 20
# Groups of a table; the others are one line.
_GROUPS = 30
# Verdicts in the order in which a cause's typical run is looked for.
_ORDER = (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED)


def summary_where(results: Results, where: str = "") -> Summary:
    """Return the summary of the rows that an expression selects; of all by default.

    Raises:
        UsageError: It is no expression, or names a column that there is not.
        CannotJudge: No row fits, or the results are damaged.
    """
    chosen = expression_of(where, results.schema, results.name) if where else None
    try:
        found = merged(summary_of(table, part) for part, table in results.tables(COLUMNS, chosen))
    except (TypeError, ValueError) as error:
        # A missing verdict, or a word that is none.
        raise CannotJudge(f"{results.name} holds damaged results: {error}.", "Diagnose the runs again.") from None
    if not found.total:
        raise CannotJudge(
            f"No run of {results.name} fits {where}." if where else f"{results.name} holds no run.",
            f"All of them: rldoctor show {results.name}" if where else "Name the results of other runs.",
        )
    return found


def report_of(
    summary: Summary, results: Results, where: str = "", fail_on: Verdict = Verdict.SICK, command: str = "diagnose"
) -> Report:
    """Return the report of the runs that are summed up: an overview, and some of them in full. All, if they are few.

    Args:
        summary: Of the runs.
        results: Holds all of them.
        where: The expression that selected them.
        fail_on: The mildest verdict for which the exit code is 1.
        command: The word of the command.

    Raises:
        CannotJudge: The results are damaged.
    """
    verdicts = {Verdict(key[0]) for key in summary.counts}
    if summary.total <= _ALL_IN_FULL:
        runs = _in_full((entry[1] for entry in summary.worst), results)
        ranks = {entry[1].line.path: entry[0][0] for entry in summary.worst}
        # As a report of these runs alone has them.
        runs.sort(key=lambda run: (ranks.get(run.path, 0), Path(run.path).parts))
        return Report(command, tuple(runs), worst(verdicts), exit_code_of(verdicts, fail_on), fail_on)
    overview, typical_ones = _overview(summary, results.name, where, worst(verdicts))
    bad = [entry[1] for entry in summary.worst if entry[1].line.verdict is not Verdict.HEALTHY]
    shown = {seen.line.path: seen for seen in [*bad[:_WORST_IN_FULL], *typical_ones]}
    full = _in_full(shown.values(), results)
    _fetch_logs(full)
    return Report(command, (overview, *full), worst(verdicts), exit_code_of(verdicts, fail_on), fail_on)


def _overview(summary: Summary, place: str, where: str, verdict: Verdict) -> tuple[OverviewResult, list[Seen]]:
    """Return the overview, and the typical runs that it names."""
    cause_counts = Counter({key: count for key, count in summary.counts.items() if key[0] != Verdict.HEALTHY})
    picked = {(verdict, cause): typical(sample) for (verdict, cause), sample in summary.samples.items()}

    def typical_of(cause: str) -> Seen | None:
        return next((one for v in _ORDER if (one := picked.get((v.value, cause)))), None)

    causes = _grouped(cause_counts, 1)
    typical_ones = [seen for group in causes[:_TYPICAL] if (seen := typical_of(group.name))]
    healthy = max(
        ((kind, len(sample)) for kind, sample in summary.samples.items() if kind[0] == Verdict.HEALTHY.value),
        key=lambda pair: (sum(n for key, n in summary.counts.items() if key[:2] == pair[0]), pair[0]),
        default=None,
    )
    if healthy and (seen := picked[healthy[0]]):
        typical_ones.append(seen)
    named = {seen.line.cause: seen.line.path for seen in typical_ones if seen.line.verdict is not Verdict.HEALTHY}
    folders = _grouped(summary.counts, 3)
    overview = OverviewResult(
        place,
        verdict,
        title=f"{summary.total:,} runs{f' where {where}' if where else ''}",
        place=place,
        where=where,
        total=summary.total,
        counts=_counted("", summary.counts.items()),
        environments=_shortened(_grouped(summary.counts, 2)),
        # Where every run has a folder of its own, folders are no groups.
        folders=_shortened(folders) if 1 < len(folders) <= summary.total / 2 else (),
        causes=tuple(
            GroupCounts(g.name, g.total, g.sick, g.suspect, g.unjudged, g.healthy, named.get(g.name, ""))
            for g in _shortened(causes)
        ),
        worst=tuple(entry[1].line for entry in summary.worst if entry[1].line.verdict is not Verdict.HEALTHY),
        failed=summary.failed,
    )
    return overview, typical_ones


def _grouped(counts: Counter[Key], place: int) -> list[GroupCounts]:
    """Return the counts by one part of their key, the most runs that are not well first."""
    groups: dict[str, list[tuple[Key, int]]] = defaultdict(list)
    for key, count in counts.items():
        groups[key[place]].append((key, count))
    found = [_counted(name, entries) for name, entries in groups.items()]
    return sorted(found, key=lambda one: (-one.sick, -one.suspect, -one.unjudged, -one.total, one.name))


def _counted(name: str, entries: Iterable[tuple[Key, int]]) -> GroupCounts:
    counts: Counter[str] = Counter()
    for key, count in entries:
        counts[key[0]] += count
    sick, suspect, unjudged, healthy = (counts[verdict.value] for verdict in (*_ORDER, Verdict.HEALTHY))
    return GroupCounts(name, counts.total(), sick, suspect, unjudged, healthy)


def _shortened(groups: list[GroupCounts]) -> tuple[GroupCounts, ...]:
    """Return the first groups, and one line for all others."""
    if len(groups) <= _GROUPS:
        return tuple(groups)
    rest = groups[_GROUPS:]
    total, sick, suspect, unjudged, healthy = (
        sum(getattr(one, key) for one in rest) for key in ("total", "sick", "suspect", "unjudged", "healthy")
    )
    return (*groups[:_GROUPS], GroupCounts(f"{len(rest):,} others", total, sick, suspect, unjudged, healthy))


def _in_full(chosen: Iterable[Seen], results: Results) -> list[RunDiagnosis]:
    """Return runs with all that was found of them, in their order."""
    seen = list(chosen)
    by_part: dict[str, list[str]] = defaultdict(list)
    for one in seen:
        by_part[one.part].append(one.line.path)
    texts = {(part, path): text for part, paths in by_part.items() for path, text in results.rows(part, paths).items()}
    runs = []
    for one in seen:
        try:
            run = read_subject(json.loads(texts[one.part, one.line.path]))
        except (KeyError, TypeError, ValueError, RecursionError, msgspec.ValidationError) as error:
            raise CannotJudge(
                f"{results.name} holds damaged results: {error}.", "Diagnose the runs again with --parquet."
            ) from None
        if not isinstance(run, RunDiagnosis):
            raise CannotJudge(f"{results.name} holds a subject that is no run.", "Diagnose the runs again.")
        runs.append(run)
    return runs


def _fetch_logs(runs: Iterable[RunDiagnosis]) -> None:
    """Bring the logs of the runs that are shown in full here, so that their curves can be drawn."""
    for run in runs:
        if is_remote(run.path):
            fetch(run.path)
