"""How off-policy trainings that still run are judged: python -m benchmarks.watch off-policy

Writes checks/phases_off_policy.toml from the healthy trainings of the off-policy laboratory that learned
(benchmarks/off_policy/trainings.npz), at each examination of a live doctor, with and without DoctorCallback and evaluations; then
the table of docs/watch.md: what a live doctor says of every training of the laboratory, of healthy ones by phases that were made
without their task. Five minutes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from benchmarks.off_policy.kept import Kept, trainings
from benchmarks.prefixes import At, as_toml, cells, course_of_run, is_sick
from rldoctor import datafile
from rldoctor.diagnosis.live import glance as glancing
from rldoctor.diagnosis.live.glance import points_of, strengths_of
from rldoctor.diagnosis.live.phase import Phases, shipped_phases
from rldoctor.diagnosis.live.rules import live_rules
from rldoctor.diagnosis.live.schedule import shares
from rldoctor.model import Run
from rldoctor.rulebook import load_rulebook

FAMILY = "off_policy"
PHASES = datafile.folder("checks") / f"phases_{FAMILY}.toml"
# With everything that may be logged, and with what Stable-Baselines3 logs by itself.
VIEWS = {"with DoctorCallback and evaluations": (True, True), "plain": (False, False)}


def task_of(kept: Kept) -> str:
    """Return the task of a training: ``pendulum`` of ``pendulum/sac``."""
    return str(kept.label["recipe"]).partition("/")[0]


def examined(run: Run, planned: int) -> Iterator[tuple[float, Run]]:
    """Yield a run as it stood at each examination, with the share of the plan."""
    for share in shares():
        prefix = run.until(round(share * planned))
        if points_of(prefix) >= live_rules().fewest_points:
            yield share, prefix


@cache
def healthy() -> tuple[Kept, ...]:
    """Return the trainings without a fault that learned."""
    return tuple(kept for kept in trainings() if not kept.fault and kept.learned)


@cache
def strengths_in_phases(kept: Kept, begins: tuple[float, ...]) -> Mapping[str, tuple[float, ...]]:
    """Return the largest strength of each sign of a fault in each phase of a training and those beside it."""
    signs = load_rulebook().signs
    most: dict[str, list[float]] = {}
    for doctor, evaluated in VIEWS.values():
        for share, prefix in examined(kept.view(doctor, evaluated), kept.label["steps"]):
            phase = bisect_right(begins, share) - 1
            for code, strength in strengths_of(prefix)[0].items():
                if not signs[code].of_health:
                    usual = most.setdefault(code, [0.0] * len(begins))
                    for place in range(max(0, phase - 1), min(len(begins), phase + 2)):
                        usual[place] = max(usual[place], strength)
    return {code: tuple(values) for code, values in most.items()}


def phases_of(found: Iterable[Kept]) -> Phases:
    """Return the phases of healthy trainings."""
    begins = shipped_phases().begins
    most: dict[str, tuple[float, ...]] = {}
    for kept in found:
        for code, values in strengths_in_phases(kept, begins).items():
            most[code] = tuple(map(max, values, most.get(code, values)))
    return Phases(begins, {code: tuple(math.ceil(v * 100 - 1e-9) / 100 for v in most[code]) for code in sorted(most)})


def courses(found: Iterable[Kept], phases: Phases, view: str) -> list[list[At]]:
    """Return how trainings stood at each examination until they were sick, by these phases."""
    shipped = glancing.shipped_phases
    glancing.shipped_phases = lambda _="": phases  # type: ignore[assignment]
    try:
        return [
            course_of_run((prefix for _, prefix in examined(kept.view(*VIEWS[view]), steps)), steps, until=is_sick)
            for kept in found
            for steps in [int(kept.label["steps"])]
        ]
    finally:
        glancing.shipped_phases = shipped


def kinds(phases: Phases, view: str) -> dict[str, list[list[At]]]:
    """Return the courses of each kind of training."""
    tasks = sorted({task_of(kept) for kept in healthy()})
    held_out = [
        course
        for task in tasks
        for course in courses(
            [kept for kept in healthy() if task_of(kept) == task],
            phases_of(kept for kept in healthy() if task_of(kept) != task),
            view,
        )
    ]
    return {
        "healthy": courses(healthy(), phases, view),
        "healthy, by phases without their task": held_out,
        "harmed": courses([kept for kept in trainings() if kept.harmed], phases, view),
        "faulty, not harmed": courses([kept for kept in trainings() if kept.fault and not kept.harmed], phases, view),
    }


def tables() -> Iterator[str]:
    """Write the phases, and yield the lines of the section of docs/watch.md."""
    phases = phases_of(healthy())
    PHASES.write_text(
        "# The most that healthy off-policy trainings show of each sign of a fault, in each phase of their training: phases.toml for\n"
        "# runs of SAC, TD3, DQN and what is built like them. Written by python -m benchmarks.watch off-policy from the trainings of the\n"
        "# off-policy laboratory (benchmarks/off_policy/trainings.npz) without a fault that learned, of which each phase also has what\n"
        "# the phases beside it show, with and without DoctorCallback and evaluations.\n"
        f"{as_toml(phases)}",
        encoding="utf-8",
    )
    yield "| runs | logs | warned by 10 % of the budget | by 25 % | in the end | sick by 25 % | sick at any time |"
    yield "|---|---|---|---|---|---|---|"
    for view in VIEWS:
        for kind, found in kinds(phases, view).items():
            yield f"| {kind} | {view} | {cells(found)} |"
