"""How the doctor judges trainings that still run: python -m benchmarks.watch phases|prefixes|doomed|day

``phases`` writes checks/phases.toml from every prefix of the recorded healthy runs. ``prefixes`` writes the table of docs/watch.md:
what a live doctor says of every recorded run while it grows, healthy ones also by phases that were made without their recipe. Five
minutes each. ``doomed`` trains, and writes there which trainings the callback stops (benchmarks/doomed.py): ten minutes. ``day`` watches
a day in compressed time (benchmarks/watch_day.py).
"""

from __future__ import annotations

import math
import re
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import numpy as np

from benchmarks import DOCS
from benchmarks.corpus import RecordedRun, recorded_runs
from benchmarks.prefixes import At, course_of, prefixes
from benchmarks.rates import wilson_interval
from rldoctor import datafile
from rldoctor.diagnosis.live import glance as glancing
from rldoctor.diagnosis.live.glance import points_of, strengths_of
from rldoctor.diagnosis.live.phase import Phases
from rldoctor.diagnosis.live.rules import live_rules
from rldoctor.model import Verdict
from rldoctor.rulebook import load_rulebook

BEGINS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
PHASES = datafile.folder("checks") / "phases.toml"
DOCUMENT = DOCS / "watch.md"
# What each command writes stands between these lines.
BEGIN, END = "<!-- written by python -m benchmarks.watch {} -->", "<!-- end of {} -->"


@cache
def healthy_strengths(recorded: RecordedRun) -> Mapping[str, tuple[float, ...]]:
    """Return the largest strength of each sign of a fault in each phase of a healthy run and those beside it."""
    signs = load_rulebook().signs
    most: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(BEGINS))
    for kind in (recorded, recorded.without_doctor()):
        for share, run in prefixes(kind):
            if points_of(run) < live_rules().fewest_points:
                continue
            phase = bisect_right(BEGINS, share) - 1
            for code, strength in strengths_of(run)[0].items():
                if signs[code].of_health:
                    continue
                usual = most[code]
                for near in range(max(0, phase - 1), min(len(BEGINS), phase + 2)):
                    usual[near] = max(usual[near], strength)
    return {code: tuple(values) for code, values in most.items()}


def phases_of(runs: Iterable[RecordedRun]) -> Phases:
    """Return the phases of recorded healthy runs."""
    most: dict[str, tuple[float, ...]] = {}
    for run in runs:
        for code, values in healthy_strengths(run).items():
            most[code] = tuple(map(max, values, most[code])) if code in most else values
    return Phases(BEGINS, {code: tuple(math.ceil(v * 100 - 1e-9) / 100 for v in most[code]) for code in sorted(most)})


def write_phases() -> None:
    found = phases_of(p for p in recorded_runs() if not p.fault)
    rows = "\n".join(f"{code} = [{', '.join(f'{v:g}' for v in values)}]" for code, values in found.strengths.items())
    PHASES.write_text(
        "# The most that recorded healthy runs show of each sign of a fault, in each phase of their training: what a run that still\n"
        "# trains is judged against. Written by python -m benchmarks.watch phases from every prefix of the healthy runs in tests/runs,\n"
        "# with and without DoctorCallback; each phase also has what the phases beside it show.\n"
        f"begins = [{', '.join(f'{begin:g}' for begin in BEGINS)}]\n\n[strengths]\n{rows}\n",
        encoding="utf-8",
    )


def recipe_of(recorded: RecordedRun) -> str:
    return re.sub(r"-\d+$", "", recorded.name)


def held_out_courses(runs: Sequence[RecordedRun], shipped: Phases) -> list[list[At]]:
    """Return the courses of healthy runs, each by the phases of the runs of other recipes."""
    found = []
    for run in runs:
        phases = phases_of(p for p in recorded_runs() if not p.fault and recipe_of(p) != recipe_of(run))
        found += courses([run], phases)
    glancing.shipped_phases = lambda: shipped  # type: ignore[assignment]
    return found


def courses(runs: Sequence[RecordedRun], phases: Phases, plain: bool = False) -> list[list[At]]:
    glancing.shipped_phases = lambda: phases  # type: ignore[assignment]
    return [course_of(run.without_doctor() if plain else run) for run in runs]


def first(course: Sequence[At], is_so: Callable[[At], bool]) -> float:
    return next((at.share for at in course if is_so(at)), math.inf)


def warned(at: At) -> bool:
    return at.standing.verdict in (Verdict.SUSPECT, Verdict.SICK)


def rate(hits: Iterable[bool]) -> str:
    values = list(hits)
    low, high = wilson_interval(sum(values), len(values))
    return f"{np.mean(values):.0%} ({sum(values)} of {len(values)}; {low:.0%} to {high:.0%})"


def write_prefixes() -> None:
    everyone = recorded_runs()
    shipped = glancing.shipped_phases()
    healthy = [p for p in everyone if not p.fault]
    harmed = [p for p in everyone if p.harmed]
    benign = [p for p in everyone if p.fault and not p.harmed]
    lines = [
        "| runs | logs | warned by 10 % of the budget | by 25 % | in the end | sick by 25 % | sick at any time |",
        "|---|---|---|---|---|---|---|",
    ]
    for logs, plain in (("with DoctorCallback", False), ("plain", True)):
        kinds = {
            "healthy": courses(healthy, shipped, plain),
            "healthy, by phases without their recipe": held_out_courses(
                [p.without_doctor() if plain else p for p in healthy], shipped
            ),
            "harmed": courses(harmed, shipped, plain),
            "faulty, not harmed": courses(benign, shipped, plain),
        }
        for kind, found in kinds.items():
            when = [first(course, warned) for course in found]
            sick = [first(course, lambda at: at.standing.verdict is Verdict.SICK) for course in found]
            cells = [rate(x <= share for x in when) for share in (0.1, 0.25, 1.0)]
            cells += [rate(x <= share for x in sick) for share in (0.25, 1.0)]
            lines.append(f"| {kind} | {logs} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    write_section("prefixes", lines)


def write_section(name: str, lines: Sequence[str]) -> None:
    """Replace what a command wrote into the document.

    Raises:
        ValueError: The document has no such section.
    """
    begin, end = BEGIN.format(name), END.format(name)
    text = DOCUMENT.read_text("utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{DOCUMENT.name} has no section {name!r}")
    DOCUMENT.write_text(before + "\n".join([begin, *lines, end]) + after, encoding="utf-8")


def write_as_measured(name: str, measured: Iterable[str]) -> None:
    lines = []
    for line in measured:
        print(line, flush=True)
        lines.append(line)
    write_section(name, lines)


def write_doomed() -> None:
    # It trains, and so needs what the other commands do not.
    from benchmarks.doomed import tables

    write_as_measured("doomed", tables())


def write_day() -> None:
    # It needs TensorBoard.
    from benchmarks.watch_day import tables

    write_as_measured("day", tables())


def main() -> None:
    modes = {"phases": write_phases, "prefixes": write_prefixes, "doomed": write_doomed, "day": write_day}
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted not in modes:
        raise SystemExit(__doc__)
    modes[wanted]()


if __name__ == "__main__":
    main()
