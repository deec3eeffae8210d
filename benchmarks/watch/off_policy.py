"""How off-policy trainings that still run are judged: python -m benchmarks.watch off-policy

Writes checks/phases_off_policy.toml from the healthy trainings of the off-policy laboratory that learned
(benchmarks/off_policy/trainings.npz), at each examination of a live doctor, with and without DoctorCallback and evaluations; then
the table of docs/watch.md: what a live doctor says of every training of the laboratory, of healthy ones by phases that were made
without their task. Five minutes.
"""

from __future__ import annotations

import math
import multiprocessing
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TypeVar

from benchmarks.off_policy.kept import Kept, View, trainings
from benchmarks.watch.prefixes import At, as_toml, cells, course_of_run, is_sick
from rldoctor import datafile
from rldoctor.diagnosis.live import glance as glancing
from rldoctor.diagnosis.live.glance import points_of, strengths_of
from rldoctor.diagnosis.live.phase import Phases, shipped_phases
from rldoctor.diagnosis.live.rules import live_rules
from rldoctor.diagnosis.live.schedule import shares
from rldoctor.model import Run
from rldoctor.rulebook import load_rulebook

_A, _T = TypeVar("_A"), TypeVar("_T")
FAMILY = "off_policy"
# Processes at a time.
JOBS = 4
PHASES = datafile.folder("checks") / f"phases_{FAMILY}.toml"
# With everything that may be logged, and with what Stable-Baselines3 logs by itself.
VIEWS = {"with DoctorCallback and evaluations": View(doctor=True, evaluated=True), "plain": View()}


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


def _strengths_in_phases(number: int) -> Mapping[str, tuple[float, ...]]:
    """Return the largest strength of each sign of a fault in each phase of a healthy training and those beside it."""
    kept, begins, signs = healthy()[number], shipped_phases().begins, load_rulebook().signs
    most: dict[str, list[float]] = {}
    for view in VIEWS.values():
        for share, prefix in examined(kept.view(view), kept.label["steps"]):
            phase = bisect_right(begins, share) - 1
            for code, strength in strengths_of(prefix)[0].items():
                if not signs[code].of_health:
                    usual = most.setdefault(code, [0.0] * len(begins))
                    for place in range(max(0, phase - 1), min(len(begins), phase + 2)):
                        usual[place] = max(usual[place], strength)
    return {code: tuple(values) for code, values in most.items()}


@cache
def healthy_strengths() -> list[Mapping[str, tuple[float, ...]]]:
    """Return that of each healthy training."""
    return _in_processes(_strengths_in_phases, range(len(healthy())))


def _in_processes(work: Callable[[_A], _T], items: Iterable[_A]) -> list[_T]:
    """Return ``work`` of each item, done by copies of this process."""
    with multiprocessing.get_context("fork").Pool(JOBS) as pool:
        return pool.map(work, items, chunksize=1)


@cache
def phases_of(without: str = "") -> Phases:
    """Return the phases of the healthy trainings, ``without`` those of one task."""
    begins = shipped_phases().begins
    most: dict[str, tuple[float, ...]] = {}
    for kept, strengths in zip(healthy(), healthy_strengths(), strict=True):
        for code, values in strengths.items() if task_of(kept) != without else ():
            most[code] = tuple(map(max, values, most.get(code, values)))
    return Phases(begins, {code: tuple(math.ceil(v * 100 - 1e-9) / 100 for v in most[code]) for code in sorted(most)})


def _course(job: tuple[str, int, str]) -> list[At]:
    """Return how a training stood at each examination until it was sick.

    ``job`` is the view, the number of the training, and the task whose trainings the phases are made without.
    """
    view, number, without = job
    kept, phases = trainings()[number], phases_of(without)
    glancing.shipped_phases = lambda _="": phases  # type: ignore[assignment]
    glancing.WARNED_AT_MOST = frozenset()  # type: ignore[misc]
    steps = int(kept.label["steps"])
    return course_of_run((prefix for _, prefix in examined(kept.view(VIEWS[view]), steps)), steps, until=is_sick)


def kinds() -> dict[str, list[tuple[int, str]]]:
    """Return each kind of training: their numbers, and for each the task whose trainings the phases are made without."""
    numbered = list(enumerate(trainings()))
    well = [(number, task_of(kept)) for number, kept in numbered if not kept.fault and kept.learned]
    return {
        "healthy, by phases without their task": well,
        "healthy": [(number, "") for number, _ in well],
        "harmed": [(number, "") for number, kept in numbered if kept.harmed],
        "faulty, not harmed": [(number, "") for number, kept in numbered if kept.fault and not kept.harmed],
    }


def tables() -> Iterator[str]:
    """Write the phases, and yield the lines of the section of docs/watch.md."""
    phases = phases_of()
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
    for kind, members in kinds().items():
        for view in VIEWS:
            found = _in_processes(_course, [(view, number, without) for number, without in members])
            yield f"| {kind} | {view} | {cells(found)} |"
