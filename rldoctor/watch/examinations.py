"""The examinations of a run that is followed: at the points of its schedule, and anew where it began again."""

from __future__ import annotations

from dataclasses import replace

from rldoctor.diagnosis.context import DiagnosisContext
from rldoctor.diagnosis.live.course import Course
from rldoctor.diagnosis.live.glance import glance, points_of
from rldoctor.diagnosis.live.schedule import Schedule
from rldoctor.model import Run


class Examinations:
    """Examines one run as it grows.

    Args:
        context: Rules and tag mappings.
        reference: To compare it with.
    """

    def __init__(self, context: DiagnosisContext, reference: str | None) -> None:
        self._context, self._reference = context, reference
        self._said: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self.course = Course()
        self._schedule: Schedule | None = None
        self.upto = -1
        """The last step that was looked at; -1 before there was any."""

    def begin_again(self, is_other: bool) -> None:
        """Forget what was found, and of another run also what was said."""
        if is_other:
            self._said.clear()
        self._begin()

    def may_be_due(self, step: float, points: int) -> bool:
        """Return whether an examination may be due of a run at ``step`` with so many points."""
        return self._schedule is None or step < self.upto or self._schedule.may_be_due(step, points)

    def look(self, run: Run, planned: int | None, to_the_end: bool) -> list[str]:
        """Examine a run wherever that is due behind what was looked at, and return what changed, as sentences.

        A run whose last step is before what was looked at goes on from a checkpoint, or is another one. The same logs
        come to the same verdict whoever read them when, so it is examined from its beginning; what was said is not
        said again.

        Args:
            run: As it stands.
            planned: Steps that it will have; ``None`` where unknown.
            to_the_end: Whether its last step is complete.
        """
        if run.last_step < self.upto:
            self._begin()
        self._schedule = self._schedule or Schedule(planned)
        growing = replace(run, record={**run.record, "status": "running"} if run.record else run.record)
        said = []
        for step in _steps_after(run, self.upto):
            if step >= run.last_step and not to_the_end:
                break
            self.upto = step
            part = growing.until(step)
            if self._schedule.is_due(part.last_step, points_of(part)):
                self.course.add(glance(part, planned, self._reference, self._context))
                said += [self.course.news] if self.course.news and self.course.news not in self._said else []
                self._said.update(said)
        return said


def _steps_after(run: Run, step: int) -> list[int]:
    """Return the steps behind ``step`` at which anything was logged, in order."""
    later = (curve.steps[curve.steps.searchsorted(step, "right") :] for curve in run.curves.values())
    return sorted({int(one) for steps in later for one in steps})
