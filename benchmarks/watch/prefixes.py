"""Recorded runs as they stood while they trained: every prefix, or those at which a live doctor examines them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.corpus import RecordedRun
from benchmarks.rates import wilson_interval
from rldoctor.diagnosis.live.course import Course, Standing
from rldoctor.diagnosis.live.glance import glance, points_of
from rldoctor.diagnosis.live.phase import Phases
from rldoctor.diagnosis.live.schedule import Schedule
from rldoctor.model import Run, Verdict


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


def course_of_run(
    grown: Iterable[Run], planned: int, known_plan: bool = True, until: Callable[[At], bool] = lambda _: False
) -> list[At]:
    """Return how a run stood at each examination, of the run as it grew, up to the first that ``until`` holds for."""
    told = planned if known_plan else None
    course, schedule, found = Course(), Schedule(told), []
    for run in grown:
        if schedule.is_due(run.last_step, points_of(run)):
            standing = course.add(glance(run, told))
            found.append(At(min(1.0, run.last_step / planned), standing, course.news, course.hopeless))
            if until(found[-1]):
                break
    return found


def first(course: Sequence[At], is_so: Callable[[At], bool]) -> float:
    return next((at.share for at in course if is_so(at)), math.inf)


def is_sick(at: At) -> bool:
    return at.standing.verdict is Verdict.SICK


def warned(at: At) -> bool:
    return at.standing.verdict in (Verdict.SUSPECT, Verdict.SICK)


def rate(hits: Iterable[bool]) -> str:
    values = list(hits)
    low, high = wilson_interval(sum(values), len(values))
    return f"{np.mean(values):.0%} ({sum(values)} of {len(values)}; {low:.0%} to {high:.0%})"


def as_toml(phases: Phases) -> str:
    """Return phases as their file has them, without its heading."""
    rows = "\n".join(f"{code} = [{', '.join(f'{v:g}' for v in values)}]" for code, values in phases.strengths.items())
    return f"begins = [{', '.join(f'{begin:g}' for begin in phases.begins)}]\n\n[strengths]\n{rows}\n"


def cells(courses: Sequence[Sequence[At]]) -> str:
    """Return the cells of a row: warned by a tenth, by a quarter and in the end; sick by a quarter, and at any time."""
    when = [first(course, warned) for course in courses]
    sick = [first(course, is_sick) for course in courses]
    found = [rate(x <= share for x in when) for share in (0.1, 0.25, 1.0)]
    return " | ".join([*found, *(rate(x <= share for x in sick) for share in (0.25, 1.0))])
