"""Progress bars on stderr with a live line of the numbers that matter; silent where nobody watches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SHORT = {"success_rate": "success", "episode_return": "return", "approx_kl": "kl", "std": "std"}


class Bar:
    """One bar. It is a training's watcher, and counts anything else that is counted."""

    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total, numbers="")

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Show the steps of a training and its latest numbers."""
        line = "  ".join(f"{short} {numbers[name]:.3g}" for name, short in _SHORT.items() if name in numbers)
        self._progress.update(self._task, completed=steps, numbers=line)

    def count(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show how many of ``total`` are done."""
        self._progress.update(self._task, completed=done, total=total, numbers=note)


@contextlib.contextmanager
def bars(quiet: bool = False) -> Iterator[Callable[[str, int], Bar]]:
    """Give a function that starts a bar: title and total. Nothing is drawn when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("  {task.description:<11}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("[cyan]{task.fields[numbers]}", markup=True),
    )
    disabled = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=disabled, transient=False) as progress:
        yield lambda title, total: Bar(progress, title, total)
