"""Many trainings watched at once: found as they begin, polled by file growth, and listed, the worst first."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldoctor.diagnosis.context import DiagnosisContext
from rldoctor.errors import UsageError
from rldoctor.logs import discover
from rldoctor.logs.discovery import no_run_below
from rldoctor.logs.remote import is_remote
from rldoctor.model import Verdict, WatchRow
from rldoctor.watch.followed import FollowedRun

# Seconds between two looks for new runs and files; object stores are asked less often.
_DISCOVER, _REMOTE = 15.0, 60.0
# Nobody looked for so long, or the clock was set: what logged nothing meanwhile may have slept with its machine.
_BREAK = 60.0
_WORST_FIRST = (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED, Verdict.HEALTHY)


@dataclass(frozen=True)
class Event:
    """Something that changed on a run.

    Attributes:
        row: How the run stands now.
        text: What changed, as a sentence.
        run: The run.
        holds: Whether it still holds: not of a verdict that another one followed in the same look.
    """

    row: WatchRow
    text: str
    run: FollowedRun
    holds: bool = True


class Watcher:
    """Watches every run at or below some folders or addresses.

    Args:
        paths: Folders, or addresses such as ``s3://bucket/runs``.
        context: Rules and tag mappings.
        planned: Steps that every run will have, where the user says so.
        reference: To compare every run with.
        framework: What logs the runs.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        paths: Sequence[str],
        context: DiagnosisContext,
        planned: int | None = None,
        reference: str | None = None,
        framework: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._paths, self._context, self._clock = [*paths], context, clock
        self._options = (planned, reference, framework)
        self.runs: dict[Path, FollowedRun] = {}
        self._remote = any(map(is_remote, self._paths))
        self._next_discovery = 0.0
        self._looked_at = self._looked_since = -math.inf

    def poll(self, all_of_it: bool = False) -> list[Event]:
        """Look at every run once, and return what changed.

        Raises:
            UsageError: A path does not exist, or cannot be read, at the first time.
            CannotJudge: There is no run, where ``all_of_it`` asks for one look.
        """
        now = self._clock()
        if math.isfinite(self._looked_at) and not 0 <= now - self._looked_at < _BREAK:
            self._looked_since, self._next_discovery = now, min(self._next_discovery, now)
        self._looked_at = now
        events = self._discover(now) if now >= self._next_discovery else []
        if all_of_it and not self.runs:
            raise no_run_below(self._paths)
        for run in self.runs.values():
            *before, last = run.poll(now, all_of_it) or [""]
            after = run.settle(now, self._looked_since)
            events += [Event(run.row, text, run, holds=False) for text in before]
            events += [Event(run.row, text, run) for text in (last, *after) if text]
        return events

    @property
    def rows(self) -> list[WatchRow]:
        """How every run stands: the worst first, and of equals the one that began last."""
        order = {verdict: place for place, verdict in enumerate(_WORST_FIRST)}
        return [run.row for run in sorted(self.runs.values(), key=lambda run: (order[run.row.verdict], run.row.path))]

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected of any run."""
        return bool(self.runs) and all(run.is_over for run in self.runs.values())

    def _discover(self, now: float) -> list[Event]:
        """Look for new runs and files, let go of runs whose folder has gone, and return what is said of those."""
        first = not self._next_discovery
        self._next_discovery = now + (_REMOTE if self._remote else _DISCOVER)
        gone = [path for path in self.runs if not os.path.lexists(path)]
        left = [self.runs.pop(path) for path in gone]
        events = [Event(run.row, "its folder has gone.", run) for run in left]
        try:
            found = discover(self._paths)
        except UsageError:
            if first:
                self._require()
                raise
            return events  # a folder is being moved, or a store does not answer: what is known is watched
        for directory in found:
            run = self.runs.get(directory)
            if run is None:
                run = self.runs[directory] = FollowedRun(directory, self._context, *self._options)
            run.refresh()
        return events

    def _require(self) -> None:
        """Say what to do about a folder that is not there yet."""
        for path in self._paths:
            if not is_remote(path) and not os.path.lexists(path):
                cure = f"Name the folder of the runs. If they have not begun yet, make it first: mkdir {path}"
                raise UsageError(f"There is no folder {path}.", cure)
