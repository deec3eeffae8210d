"""``rldoctor record``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, need_training_packages
from rldoctor.cli.options import RUNS
from rldoctor.errors import UsageError

if TYPE_CHECKING:
    from rldoctor.config import Config


def record(
    reference: Annotated[
        str | None, typer.Argument(help="Name or folder of a reference with a recipe.toml, to be trained.")
    ] = None,
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds, such as 0-19 or 1,2,5.")] = "0-19",
    runs: options.Runs = RUNS,
    jobs: options.Jobs = None,
    from_: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Train nothing: make your own reference from these good runs."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Its name, such as my_env/mine (with --from).")] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that collects references (with --from).")] = Path(
        "reference_curves"
    ),
    env: options.LoggedEnv = None,
    framework: options.Framework = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
) -> None:
    """Record a reference: the bands of healthy curves, from many seeds of its recipe or from your own good runs."""
    if (reference is None) == (not from_):
        raise UsageError(
            "A reference is recorded by training its recipe, or from runs.",
            "Name a reference, or give --from RUNS --name NAME.",
        )
    if from_:
        folder = _record_existing(
            from_, name, out, env, framework, configured(config, isolated, follow_references=False)
        )
        if not _is_known(folder, config, isolated):
            typer.echo(f'To compare runs with it, add to rldoctor.toml: references = ["{out}"]')
    else:
        _train_and_record(str(reference), seeds, runs, jobs, configured(config, isolated))


def _record_existing(
    runs: Sequence[Path], name: str | None, out: Path, env: str | None, framework: str | None, config: Config
) -> Path:
    from rldoctor.logs.frameworks import own_tag_mappings
    from rldoctor.recording.from_runs import RecordingSpec, record_existing

    if not name:
        raise UsageError("The new reference has no name.", "Give it one with --name, such as my_env/mine.")
    made = record_existing(runs, RecordingSpec(name, out, env, framework, own_tag_mappings(config.rules)))
    for run in made.left_out:
        typer.echo(f"{run} does not pass its recipe's criteria and is left out: rldoctor gate {run}")
    for run, cause in made.doubtful.items():
        typer.echo(f"{run} is included although its diagnosis is sick ({cause}): make sure that it is a good run.")
    typer.echo(f"Written: {made.folder}, {name} from {made.runs} runs on {made.recipe.env}")
    if made.recipe.partial:
        known = ", ".join(key for key in made.recipe.hyperparameters if not key.endswith("_schedule")) or "none"
        typer.echo(f"Settings found in the logs: {known}. Add others to its recipe.toml.")
    return made.folder


def _is_known(folder: Path, config: Path | None, isolated: bool) -> bool:
    try:
        return folder.resolve() in [known.resolve() for known in configured(config, isolated).references]
    except UsageError:
        # Another reference is missing: the commands that need it report that.
        return False


def _train_and_record(reference: str, seeds: str, runs: Path, jobs: int | None, config: Config) -> None:
    need_training_packages("record")
    from rldoctor.cli.progress import sweep_bars
    from rldoctor.errors import TrainingFailed
    from rldoctor.executors.local import LocalExecutor
    from rldoctor.experiments.sweep.dispatch import run_trials, unfinished
    from rldoctor.experiments.sweep.job import PRELOAD
    from rldoctor.experiments.sweep.plan import trials_of
    from rldoctor.experiments.sweep.spec import seeds_of
    from rldoctor.gate import judge_run
    from rldoctor.model import Verdict
    from rldoctor.recording.bands import write_bands
    from rldoctor.references import find_folder, load_trainable

    recipe = load_trainable(reference, config.references)
    trials = trials_of(recipe, seeds_of(seeds, "--seeds"), runs)
    todo = unfinished(trials)
    with sweep_bars(len(todo), len(todo) * recipe.total_steps) as observer:
        failures = run_trials(
            todo,
            LocalExecutor(jobs, PRELOAD),
            command=["rldoctor", "record", reference],
            observer=observer,
            finished=[trial for trial in trials if trial not in todo],
        )
    for trial, failure in failures.items():
        raise TrainingFailed(f"Seed {trial.seed}: {failure.problem}", failure.cure)
    directories = [trial.directory for trial in trials]
    # Only runs that pass are healthy.
    healthy = [directory for directory in directories if judge_run(directory).verdict is Verdict.HEALTHY]
    left_out = [directory for directory in directories if directory not in healthy]
    for directory in left_out:
        typer.echo(f"{directory} does not pass the recipe's criteria and is left out: rldoctor gate {directory}")
    typer.echo(f"Written: {write_bands(recipe, healthy, find_folder(reference, config.references), left_out)}")
