"""The part of the terminal report that is about a treatment: what was tried, before and after, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import Instruction, Treatment, TreatmentOutcome, TreatmentResult, TrialState
from rldoctor.render.answer import NEEDS_YOU
from rldoctor.render.terminal.marks import View, mark, put, sparkline
from rldoctor.render.wording import changes_in_words, clean, likelihood, number, role_word

_STATES = {TrialState.WELL: "ok", TrialState.SICK: "bad", TrialState.UNDECIDED: "odd"}
_CURVE_POINTS = 40
# Beyond so many, or below such a share of the first one's probability, an instruction is hardly worth a reader's time;
# --verbose brings the rest.
_INSTRUCTIONS, _LEAST = 2, 0.1
_TESTED = {"fired": "confirmed by a check just now", "passed": "not confirmed by its checks", "not-run": "not tested"}


def print_treatment(console: Console, result: TreatmentResult, view: View) -> None:
    """Print what was tried round by round, the outcome before and after, how sure that is, and what comes next."""
    treatment = result.treatment
    for note in treatment.notes:
        put(console, Text(clean(note), style="dim"))
    if treatment.outcome is TreatmentOutcome.PLANNED and treatment.remedies:
        _print_plan(console, treatment)
    if treatment.trials:
        _print_trials(console, treatment)
        _print_curves(console, treatment)
    if treatment.sureness and treatment.outcome is not TreatmentOutcome.NOTHING_TO_DO:
        word = "How sure: " if treatment.chance is not None else "What is left: "
        put(console, Text.assemble((word, "bold"), clean(treatment.sureness)), above=1)
    if treatment.outcome in NEEDS_YOU and not (treatment.outcome is TreatmentOutcome.PLANNED and treatment.remedies):
        _print_instructions(console, treatment.instructions if view.verbose else _worth_a_look(treatment.instructions))
    if treatment.recipe:
        what = "train with the cured recipe to the end, then run rldoctor evaluate and rldoctor gate"
        put(console, Text.assemble(("Next: ", "bold"), what), above=1)
        # To be copied: the line is broken by the terminal alone.
        console.print(
            f"  rldoctor train --recipe {clean(treatment.recipe)}", soft_wrap=True, markup=False, highlight=False
        )


def _print_plan(console: Console, treatment: Treatment) -> None:
    table = Table.grid(padding=(0, 2))
    for place, remedy in enumerate(treatment.remedies, 1):
        why = ", ".join(remedy.diagnoses) or "a full reset to the reference"
        table.add_row(
            Text(f"round {place}", style="dim"), Text(changes_in_words(remedy.changes)), Text(why, style="dim")
        )
    put(console, table, above=1)


def _print_trials(console: Console, treatment: Treatment) -> None:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for trial in treatment.trials:
        what = f"round {trial.round}" if trial.role == "remedy" else role_word(trial)
        share = f"{trial.steps:,} steps, {trial.steps / max(trial.planned, 1):.0%} of a whole training"
        line = Text.assemble((clean(trial.name), "bold"), ("  " + share, "dim"), f"\n{clean(trial.why)}")
        # A control is meant to stay sick, and a pilot run only separates rivals.
        kind = "note" if trial.role != "remedy" and trial.state is not TrialState.WELL else _STATES[trial.state]
        table.add_row(mark(console, kind), Text(what, style="dim"), line)
    put(console, table, above=1)


def _print_curves(console: Console, treatment: Treatment) -> None:
    """Draw the outcomes as small bars on one scale, as long as they were trained."""
    curves = {name: curve for name, curve in treatment.curves.items() if curve.steps and curve.values}
    values = [value for curve in curves.values() for value in curve.values]
    longest = max((curve.steps[-1] for curve in curves.values()), default=0)
    if not longest:
        return
    table = Table.grid(padding=(0, 2))
    for name, curve in curves.items():
        width = max(2, round(_CURVE_POINTS * curve.steps[-1] / longest))
        shown = [curve.values[round(place * (len(curve.values) - 1) / (width - 1))] for place in range(width)]
        bars = sparkline(console, [min(values), max(values), *shown])[2:]
        ends = f"{number(curve.values[0])} -> {number(curve.values[-1])}"
        table.add_row(Text(clean(name), style="dim"), Text(bars, style="cyan", no_wrap=True), Text(ends, no_wrap=True))
    metric = next(iter(curves.values())).metric
    title = {"success_rate": "success in training", "episode_return": "return in training"}.get(metric, clean(metric))
    put(console, Text(f"{title}, on one scale", style="dim"), above=1)
    put(console, table)


def _worth_a_look(instructions: Sequence[Instruction]) -> Sequence[Instruction]:
    least = _LEAST * instructions[0].probability if instructions else 0.0
    return [one for one in instructions[:_INSTRUCTIONS] if one.probability >= least or one.tested == "fired"]


def _print_instructions(console: Console, instructions: Sequence[Instruction]) -> None:
    if not instructions:
        return
    put(console, Text("What you need to do (rldoctor changes neither environments nor code)", style="dim"), above=1)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for place, one in enumerate(instructions, 1):
        tested = f"; {_TESTED[one.tested]}" if one.tested in _TESTED else ""
        table.add_row(
            f"{place}.",
            Text.assemble(
                (one.diagnosis, "bold"), (f"  {likelihood(one.probability)}{tested}", "dim"), f"\n{clean(one.text)}"
            ),
        )
        if one.confirmed_by:
            table.add_row("", Text(f"Confirm: rldoctor preflight --select {','.join(one.confirmed_by)}", style="cyan"))
    put(console, table)
