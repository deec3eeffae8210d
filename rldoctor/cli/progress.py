"""Progress bars on stderr with a live line of the numbers that matter; silent where stderr is no terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from rldoctor.render.wording import clean

if TYPE_CHECKING:
    from rldoctor.experiments.sweep.dispatch import Failure
    from rldoctor.experiments.sweep.job import Progress as TrialProgress
    from rldoctor.experiments.sweep.plan import SweepTrial

_SHORT = {"success_rate": "success", "episode_return": "return", "approx_kl": "kl", "std": "std"}


class Bar:
    """One bar. It is a training's watcher, and counts anything else that is counted."""

    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total, numbers="")

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Show the steps of a training and its latest numbers."""
        self._progress.update(self._task, completed=steps, numbers=_line(numbers))

    def count(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show how many of ``total`` are done."""
        self._progress.update(self._task, completed=done, total=total, numbers=note)


def _line(numbers: Mapping[str, float]) -> str:
    return "  ".join(f"{short} {numbers[name]:.3g}" for name, short in _SHORT.items() if name in numbers)


class SweepBars:
    """A bar for all trials of a sweep together and one for each that is running; a line for each that has ended."""

    def __init__(self, progress: Progress, trials: int, steps: int) -> None:
        self._progress = progress
        self._trials = trials
        self._ended = 0
        self._all = progress.add_task(f"{trials} trials", total=steps, numbers="")
        self._bars: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}

    def began(self, trial: SweepTrial, steps: int) -> None:
        """Begin a bar."""
        self._drop(trial)
        total = trial.recipe.total_steps
        bar = self._progress.add_task(escape(clean(trial.name)), total=total, completed=steps, numbers="")
        self._bars[str(trial.directory)] = bar

    def progressed(self, trial: SweepTrial, progress: TrialProgress) -> None:
        """Show the steps of a trial and its latest numbers."""
        line = "evaluation" if progress.evaluating else _line(progress.numbers)
        self._progress.update(self._bars[str(trial.directory)], completed=progress.steps, numbers=line)
        self._add(trial, progress.steps)

    def ended(self, trial: SweepTrial, failure: Failure | None) -> None:
        """End a bar, and print how it ended."""
        self._drop(trial)
        self._ended += 1
        self._progress.update(self._all, numbers=f"{self._ended} ended")
        self._add(trial, trial.recipe.total_steps)
        result = "done" if failure is None else f"failed: {failure.problem}"
        self._print(f"{self._ended} of {self._trials}  {trial.name}  {result}")

    def moved(self, trial: SweepTrial, why: str) -> None:
        """Print that a trial continues on another machine."""
        self._drop(trial)
        self._print(f"{trial.name} continues elsewhere: {why}")

    def _add(self, trial: SweepTrial, steps: int) -> None:
        self._done[str(trial.directory)] = steps
        self._progress.update(self._all, completed=sum(self._done.values()))

    def _drop(self, trial: SweepTrial) -> None:
        bar = self._bars.pop(str(trial.directory), None)
        if bar is not None:
            self._progress.remove_task(bar)

    def _print(self, line: str) -> None:
        self._progress.console.print(escape(clean(line)), highlight=False, soft_wrap=True)


def _progress(title_width: int, count: ProgressColumn, transient: bool, quiet: bool = False) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn(f"  {{task.description:<{title_width}}}"),
        BarColumn(bar_width=20),
        count,
        TimeRemainingColumn(compact=True),
        TextColumn("[cyan]{task.fields[numbers]}", markup=True),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=transient,
    )


@contextlib.contextmanager
def sweep_bars(trials: int, steps: int) -> Iterator[SweepBars]:
    """Provide the bars of a sweep; where stderr is no terminal, only the lines of ended trials are printed."""
    with _progress(22, TaskProgressColumn(), transient=True) as progress:
        yield SweepBars(progress, trials, steps)


@contextlib.contextmanager
def bars(quiet: bool = False) -> Iterator[Callable[[str, int], Bar]]:
    """Provide a function that starts a bar: title and total. Nothing is shown when stderr is no terminal."""
    with _progress(11, MofNCompleteColumn(), transient=False, quiet=quiet) as progress:
        yield lambda title, total: Bar(progress, title, total)
