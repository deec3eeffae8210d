"""The checkup: preflight, train, evaluate, gate and diagnose on a reference, summed up in one verdict."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rldoctor import run_directory
from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.context import context_of
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.report_files import write_report
from rldoctor.environments import registry
from rldoctor.environments.engine import Engine, require_engine
from rldoctor.errors import RldoctorError, Stopped
from rldoctor.gate import judge_run
from rldoctor.logs import read_run
from rldoctor.model import Report, Result, Verdict, exit_code_of, worst
from rldoctor.preflight.background import BackgroundPreflight
from rldoctor.recipe import Recipe

if TYPE_CHECKING:
    from rldoctor.training.loop import Training


class ProgressBar(Protocol):
    """Shows the progress of a part of a checkup."""

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Show the progress of a training."""

    def count(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show the progress of anything else."""


def checkup(
    recipe: Recipe,
    out: Path,
    seed: int,
    *,
    command: Sequence[str] = (),
    bar: Callable[[str, int], ProgressBar],
    engine: Engine = Engine.GYMNASIUM,
    config: Config = DEFAULTS,
) -> Report:
    """Run all steps and write the report into the run directory.

    The exit code is the gate's. Preflight runs in the background of the training, on another core; its errors end the
    checkup and nothing is written: a training on a broken environment would only cost time.

    Args:
        recipe: What to train and what passes.
        out: The folder that collects runs.
        seed: Of the training.
        command: The command line, for ``run.json``.
        bar: Starts a progress bar: title, total.
        engine: The environment backend of the training; preflight and evaluation use Gymnasium.
        config: The project's configuration; its criteria are in ``recipe`` already.

    Raises:
        UsageError: The environment is not known, or not to the engine, or the run directory cannot be made.
        TrainingFailed: Training or evaluation broke off.
        Stopped: Ctrl-C ended the training; the run can be resumed.
    """
    registry.resolve(recipe.env)
    require_engine(engine, recipe.env)
    context = context_of(config)
    clock = time.perf_counter()
    episodes = recipe.evaluation_episodes
    preflight_bar, training_bar = bar("preflight", 1), bar("train", recipe.total_steps)
    evaluation_bar = bar("evaluate", episodes)
    directory = run_directory.create(run_directory.place(out, recipe, f"seed-{seed}"))
    with (
        run_directory.removed_if_empty(directory),
        BackgroundPreflight(recipe, out, preflight_bar.count, config) as background,
    ):
        # PyTorch takes seconds to load; preflight has begun by then.
        from rldoctor.training.evaluate import evaluate

        training = _train_unless_sick(recipe, directory, seed, command, training_bar, background, engine)
        if training is None:
            shutil.rmtree(directory)
            return _report([background.result()])
        evaluate(directory, baselines=background.baselines, watcher=lambda policy, done: evaluation_bar.count(done))
        preflight = background.result()
    gate = judge_run(directory)
    took = time.perf_counter() - clock
    by = "" if engine is Engine.GYMNASIUM else f"by {engine} "
    summary = (
        f"{training.steps:,} steps of training {by}in {training.seconds:.1f} s "
        f"({training.steps_per_second:,.0f} steps/s), then {episodes} evaluation episodes; {took:.1f} s in all."
    )
    diagnosis = diagnose_run(read_run(directory, own=context.tag_mappings), context=context)
    report = _report([preflight, diagnosis, replace(gate, summary=summary)])
    write_report(report, directory)
    return report


def _train_unless_sick(
    recipe: Recipe,
    directory: Path,
    seed: int,
    command: Sequence[str],
    watcher: ProgressBar,
    background: BackgroundPreflight,
    engine: Engine,
) -> Training | None:
    """Train while preflight runs in the background; return ``None`` if preflight fails."""
    from rldoctor.training.train import train

    try:
        training = train(
            recipe, directory, seed, command=command, watcher=watcher, stop=background.failed, engine=engine
        )
    except RldoctorError:
        # Preflight names best what broke the training.
        if background.result().verdict is Verdict.SICK:
            return None
        raise
    if training.status != "finished" and not background.failed.is_set():
        raise Stopped(
            f"The training was stopped at {training.steps:,} steps; everything until then is saved.",
            f"Resume with: rldoctor train --resume {directory}",
        )
    return None if background.result().verdict is Verdict.SICK else training


def _report(results: Sequence[Result]) -> Report:
    """Return the report, with the exit code of its last result: the gate's, unless the checkup ended before."""
    return Report("checkup", tuple(results), worst(r.verdict for r in results), exit_code_of([results[-1].verdict]))
