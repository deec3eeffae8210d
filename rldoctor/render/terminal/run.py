"""The part of the terminal report that is about training runs: one, several, or an overview of very many."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from rldoctor.model import OverviewResult, RankedDiagnosis, RunDiagnosis, Verdict
from rldoctor.render.overview_tables import command_for, tables
from rldoctor.render.terminal.findings import print_findings
from rldoctor.render.terminal.marks import VERDICT_STYLE, View, mark, put, shortened, sparkline
from rldoctor.render.wording import below_what_is_shared, counted, likelihood, named, number, odds, one_line

# Diagnoses below this share of the odds are noise for a reader; --verbose shows them all.
_SHOWN_FROM = 0.05
_MOST_CAUSES = 3
_HEALTHY = RankedDiagnosis("healthy", "nothing is wrong", 0.0)
_SHORTEST_NAME = 16
# Columns of a terminal that shows the final return of each run too.
_WIDE = 100
# Of the worst of very many runs.
_WORST = 10


def print_overview(console: Console, runs: Sequence[RunDiagnosis]) -> None:
    """Print one line a run, in the order given; paths below the folder that all of them share."""
    headings = ["verdict", "run", "steps", *(["final return"] if console.width >= _WIDE else []), "leading cause"]
    rows = []
    for run, name in zip(runs, below_what_is_shared([run.path for run in runs]), strict=True):
        leading = run.diagnoses[0] if run.diagnoses else None
        cause = one_line(named(leading)) if leading else ""
        returned = "" if run.final_return is None else number(run.final_return)
        rows.append([run.verdict.value, one_line(name), f"{run.steps:,}", *([returned] * (len(headings) - 4)), cause])
    # The names of runs give way to what is said of them; what tells runs apart mostly stands at a name's end.
    rest = sum(max(len(row[place]) for row in [headings, *rows]) + 2 for place in range(len(headings)) if place != 1)
    width = max(_SHORTEST_NAME, console.width - 4 - rest)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=True, justify="right" if 1 < place < len(headings) - 1 else "left")
    for verdict, name, *others in rows:
        style = VERDICT_STYLE[Verdict(verdict)]
        table.add_row(Text(verdict, style), Text(shortened(console, name, width, 0)), *map(Text, others))
    put(console, table, above=1)


def print_counts(console: Console, overview: OverviewResult, view: View) -> None:
    """Print the tables of an overview, and how to see the rest."""
    for found in tables(overview, None if view.verbose else _WORST):
        put(console, Text(found.title, "bold"), above=1)
        put(console, _counts_table(console, found.headings, found.rows))
    if overview.failed:
        words = f"{counted(overview.failed, 'run')} could not be judged because rldoctor failed: see failed"
        put(console, Text(one_line(f"{words}, {command_for(overview, 'failed')}"), "cyan"), above=1)
    if overview.place:
        command = command_for(overview, 'verdict == "sick"')
        put(console, Text(one_line(f"Every run is in {overview.place}: {command}"), "dim"), above=1)


def _counts_table(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    # The longest texts are names of runs, which give way to the numbers.
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [list(headings), *cells]) for place in range(len(headings))]
    longest = widths.index(max(widths))
    room = max(_SHORTEST_NAME, console.width - 4 - sum(width + 2 for i, width in enumerate(widths) if i != longest))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        is_number = all(cell[place][:1] in "-0123456789" for cell in cells)
        table.add_column(heading, no_wrap=True, justify="right" if is_number else "left")
    verdicts = {verdict.value: style for verdict, style in VERDICT_STYLE.items() if verdict in Verdict}
    for row in cells:
        texts = [shortened(console, cell, room, 0) if i == longest else cell for i, cell in enumerate(row)]
        table.add_row(*(Text(text, verdicts.get(text, "")) for text in texts))
    return table


def print_run(console: Console, run: RunDiagnosis, view: View) -> None:
    """Print the run's key metrics and findings, the curve that best shows the leading cause, then the likely causes."""
    if run.table:
        put(console, _table(console, run))
    # What to change is said by the likely causes; each sign's own remedy is detail.
    print_findings(console, run.findings, remedies=view.verbose, notes=view.verbose)
    if view.details is not None and run.verdict is not Verdict.HEALTHY:
        # Late: it needs numpy, which a healthy run's report does not.
        from rldoctor.render.terminal.chart import draw

        drawn = draw(console, run, view.details())
        if drawn is not None:
            put(console, drawn, above=1)
    _print_diagnoses(console, run, view.verbose)


