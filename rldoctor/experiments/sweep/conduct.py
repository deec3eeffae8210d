"""A sweep from its plan to its results: what is left to do is told, done, and everything is held side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rldoctor import run_directory
from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.context import context_of
from rldoctor.diagnosis.report_files import write_file
from rldoctor.environments import registry
from rldoctor.environments.engine import require_engine
from rldoctor.errors import RldoctorError, Stopped, UsageError
from rldoctor.executors import Executor
from rldoctor.experiments.sweep import throughput
from rldoctor.experiments.sweep.plan import Plan, Trial
from rldoctor.experiments.sweep.results import results_of
from rldoctor.experiments.sweep.run import SweepObserver, run, waiting
from rldoctor.model import Report, Result


def conduct(
    plan: Plan,
    executor: Executor,
    *,
    command: Sequence[str],
    tell: Callable[[str], None],
    bars: Callable[[int, int], AbstractContextManager[SweepObserver]],
    dry_run: bool = False,
    config: Config = DEFAULTS,
) -> list[Result]:
    """Do what is left of a sweep, and compare all its trials.

    Args:
        plan: Of the sweep.
        executor: Does the trials.
        command: The command line, for each ``run.json``.
        tell: Takes the plan in words, before anything is done.
        bars: Gives the onlooker for so many trials with so many steps in all.
        dry_run: Stop once the plan is told.
        config: What the project asks of a diagnosis.

    Returns:
        The sweep itself, then its runs; nothing for a dry run.

    Raises:
        UsageError: An environment is not known, or a directory holds something else than its trial.
        Stopped: Ctrl-C; the same plan goes on where it was stopped.
    """
    for setting in plan.settings:
        registry.resolve(setting.recipe.env)
        require_engine(plan.trials[0].engine, setting.recipe.env)
    # What is wrong with the configuration is said before anything takes long.
    means = context_of(config)
    todo = waiting(plan.trials)
    for line in plan_in_words(plan, len(todo), executor.slots):
        tell(line)
    steps = sum(trial.setting.recipe.total_steps for trial in todo)
    if todo:
        tell(_foretold(plan, todo, executor))
    if dry_run:
        return []
    failures = {}
    if todo:
        known = [trial for trial in plan.trials if trial not in todo]
        try:
            _make(plan.folder)
            with run_directory.run_lock(plan.folder), bars(len(todo), steps) as onlooker:
                failures = run(todo, executor, command=command, onlooker=onlooker, known=known)
        except KeyboardInterrupt:
            raise Stopped(
                "The sweep was stopped; finished trials and checkpoints are kept.", "The same command goes on there."
            ) from None
    return results_of(plan, failures, means)


def _foretold(plan: Plan, todo: Sequence[Trial], executor: Executor) -> str:
    """Return how long it will take, in a sentence."""
    try:
        measured = throughput.measure(executor, plan.baseline.recipe, plan.trials[0].engine)
    except RldoctorError as error:
        # It may be this setting alone that cannot be trained; each trial will tell for itself.
        return f"How long it takes cannot be told: {error.problem}"
    took = throughput.seconds(measured, todo, executor.slots)
    return f"About {_time(took)}: {measured.training:,.0f} steps/s in each process, measured just now."


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror or error}.", "Name a writable place with --runs."
        ) from None


def write_reports(report: Report, plan: Plan) -> None:
    """Write the report beside the runs, in every format that a reader or a program may want of a sweep.

    Raises:
        UsageError: The place cannot be written to.
    """
    for format_, suffix in (("text", "txt"), ("json", "json"), ("csv", "csv"), ("md", "md"), ("html", "html")):
        write_file(report, format_, plan.folder / f"{plan.name}.{suffix}", verbose=format_ == "text")


def plan_in_words(plan: Plan, todo: int, slots: int) -> list[str]:
    """Return the plan in a few lines."""
    seeds = len(plan.trials) // len(plan.settings)
    names = [setting.name + (" (baseline)" if setting is plan.baseline else "") for setting in plan.settings]
    shown = names[:12] + ([f"and {len(names) - 12} more"] if len(names) > 12 else [])
    done = len(plan.trials) - todo
    recipe = plan.baseline.recipe
    what = f"{len(names)} setting{'s' * (len(names) != 1)} x {seeds} seed{'s' * (seeds != 1)}"
    lines = [
        f"{len(plan.trials)} trainings on {recipe.env}: {what}, {recipe.total_steps:,} steps each, {slots} at a time.",
        f"Settings: {'; '.join(shown)}.",
    ]
    if done:
        lines.append(f"{done} are finished and not repeated, {todo} to do.")
    return [*lines, f"Runs and reports: {plan.folder}"]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
