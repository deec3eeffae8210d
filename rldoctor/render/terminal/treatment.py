"""The part of the terminal report that is about a treatment: what was tried, before and after, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rldoctor.model import Instruction, Json, Treatment, TreatmentOutcome, TrialState
from rldoctor.render.wording import clean, mark, number, sparkline

STYLE: Mapping[TreatmentOutcome, str] = {
    TreatmentOutcome.NOTHING_TO_DO: "bold green",
    TreatmentOutcome.CURED: "bold green",
    TreatmentOutcome.IMPROVED: "bold yellow",
    TreatmentOutcome.UNPROVEN: "bold yellow",
    TreatmentOutcome.NOT_CURED: "bold red",
    TreatmentOutcome.INSTRUCTED: "bold red",
    TreatmentOutcome.PLANNED: "bold cyan",
}
_STATES = {TrialState.WELL: "ok", TrialState.SICK: "bad", TrialState.UNDECIDED: "odd"}
_CURVE_POINTS = 40
# Beyond so many, or below such a share of the first one's probability, an instruction is hardly worth a reader's time;
# --verbose brings the rest.
_INSTRUCTIONS, _LEAST = 2, 0.1
_TESTED = {"fired": "confirmed by a check just now", "passed": "not confirmed by its checks", "not-run": "not tested"}
# Where instructions are what the reader came for.
ON_YOU = (TreatmentOutcome.INSTRUCTED, TreatmentOutcome.NOT_CURED, TreatmentOutcome.IMPROVED, TreatmentOutcome.PLANNED)


def heading_of(treatment: Treatment) -> tuple[str, str]:
    """Return the word that stands in the heading, and its style."""
    return treatment.outcome.replace("-", " ").upper(), STYLE[treatment.outcome]


def print_treatment(console: Console, treatment: Treatment, verbose: bool) -> None:
    """Print what was tried round by round, the outcome before and after, how sure that is, and what comes next."""
    for note in treatment.notes:
        _indented(console, Text(clean(note), style="dim"))
    if treatment.outcome is TreatmentOutcome.PLANNED and treatment.remedies:
        _print_plan(console, treatment)
    if treatment.trials:
        _print_trials(console, treatment)
        _print_curves(console, treatment)
    if treatment.sureness and treatment.outcome is not TreatmentOutcome.NOTHING_TO_DO:
        word = "How sure: " if treatment.chance is not None else "What is left: "
        _indented(console, Text.assemble((word, "bold"), clean(treatment.sureness)), above=1)
    if treatment.outcome in ON_YOU and not (treatment.outcome is TreatmentOutcome.PLANNED and treatment.remedies):
        _print_instructions(console, treatment.instructions if verbose else _worth_a_look(treatment.instructions))
    if treatment.recipe:
        what = "the whole training, by the cured recipe; then rldoctor evaluate and rldoctor gate"
        _indented(console, Text.assemble(("Next: ", "bold"), what), above=1)
        # To be copied: the line is broken by the terminal alone.
        console.print(
            f"  rldoctor train --recipe {clean(treatment.recipe)}", soft_wrap=True, markup=False, highlight=False
        )


def changes_in_words(changes: Mapping[str, Json]) -> str:
    """Return ``gamma 0 -> 0.98``, a setting behind the other."""
    return ", ".join(f"{key} {_value(pair, 'from')} -> {_value(pair, 'to')}" for key, pair in changes.items())


def _value(pair: Json, key: str) -> str:
    value = pair.get(key) if isinstance(pair, Mapping) else None
    return f"{value:g}" if isinstance(value, float) else str(value)


def _print_plan(console: Console, treatment: Treatment) -> None:
    table = Table.grid(padding=(0, 2))
    for place, remedy in enumerate(treatment.remedies, 1):
        why = ", ".join(remedy.diagnoses) or "back to the reference altogether"
        table.add_row(
            Text(f"round {place}", style="dim"), Text(changes_in_words(remedy.changes)), Text(why, style="dim")
        )
    _indented(console, table, above=1)


def _print_trials(console: Console, treatment: Treatment) -> None:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for trial in treatment.trials:
        what = f"round {trial.round}" if trial.role == "remedy" else trial.role
        share = f"{trial.steps:,} steps, {trial.steps / max(trial.planned, 1):.0%} of a whole training"
        line = Text.assemble((clean(trial.name), "bold"), ("  " + share, "dim"), f"\n{clean(trial.why)}")
        # A sick control is as it should be, and a probe only tells rivals apart.
        kind = "note" if trial.role != "remedy" and trial.state is not TrialState.WELL else _STATES[trial.state]
        table.add_row(mark(console, kind), Text(what, style="dim"), line)
    _indented(console, table, above=1)


def _print_curves(console: Console, treatment: Treatment) -> None:
    """Draw the outcomes as small bars on one scale, as long as they were trained."""
    rows = list(curves_of(treatment))
    values = [value for _, _, _, curve in rows for value in curve]
    longest = max((steps[-1] for _, _, steps, _ in rows if steps), default=0)
    if not values or not longest:
        return
    table = Table.grid(padding=(0, 2))
    for name, _, steps, curve in rows:
        width = max(2, round(_CURVE_POINTS * steps[-1] / longest))
        shown = [curve[round(place * (len(curve) - 1) / (width - 1))] for place in range(width)]
        bars = sparkline(console, [min(values), max(values), *shown])[2:]
        ends = f"{number(curve[0])} -> {number(curve[-1])}"
        table.add_row(Text(clean(name), style="dim"), Text(bars, style="cyan", no_wrap=True), Text(ends, no_wrap=True))
    metric = {"success_rate": "success in training", "episode_return": "return in training"}.get(rows[0][1], rows[0][1])
    _indented(console, Text(f"{metric}, on one scale", style="dim"), above=1)
    _indented(console, table)


def curves_of(treatment: Treatment) -> Iterator[tuple[str, str, Sequence[float], Sequence[float]]]:
    """Yield name, metric, steps and values of each curve that can be drawn."""
    for name, curve in treatment.curves.items():
        if not isinstance(curve, Mapping):
            continue
        steps, values = curve.get("steps"), curve.get("values")
        if isinstance(steps, (list, tuple)) and isinstance(values, (list, tuple)) and len(values) == len(steps) > 0:
            numbers = [float(v) if isinstance(v, (int, float)) else float("nan") for v in values]
            yield name, str(curve.get("metric")), [float(s) for s in steps if isinstance(s, (int, float))], numbers


def _worth_a_look(instructions: Sequence[Instruction]) -> Sequence[Instruction]:
    least = _LEAST * instructions[0].probability if instructions else 0.0
    return [one for one in instructions[:_INSTRUCTIONS] if one.probability >= least or one.tested == "fired"]


def _print_instructions(console: Console, instructions: Sequence[Instruction]) -> None:
    if not instructions:
        return
    _indented(console, Text("What is yours to do: rldoctor changes no environment and no code", style="dim"), above=1)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for place, one in enumerate(instructions, 1):
        tested = f"; {_TESTED[one.tested]}" if one.tested in _TESTED else ""
        table.add_row(
            f"{place}.",
            Text.assemble((one.diagnosis, "bold"), (f"  {one.probability:.0%}{tested}", "dim"), f"\n{clean(one.text)}"),
        )
        if one.confirmed_by:
            table.add_row("", Text(f"Confirm: rldoctor preflight --select {','.join(one.confirmed_by)}", style="cyan"))
    _indented(console, table)


def _indented(console: Console, what: Text | Table, above: int = 0) -> None:
    console.print(Padding(what, (above, 0, 0, 2)))
