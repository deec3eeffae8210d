"""One training that is followed from outside: its files, its examinations, and whether it still runs."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rldoctor.diagnosis.context import DiagnosisContext
from rldoctor.diagnosis.describe import planned_steps
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.live.advice import remedy_of
from rldoctor.diagnosis.live.glance import points_of
from rldoctor.logs import read_run
from rldoctor.logs.formats import formats_of
from rldoctor.logs.formats.log_file import Wanted
from rldoctor.logs.frameworks import shipped_tag_mappings
from rldoctor.logs.remote import name_of
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Run, RunDiagnosis, Verdict, WatchRow
from rldoctor.model.settings import Settings
from rldoctor.model.watching import State
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.run_record import RunRecord
from rldoctor.settings import read_settings
from rldoctor.watch.examinations import Examinations
from rldoctor.watch.pace import Pace
from rldoctor.watch.tail import Tail, in_order, step_of, tails_of
from rldoctor.watch.writer import WriterCheck, process_of, writer_of

# A run that has logged nothing for so long, and for so many of its usual gaps, is stalled.
STALLED_SECONDS, _STALLED_GAPS = 60.0, 5.0
# Loggers write all that belongs to a step at once.
_SETTLED_SECONDS = 1.0
_FAULTY = (Verdict.SICK, Verdict.SUSPECT)
_ENDED: dict[str, State] = {"finished": "finished", "interrupted": "ended", "failed": "killed"}


class FollowedRun:
    """Follows one run.

    Args:
        directory: The run.
        context: Rules and tag mappings.
        planned: Steps that it will have, where the user says so; otherwise what its settings state.
        reference: To compare it with.
        framework: What logs it; identified from the tags by default.
    """

    def __init__(
        self,
        directory: Path,
        context: DiagnosisContext,
        planned: int | None = None,
        reference: str | None = None,
        framework: str | None = None,
    ) -> None:
        self.directory = directory
        self._context, self._wanted_steps, self._reference = context, planned, reference
        self._framework = framework
        # When its logs were last written by the clock of where they are, and when they were last looked at.
        self._written_at = self._looked_at = 0.0
        self.changed_at = 0.0
        """When its logs last grew, in seconds since 1970."""
        self._begin()

    def _begin(self) -> None:
        self._planned = self._wanted_steps
        self._tails: list[Tail] | None = None
        self._restarts = 0
        self.examinations = Examinations(self._context, self._reference)
        self._sizes: dict[Path, int] = {}
        # Environment steps for each step that the logs count, as the run was last read.
        self._scale: float | None = None
        self._waiting = False
        self._writer = WriterCheck()
        self._settings: Settings | None = None
        self._settings_at = -1
        self._pace = Pace()
        self._status = ""
        self.is_over = False
        """Whether nothing more is expected of it; it is followed again if it grows."""
        self.row = WatchRow(name_of(self.directory))
        self.files: list[Path] = []

    @property
    def writing_process(self) -> int | None:
        """The process of this machine that writes it, where a file's name says so and it is alive."""
        if writer_of(self.files) != "alive":
            return None
        return next((found for path in reversed(self.files) if (found := process_of(path)) is not None), None)

    @property
    def is_hopeless(self) -> bool:
        """Whether a training that stands like this should be stopped."""
        return self.examinations.course.hopeless

    def refresh(self) -> None:
        """Look which log files there are."""
        if self.directory.is_file():
            self.files = [self.directory]
            return
        _, folders, names = next(os.walk(self.directory), ("", [], []))
        logs = formats_of(sorted(folders), sorted(names), self.directory)
        self.files = sorted({self.directory / name for _, found in logs for name in found})
        if not self.is_over:
            self._follow_files()

    def _follow_files(self) -> None:
        mappings = (*shipped_tag_mappings(), *self._context.tag_mappings)
        known = {tail.path: tail for tail in self._tails or ()}
        self._tails = None if self._framework else tails_of(self.directory, _wanted(mappings), known)

    def poll(self, now: float, all_of_it: bool = False) -> list[str]:
        """Read what was added, examine the run where that is due, and return what changed, as sentences.

        Args:
            now: Seconds since 1970.
            all_of_it: Also examine it at its last step, which may be half written.
        """
        grew = self._grew(now)
        if grew and self.is_over:
            # What was let go of is read once more.
            self._begin()
            self.refresh()
            self._grew(now)
        if self.is_over or not (grew or self._waiting):
            return []
        # The last step is examined once nothing was added to it for a while.
        to_the_end = all_of_it or not grew or now - self._written_at > _SETTLED_SECONDS
        self._waiting = not to_the_end
        anew = self._read_on()
        if self._tails is not None and not all_of_it and self._scale is not None:
            step = self._scale * step_of(self._tails)
            points = max((tail.points for tail in self._tails), default=0)
            self._pace.note(now, int(step))
            self.row = replace(self.row, step=int(step))
            if not self.examinations.may_be_due(step, points):
                return anew
        return anew + self._examine(self._read(), now, to_the_end)

    def _read_on(self) -> list[str]:
        """Read what was added, and say where that is another run's."""
        for tail in self._tails or ():
            tail.poll()
        restarts, before = sum(tail.restarts for tail in self._tails or ()), self._restarts
        self._restarts = restarts
        if restarts <= before or self.examinations.upto < 0:
            return []
        is_other = step_of(self._tails or ()) < self.examinations.upto
        self.examinations.begin_again(is_other)
        if not is_other:
            return []
        self._pace, self.row = Pace(), WatchRow(self.row.path)
        return ["its log begins again: judged from there."]

    def _grew(self, now: float) -> bool:
        sizes, written = {}, 0.0
        for path in self.files:
            try:
                status = path.stat()
            except OSError:
                continue
            sizes[path] = status.st_size
            written = max(written, status.st_mtime)
        grew, self._sizes = sizes != self._sizes, sizes
        # A file server's clock may differ from this one, and this one may be set: what grew did so since the last look.
        changed = max(written, self._looked_at) if grew else self.changed_at
        self._written_at, self.changed_at = min(written, now), min(changed, now)
        self._looked_at = now
        return grew

    def _read(self) -> Run:
        own = self._context.tag_mappings
        if self._tails is None:
            return read_run(self.directory, self._framework, own, settings_of=self._settings_of)
        run = read_run(self.directory, self._framework, own, in_order(self._tails), self._settings_of)
        logged = step_of(self._tails)
        self._scale = run.last_step / logged if logged else 1.0
        return run

    def _settings_of(self, directory: Path) -> Settings | None:
        """Read the settings where files came to the run or were replaced since the last time."""
        try:
            changed = directory.stat().st_mtime_ns
        except OSError:
            changed = 0
        if changed != self._settings_at:
            self._settings_at, self._settings = changed, read_settings(directory)
        return self._settings

    def _examine(self, run: Run, now: float, to_the_end: bool) -> list[str]:
        self._status = RunRecord(run.record).status
        self._planned = self._planned or planned_steps(run)
        self._pace.note(now, run.last_step)
        self.row = replace(self.row, step=run.last_step, planned=self._planned)
        # Nothing but its examinations says anything of a run that is too short for diagnose.
        if self.examinations.upto < 0 and self._has_ended(now) and points_of(run) >= FEWEST_POINTS:
            return []
        said = self.examinations.look(run, self._planned, to_the_end)
        standing = self.examinations.course.standing
        self.row = replace(
            self.row,
            verdict=standing.verdict,
            since=standing.since,
            cause=standing.cause,
            confidence=standing.confidence,
            news=said[-1] if said else self.row.news,
            withdrawn_when=self.examinations.course.taken_back_when,
        )
        if said and standing.verdict in _FAULTY:
            found = self._diagnosis(run)
            remedy = remedy_of(run, standing.cause, found, self._reference, self._context)
            self.row = replace(self.row, remedy=remedy)
        return said

    def _diagnosis(self, run: Run) -> RunDiagnosis:
        return diagnose_run(run, self._reference, context=self._context)

    def settle(self, now: float, looked_since: float = -math.inf) -> list[str]:
        """Say whether it still runs, and give the last verdict of one that does not.

        Args:
            now: Seconds since 1970.
            looked_since: Since when it was looked at without a break: what slept with its machine is not stalled yet.
        """
        age = max(0.0, now - self.changed_at)
        state = self._state(now, age, now - looked_since)
        said = []
        if state in ("finished", "killed", "ended") and not self.is_over:
            said = self._end(state)
        elif state != self.row.state and state == "stalled":
            how = "the writer is still there or unknown"
            said = [f"step {self.row.step:,}: nothing logged for {age:.0f} s, and {how}."]
        elif self.row.state == "stalled" and state == "running":
            self.row = replace(self.row, news="")
        left = None if self.is_over else self._pace.left(self._planned, self.row.step, self._tails or ())
        self.row = replace(self.row, state=state, age=age, left=left)
        if said:
            self.row = replace(self.row, news=said[-1])
        return said

    def _state(self, now: float, age: float, looked: float) -> State:
        if self._status in _ENDED:
            return _ENDED[self._status]
        if self._is_done():
            return "finished"
        if self._writer.state(self.files, now, age) == "gone":
            return "killed" if self._planned else "ended"
        longest = max(STALLED_SECONDS, _STALLED_GAPS * self._pace.gap(self._tails or ()))
        return "stalled" if min(age, looked) > longest else "running"

    def _has_ended(self, now: float) -> bool:
        """Return whether the verdict is that of ``diagnose``, whatever stood before."""
        over = self._state(now, max(0.0, now - self.changed_at), math.inf) in ("finished", "killed", "ended")
        return over and (not self._planned or self._is_done())

    def _is_done(self) -> bool:
        """Return whether the plan is done, but for what comes after the last point that is logged."""
        if not self._planned or not self._pace.is_known:
            return False
        return self.row.step + self._spacing() > self._planned

    def _spacing(self) -> float:
        """Return the steps between two points."""
        points = max((tail.points for tail in self._tails or ()), default=0)
        return self.row.step / points if points > 1 else 0.0

    def _end(self, state: State) -> list[str]:
        """Give the last verdict, and let go of the points: a run that did its plan gets that of ``diagnose``.

        One that ended before is as young as when it ended: what it stood at stays. So does a warning of one that is too
        short for ``diagnose``.
        """
        of = f" of {self._planned:,}" if self._planned else ""
        how = f"killed after {self.row.step:,}{of} steps" if state == "killed" else state
        result = None
        if not self._planned or self._is_done():
            for tail in self._tails or ():
                tail.poll()
            result = self._diagnosis(self._read())
        if result is None or (result.verdict is Verdict.UNJUDGED and self.row.verdict in _FAULTY):
            said = f"{how}: {self.row.verdict}{f', {self.row.cause}' if self.row.cause else ''}."
        else:
            cause = result.cause if result.verdict in _FAULTY else None
            name, remedy = (cause.name, cause.remedy.strip()) if cause else ("", "")
            said = f"{how}: {result.verdict}. {result.summary}"
            confidence = (cause.probability if cause else result.health) or 0.0
            self.row = replace(self.row, verdict=result.verdict, cause=name, confidence=confidence, remedy=remedy)
        self.row = replace(self.row, withdrawn_when="")
        self.is_over, self._tails = True, None
        return [said]


def _wanted(mappings: Sequence[TagMapping]) -> Wanted:
    return lambda tag: any(mapping.wants(tag) for mapping in mappings)
