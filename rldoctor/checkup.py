"""The checkup: preflight, train, evaluate, gate and diagnose on a reference, summed up in one verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rldoctor import gate, run_directory
from rldoctor.diagnose import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Report, Verdict, exit_code_of, worst
from rldoctor.preflight import environment
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe
from rldoctor.render import FORMATS
from rldoctor.render.text import lines_of
from rldoctor.training.evaluate import evaluate
from rldoctor.training.train import train


class ProgressBar(Protocol):
    """What a checkup tells its progress to."""

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Take the progress of a training."""

    def count(self, done: int, total: int | None = None, note: str = "") -> None:
        """Take the progress of anything else."""


def checkup(
    recipe: Recipe,
    out: Path,
    seed: int,
    *,
    command: Sequence[str] = (),
    bar: Callable[[str, int], ProgressBar],
) -> Report:
    """Run the whole examination and write the report into the run directory.

    The exit code is the gate's. A preflight with errors ends the checkup there: a training on a broken environment
    would only cost time.

    Args:
        recipe: What to train and what passes.
        out: The folder that collects runs.
        seed: Of the training.
        command: The command line, for ``run.json``.
        bar: Starts a progress bar: title, total.

    Raises:
        UsageError: The environment is not known or the run directory cannot be made.
        TrainingFailed: Training or evaluation broke off.
    """
    environment.resolve(recipe.env)
    clock = time.perf_counter()
    checks = bar("preflight", 1)
    examined = run_preflight(
        recipe.env, recipe=recipe, directory=out, watcher=lambda name, done, total: checks.count(done, total, name)
    )
    if examined.verdict is Verdict.SICK:
        return Report("checkup", (examined,), examined.verdict, exit_code_of([examined.verdict]))
    directory = run_directory.create(run_directory.place(out, recipe, f"seed-{seed}"))
    training = train(recipe, directory, seed, command=command, watcher=bar("train", recipe.total_steps))
    episodes = recipe.evaluation_episodes
    played = {"policy": bar("evaluate", episodes), "baselines": bar("baselines", episodes)}
    evaluate(directory, watcher=lambda policy, done: played[policy].count(done))
    judged = gate.judge(directory)
    took = time.perf_counter() - clock
    way = (
        f"{training.steps:,} steps of training in {training.seconds:.1f} s ({training.steps_per_second:,.0f} steps/s), "
        f"then {episodes} evaluation episodes; {took:.1f} s in all."
    )
    judged = replace(judged, summary=way)
    diagnosed = diagnose_run(read_run(directory))
    subjects = (examined, diagnosed, judged)
    report = Report("checkup", subjects, worst(s.verdict for s in subjects), exit_code_of([judged.verdict]))
    _write(directory, report)
    return report


def _write(directory: Path, report: Report) -> None:
    """Leave the report beside the run, for people (``report.txt``) and for programs (``report.json``)."""
    with run_directory.replacing(directory / "report.txt") as temporary:
        temporary.write_text("\n".join(lines_of(report)) + "\n", encoding="utf-8")
    with run_directory.replacing(directory / "report.json") as temporary:
        temporary.write_text(f"{FORMATS['json'](report, True)}\n", encoding="utf-8")
