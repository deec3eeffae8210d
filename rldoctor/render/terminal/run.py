"""The part of the terminal report that is about training runs: the chapter's table and the ranked diagnoses."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rldoctor.model import RankedDiagnosis, RunDiagnosis, Verdict
from rldoctor.render.wording import VERDICT_STYLE, mark, one_line, shortened, sparkline

# Diagnoses below this share of the odds are noise for a reader; --verbose shows them all.
_SHOWN_FROM = 0.05
_SHORTEST_NAME = 16


def overview(console: Console, runs: Sequence[RunDiagnosis]) -> RenderableType:
    """Return one line a run, in the order given; paths below the folder that all of them share."""
    rows = []
    for run, name in zip(runs, _below_what_is_shared([run.path for run in runs]), strict=True):
        leading = run.diagnoses[0] if run.diagnoses else None
        cause = f"{one_line(leading.name)} ({leading.probability:.0%})" if leading else ""
        rows.append((run.verdict, one_line(name), f"{run.steps:,} steps", cause))
    # The names of runs give way to what is said of them; what tells runs apart mostly stands at a name's end.
    rest = sum(max(len(row[column]) for row in rows) + 2 for column in (0, 2, 3))
    width = max(_SHORTEST_NAME, console.width - 4 - rest)
    table = Table.grid(padding=(0, 2))
    for verdict, name, steps, cause in rows:
        table.add_row(
            Text(verdict, style=VERDICT_STYLE[verdict]),
            Text(shortened(console, name, width), no_wrap=True),
            Text(steps, style="dim", justify="right", no_wrap=True),
            Text(cause, no_wrap=True),
        )
    return Padding(table, (1, 0, 0, 2))


def _below_what_is_shared(paths: Sequence[str]) -> Sequence[str]:
    """Return paths as they are called below the folder that all of them share; as they are where they share none."""
    try:
        shared = os.path.commonpath(paths)
    except ValueError:  # absolute ones beside relative ones, or beside addresses of object stores
        return paths
    return [os.path.relpath(path, shared) for path in paths] if shared else paths


def print_run(console: Console, subject: RunDiagnosis, verbose: bool, chart: bool = True) -> None:
    """Print the chapter's table for this patient, then the leading diagnoses with evidence, remedy and next test.

    With ``chart`` the curve that speaks for the leading diagnosis is drawn between them.
    """
    if subject.table:
        console.print(Padding(_table(console, subject), (0, 0, 0, 2)))
    if chart and subject.verdict is not Verdict.HEALTHY:
        # Late: it needs numpy, which a gate's report does not.
        from rldoctor.render.terminal.chart import draw

        drawn = draw(console, subject)
    else:
        drawn = None
    if drawn is not None:
        console.print(Padding(drawn, (1, 0, 0, 2)))
    shown = [d for i, d in enumerate(subject.diagnoses) if verbose or i == 0 or d.probability >= _SHOWN_FROM]
    for diagnosis in shown if verbose else shown[:3]:
        console.print(Padding(_diagnosis(console, diagnosis), (1, 0, 0, 2)))
    if shown:
        console.print()


def _table(console: Console, subject: RunDiagnosis) -> RenderableType:
    # In a narrow terminal the drawn curve is the first thing to go, then the chapter's words.
    wide = console.width >= 72
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("metric", no_wrap=True)
    if wide:
        table.add_column("expected", overflow="fold", max_width=24)
    table.add_column("seen", overflow="fold")
    if wide:
        table.add_column("curve", no_wrap=True)
    for row in subject.table:
        cells: list[RenderableType] = [mark(console, row.mark), Text(one_line(row.metric))]
        if wide:
            cells.append(Text(one_line(row.expected), style="dim"))
        cells.append(Text(one_line(row.seen)))
        if wide:
            cells.append(Text(sparkline(console, row.values), style="cyan"))
        table.add_row(*cells)
    words: dict[str, list[str]] = {}
    for row in subject.table:
        if row.why:
            words.setdefault(row.why, []).append(row.metric)
    grid = Table.grid()
    grid.add_row(table)
    for why, metrics in words.items():
        grid.add_row(Text(one_line(f"{', '.join(metrics)}: {why}"), style="dim"))
    return grid


def _diagnosis(console: Console, diagnosis: RankedDiagnosis) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=8)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(
        Text(f"{diagnosis.probability:.0%}".rjust(5), style="bold"),
        Text.assemble((one_line(diagnosis.name), "bold"), "  ", one_line(diagnosis.title)),
    )
    if diagnosis.name == "healthy":
        return grid
    if diagnosis.evidence_for:
        against = f"   against: {', '.join(diagnosis.evidence_against)}" if diagnosis.evidence_against else ""
        grid.add_row(
            Text("for", style="dim"), Text(one_line(f"{', '.join(diagnosis.evidence_for)}{against}"), style="dim")
        )
    if diagnosis.remedy:
        grid.add_row(Text("fix", style="green"), Text(one_line(diagnosis.remedy)))
    if diagnosis.next_test:
        grid.add_row(Text("test", style="cyan"), Text(one_line(diagnosis.next_test)))
    del console
    return grid
