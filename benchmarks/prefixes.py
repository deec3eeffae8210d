"""Recorded runs as they stood while they trained: every prefix, or those at which a live doctor examines them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from benchmarks.corpus import RecordedRun
from rldoctor.diagnosis.live.course import Course, Standing
from rldoctor.diagnosis.live.glance import glance, points_of
from rldoctor.diagnosis.live.schedule import Schedule
from rldoctor.model import Run


@dataclass(frozen=True)
class At:
    """How a run stands after a share of its planned steps."""

    share: float
    standing: Standing
    news: str
    hopeless: bool


def planned_steps(recorded: RecordedRun) -> int:
    """Return the steps that a recorded training was planned to have, at least those that it had."""
    recipe = recorded.run.record.get("recipe")
    total = recipe.get("total_steps") if isinstance(recipe, dict) else None
    return max(int(total) if isinstance(total, int) else 0, recorded.run.last_step, 1)


def prefixes(recorded: RecordedRun, upto: float = 1.0) -> Iterator[tuple[float, Run]]:
    """Yield every prefix of a run, one for each step at which a point was logged, with the share of the plan done."""
    planned = planned_steps(recorded)
    # Settings are one of the witnesses: logs alone are those without the files beside them.
    whole = replace(recorded, run=replace(recorded.run, settings=None))
    steps = sorted({int(step) for curve in whole.run.curves.values() for step in curve.steps})
    for step in steps:
        if step > upto * planned:
            return
        # Half a step more, so that the last point is in whatever the division rounds to.
        yield min(1.0, step / planned), whole.until((step + 0.5) / max(whole.run.last_step, 1)).run


def course_of(recorded: RecordedRun, upto: float = 1.0, known_plan: bool = True) -> list[At]:
    """Return how a run stood at each examination of a live doctor."""
    planned = planned_steps(recorded)
    return course_of_run((run for _, run in prefixes(recorded, upto)), planned, known_plan)


def until_each_step(run: Run) -> Iterator[Run]:
    """Yield a run as it stood at each step at which anything was logged."""
    return map(run.until, sorted({int(step) for curve in run.curves.values() for step in curve.steps}))


def course_of_run(grown: Iterable[Run], planned: int, known_plan: bool = True) -> list[At]:
    """Return how a run stood at each examination, of the run as it grew."""
    told = planned if known_plan else None
    course, schedule, found = Course(), Schedule(told), []
    for run in grown:
        if schedule.is_due(run.last_step, points_of(run)):
            standing = course.add(glance(run, told))
            found.append(At(min(1.0, run.last_step / planned), standing, course.news, course.hopeless))
    return found
