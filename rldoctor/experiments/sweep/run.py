"""A sweep from its plan to its results: it prints what is left to do, runs it, and compares all settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rldoctor import run_directory
from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.context import context_of
from rldoctor.environments import registry
from rldoctor.environments.engine import require_engine
from rldoctor.errors import RldoctorError, Stopped
from rldoctor.executors import Executor
from rldoctor.experiments.sweep import throughput
from rldoctor.experiments.sweep.dispatch import SweepObserver, run_trials, unfinished
from rldoctor.experiments.sweep.plan import Plan, SweepTrial
from rldoctor.experiments.sweep.results import results_of
from rldoctor.model import Result


def run_sweep(
    plan: Plan,
    executor: Executor,
    *,
    command: Sequence[str],
    say: Callable[[str], None],
    bars: Callable[[int, int], AbstractContextManager[SweepObserver]],
    dry_run: bool = False,
    config: Config = DEFAULTS,
) -> list[Result]:
    """Run what is left of a sweep, and compare all its trials.

    Args:
        plan: Of the sweep.
        executor: Runs the trials.
        command: The command line, for each ``run.json``.
        say: Takes the plan in words, before anything is trained.
        bars: Gives the observer for a number of trials and their steps in all.
        dry_run: Stop after the plan.
        config: The project's configuration, for the diagnosis of each run.

    Returns:
        The result of the sweep, then the diagnoses of its runs; nothing for a dry run.

    Raises:
        UsageError: An environment is unknown, or a directory holds something other than its trial.
        Stopped: Ctrl-C; the same plan resumes where it was stopped.
    """
    for setting in plan.settings:
        registry.resolve(setting.recipe.env)
        require_engine(plan.trials[0].engine, setting.recipe.env)
    # A mistake in the configuration is reported before anything takes long.
    context = context_of(config)
    todo = unfinished(plan.trials)
    for line in describe(plan, len(todo), executor.slots):
        say(line)
    if todo:
        say(_duration(plan, todo, executor))
    if dry_run:
        return []
    failures = {}
    if todo:
        finished = [trial for trial in plan.trials if trial not in todo]
        steps = sum(trial.recipe.total_steps for trial in todo)
        try:
            run_directory.make_folder(plan.folder)
            with run_directory.run_lock(plan.folder), bars(len(todo), steps) as observer:
                failures = run_trials(todo, executor, command=command, observer=observer, finished=finished)
        except KeyboardInterrupt:
            raise Stopped(
                "The sweep was stopped; finished trials and checkpoints are kept.",
                "Run the same command again to resume.",
            ) from None
    return results_of(plan, failures, context)


def _duration(plan: Plan, todo: Sequence[SweepTrial], executor: Executor) -> str:
    """Return in a sentence how long the sweep will take."""
    try:
        rate = throughput.measure(executor, plan.baseline.recipe, plan.trials[0].engine)
    except RldoctorError as error:
        # This setting alone may be impossible to train; each trial reports its own failure.
        return f"The duration cannot be estimated: {error.problem}"
    took = throughput.in_words(throughput.seconds(rate, todo, executor.slots))
    return f"About {took}, at {rate.training:,.0f} steps/s in each process, measured just now."


def describe(plan: Plan, todo: int, slots: int) -> list[str]:
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
        lines.append(f"{done} of them {'is' if done == 1 else 'are'} already finished, {todo} to do.")
    return [*lines, f"Runs and reports: {plan.folder}"]
