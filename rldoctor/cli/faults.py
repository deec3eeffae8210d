"""``rldoctor faults``: list the laboratory's faults, or run one."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli.options import RUNS, OutOption, ReferenceOption, SeedOption, SetOption, need_training_packages, words

faults = typer.Typer(
    help="The fault laboratory: trainings broken on purpose, to try the doctor on.", no_args_is_help=True
)


@faults.command("list")
def list_() -> None:
    """List the faults with their severities and the diagnoses that would be right."""
    need_training_packages("faults")
    from rldoctor.experiments.faults import all_faults

    for fault in all_faults():
        severities = ", ".join(f"{word} {knob:g}" for word, knob in fault.severities.items())
        right = ", ".join(fault.diagnoses) or "none: PPO shrugs it off"
        typer.echo(f"{fault.name}\n  {fault.breaks}\n  severities: {severities}\n  right: {right}")


@faults.command("run")
def run(
    name: Annotated[str, typer.Argument(help="The fault's name.")],
    severity: Annotated[
        str | None, typer.Option("--severity", help="One of its severities; the strongest if left out.")
    ] = None,
    reference: ReferenceOption = "quick",
    seed: SeedOption = 0,
    set_: SetOption = None,
    out: OutOption = RUNS,
) -> None:
    """Train a reference's recipe with a fault in it."""
    need_training_packages("faults")
    from rldoctor.cli.progress import bars
    from rldoctor.experiments.faults import find, train_with_fault
    from rldoctor.references import load_trainable
    from rldoctor.run_directory import create

    fault, recipe = find(name), load_trainable(reference).with_overrides(words(set_))
    chosen = severity or list(fault.severities)[-1]
    fault.knob(chosen)
    directory = create(out / "faults" / recipe.name / f"{fault.name}-{chosen}-{seed}")
    with bars() as bar:
        train_with_fault(recipe, fault, chosen, directory, seed, bar("train", recipe.total_steps))
    typer.echo(f"{directory}\nNext: rldoctor diagnose {directory}")
