"""``rldoctor faults``: list the laboratory's faults, train with one, or pack recorded runs for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import need_training_packages
from rldoctor.cli.options import RUNS, pairs
from rldoctor.errors import UsageError

faults = typer.Typer(
    help="The fault laboratory: trainings broken on purpose, to test the doctor on.", no_args_is_help=True
)


@faults.command("list")
def list_() -> None:
    """List the faults with their severities and the diagnoses that would be right."""
    need_training_packages("faults")
    from rldoctor.experiments.faults import all_faults

    for fault in all_faults():
        severities = ", ".join(f"{word} {knob:g}" for word, knob in fault.severities.items())
        right = ", ".join(fault.diagnoses) or "none: PPO copes with it"
        typer.echo(f"{fault.name}\n  {fault.breaks}\n  severities: {severities}\n  right: {right}")


@faults.command("run")
def run(
    name: Annotated[str, typer.Argument(help="The fault's name, or none for a healthy run.")],
    severity: Annotated[
        str | None, typer.Option("--severity", help="One of its severities. [default: the strongest]")
    ] = None,
    reference: options.Reference = "quick",
    seed: options.Seed = 0,
    set_: options.Set = None,
    runs: options.Runs = RUNS,
) -> None:
    """Train a reference's recipe with a fault in it, or healthy ("none")."""
    need_training_packages("faults")
    from rldoctor.cli.progress import bars
    from rldoctor.experiments.faults import find, train_with_fault
    from rldoctor.references import load_trainable
    from rldoctor.run_directory import create, removed_if_empty

    fault, recipe = None if name == "none" else find(name), load_trainable(reference).with_overrides(pairs(set_))
    if fault is None and severity is not None:
        raise UsageError("A healthy run has no severity.", "Leave --severity out.")
    chosen = severity or (list(fault.severities)[-1] if fault else "")
    if fault:
        fault.knob(chosen)
    label = f"{fault.name}-{chosen}" if fault else "none"
    directory = create(runs / "faults" / recipe.name / f"{label}-{seed}")
    with bars() as bar, removed_if_empty(directory):
        train_with_fault(recipe, fault, chosen, directory, seed, bar("train", recipe.total_steps))
    typer.echo(f"{directory}\nNext: rldoctor diagnose {directory}")


@faults.command("export")
def export(
    recorded: Annotated[Path, typer.Argument(help="A folder of runs that rldoctor faults run recorded.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The archive to write.")] = Path("faults.zip"),
) -> None:
    """Pack recorded runs, with labels, splits, a data card and a scorer, to measure any diagnosing tool with."""
    need_training_packages("faults")
    from collections import Counter

    from rldoctor.experiments import fault_archive
    from rldoctor.run_directory import require_folder_of

    require_folder_of(output)
    runs, left_out = fault_archive.sorted_runs(recorded)
    fault_archive.export(runs, output)
    kinds = Counter(run.kind for run in runs)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in ("healthy", "harmful", "harmless"))
    if left_out:
        place, reason = next(iter(left_out.items()))
        more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
        typer.echo(f"Note: left out, because nothing is known of them: {place} ({reason}){more}.", err=True)
    typer.echo(
        f"{output}: {len(runs)} runs ({counts})\nNext: unzip it; README.md describes it, score.py scores answers."
    )