def _print_diagnoses(console: Console, run: RunDiagnosis, verbose: bool) -> None:
    """Print the likely causes, of a suspect run beside health, and then the conditions, apart from them."""
    causes = [diagnosis for diagnosis in run.diagnoses if not diagnosis.condition]
    # Of a healthy run, causes are not worth a line: nothing is to be done about them.
    most = 1 if run.verdict is Verdict.HEALTHY else _MOST_CAUSES
    least = 1 if causes[:1] == list(run.diagnoses[:1]) else 0
    shown = [d for i, d in enumerate(causes[:most]) if i < least or d.probability >= _SHOWN_FROM]
    shown = causes if verbose else shown
    for diagnosis in shown:
        put(console, _diagnosis(diagnosis), above=1)
    if run.verdict is Verdict.SUSPECT and run.health is not None and shown:
        put(console, _likely(_HEALTHY, likelihood(run.health)), above=1)
    for place, condition in enumerate(run.diagnoses):
        if condition.condition:
            # Beside the causes a word is enough: its sign is among the findings.
            put(console, _diagnosis(condition) if verbose or not place else _likely(condition, "also"), above=1)
    if run.tied:
        tie = f"{' and '.join(run.tied)}: nothing at hand tells them apart; see the tests above"
        put(console, Text.assemble(("  tie   ", "bold"), one_line(tie)), above=1)
    if run.witnesses and (verbose or run.verdict is not Verdict.HEALTHY):
        put(console, _witnesses(run), above=1)
    if run.diagnoses:
        console.print()


def _witnesses(run: RunDiagnosis) -> RenderableType:
    """Return what was examined and what it said; of what was not at hand, what would add it."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for heading in ("witness", "examined", "said"):
        table.add_column(heading, overflow="fold")
    for witness in run.witnesses:
        said = witness.said if witness.examined else f"to add it: {witness.command}"
        style = "" if witness.examined else "dim"
        cells = (witness.name, witness.examined or witness.said, said)
        table.add_row(*(Text(one_line(cell), style=style) for cell in cells))
    return table


def _table(console: Console, run: RunDiagnosis) -> RenderableType:
    # In a narrow terminal the drawn curve goes first, then the expected range.
    wide = console.width >= 72
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("metric", no_wrap=True)
    if wide:
        table.add_column("expected", overflow="fold", max_width=24)
    table.add_column("seen", overflow="fold")
    if wide:
        table.add_column("curve", no_wrap=True)
    for row in run.table:
        cells: list[RenderableType] = [
            mark(console, "note" if row.mark == "ok" and row.why else row.mark),
            Text(one_line(row.metric)),
        ]
        if wide:
            cells.append(Text(one_line(row.expected), style="dim"))
        cells.append(Text(one_line(row.seen if console.width >= _WIDE else row.seen.removeprefix("median "))))
        if wide:
            cells.append(Text(sparkline(console, row.values), style="cyan"))
        table.add_row(*cells)
    words: dict[str, list[str]] = {}
    for row in run.table:
        if row.why:
            words.setdefault(row.why, []).append(row.metric)
    grid = Table.grid()
    grid.add_row(table)
    for why, metrics in words.items():
        grid.add_row(Text(one_line(f"{', '.join(metrics)}: {why}"), style="dim"))
    return grid


def _likely(diagnosis: RankedDiagnosis, beside: str) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=8)
    grid.add_column(ratio=1, overflow="fold")
    title = Text.assemble((one_line(diagnosis.name), "bold"), "  ", one_line(diagnosis.title))
    grid.add_row(Text(beside.rjust(5), style="bold"), title)
    return grid


def _diagnosis(diagnosis: RankedDiagnosis) -> RenderableType:
    grid = _likely(diagnosis, odds(diagnosis))
    if diagnosis.name == "healthy":
        return grid
    if diagnosis.evidence_for:
        against = f"   against: {', '.join(diagnosis.evidence_against)}" if diagnosis.evidence_against else ""
        evidence = one_line(f"{', '.join(diagnosis.evidence_for)}{against}")
        grid.add_row(Text("evidence", style="dim"), Text(evidence, style="dim"))
    if diagnosis.remedy:
        grid.add_row(Text("fix", style="green"), Text(one_line(diagnosis.remedy)))
    if diagnosis.next_test:
        grid.add_row(Text("test", style="cyan"), Text(one_line(diagnosis.next_test)))
    return grid
