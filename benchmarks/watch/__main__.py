"""How the doctor judges trainings that still run: python -m benchmarks.watch phases|laboratory|unknown|prefixes|points|off-policy|doomed|day|load|callback

``phases`` writes checks/phases.toml from every prefix of the recorded healthy runs. ``prefixes`` writes the table of docs/watch.md:
what a live doctor says of every recorded run while it grows, healthy ones also by phases that were made without their recipe. Five
minutes each. ``off-policy`` does both for the off-policy laboratory (benchmarks/watch/off_policy.py). ``doomed`` trains, and writes there which trainings the callback stops (benchmarks/watch/doomed.py): ten minutes. ``day`` watches
a day in compressed time (benchmarks/watch/day.py), ``load`` two hundred growing runs (benchmarks/watch/load.py), and ``callback``
measures what DoctorCallback costs (benchmarks/watch/callback_cost.py).
"""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from benchmarks import DOCS
from benchmarks.corpus import RecordedRun, recorded_runs, without_doctor
from benchmarks.laboratory.kept import Kept
from benchmarks.watch.prefixes import (
    At,
    as_toml,
    cells,
    course_of,
    course_of_run,
    first,
    is_sick,
    planned_steps,
    prefixes,
    rate,
    until_each_step,
    warned,
)
from rldoctor import datafile
from rldoctor.diagnosis.live import glance as glancing
from rldoctor.diagnosis.live.glance import points_of, strengths_of
from rldoctor.diagnosis.live.phase import Phases
from rldoctor.diagnosis.live.rules import live_rules
from rldoctor.model import Run
from rldoctor.rulebook import load_rulebook

BEGINS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LABORATORY = Path(__file__).parents[1] / "laboratory" / "healthy_strengths.json"
PHASES = datafile.folder("checks") / "phases.toml"
DOCUMENT = DOCS / "watch.md"
# What each command writes stands between these lines.
BEGIN, END = "<!-- written by python -m benchmarks.watch {} -->", "<!-- end of {} -->"


@cache
def healthy_strengths(recorded: RecordedRun) -> Mapping[str, tuple[float, ...]]:
    """Return the largest strength of each sign of a fault in each phase of a healthy run and those beside it."""
    most: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(BEGINS))
    for kind in (recorded, recorded.without_doctor()):
        for share, run in prefixes(kind):
            _keep(most, share, run, near=1)
    return {code: tuple(values) for code, values in most.items()}


def laboratory_strengths(training: Kept) -> dict[str, tuple[float, ...]]:
    """Return the same of a training of the laboratory; there are enough of them for each to stand for its phase alone."""
    most: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(BEGINS))
    for run in (training.run, without_doctor(training.run)):
        for prefix in until_each_step(run):
            _keep(most, min(1.0, prefix.last_step / training.label["steps"]), prefix, near=0)
    return {code: tuple(values) for code, values in most.items()}


def _keep(most: dict[str, list[float]], share: float, run: Run, near: int) -> None:
    """Keep how strongly signs of faults show on a prefix, for its phase and so many phases beside it."""
    if points_of(run) < live_rules().fewest_points:
        return
    signs = load_rulebook().signs
    phase = bisect_right(BEGINS, share) - 1
    for code, strength in strengths_of(run)[0].items():
        if not signs[code].of_health:
            usual = most[code]
            for place in range(max(0, phase - near), min(len(BEGINS), phase + near + 1)):
                usual[place] = max(usual[place], strength)


@cache
def of_the_laboratory() -> Mapping[str, Mapping[str, tuple[float, ...]]]:
    """Return what the laboratory's healthy trainings show at most, by environment and sign."""
    found: Mapping[str, Mapping[str, tuple[float, ...]]] = json.loads(LABORATORY.read_text("utf-8"))
    return found


def phases_of(runs: Iterable[RecordedRun], without: str = "") -> Phases:
    """Return the phases of recorded healthy runs and of the laboratory's, ``without`` those of one environment."""
    most: dict[str, tuple[float, ...]] = {}
    others = (values for env, values in of_the_laboratory().items() if env != without)
    for strengths in (*map(healthy_strengths, runs), *others):
        for code, values in strengths.items():
            most[code] = tuple(map(max, values, most[code])) if code in most else tuple(values)
    return Phases(BEGINS, {code: tuple(math.ceil(v * 100 - 1e-9) / 100 for v in most[code]) for code in sorted(most)})


def of_folder() -> list[Kept]:
    """Return the healthy trainings of the laboratory in the folder that is named on the command line."""
    from benchmarks.laboratory.healthy import healthy_trainings

    if len(sys.argv) < 3:
        raise SystemExit("Name the folder that benchmarks.laboratory.generate --out has written.")
    return healthy_trainings(Path(sys.argv[2]))


def write_laboratory() -> None:
    trainings = of_folder()
    most: dict[str, dict[str, tuple[float, ...]]] = defaultdict(dict)
    for training in trainings:
        of_env = most[training.label["environment"]]
        for code, values in laboratory_strengths(training).items():
            of_env[code] = tuple(round(max(pair), 3) for pair in zip(values, of_env.get(code, values), strict=True))
    rows = ",\n".join(
        f"{json.dumps(env)}: {{\n"
        + ",\n".join(f"{json.dumps(code)}: {json.dumps(values)}" for code, values in sorted(of_env.items()))
        + "}"
        for env, of_env in sorted(most.items())
    )
    LABORATORY.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
    of_the_laboratory.cache_clear()
    write_phases()
    write_unknown(trainings)


def write_unknown(trainings: Sequence[Kept] = ()) -> None:
    """Write what is said of healthy trainings on environments whose trainings the phases were made without."""
    trainings = trainings or of_folder()
    recorded = [p for p in recorded_runs() if not p.fault]
    found: list[list[At]] = []
    for env in sorted({one.label["environment"] for one in trainings}):
        phases = phases_of(recorded, without=env)
        glancing.shipped_phases = lambda _="", phases=phases: phases  # type: ignore[assignment]
        for one in trainings:
            if one.label["environment"] == env:
                found.append(course_of_run(until_each_step(one.run), one.label["steps"]))
    told = [rate(first(course, warned) <= share for course in found) for share in (0.1, 0.25, 1.0)]
    told.append(rate(first(course, is_sick) <= 1.0 for course in found))
    lines = ["| healthy runs | warned by 10 % | by 25 % | at any time | sick at any time |", "|---|---|---|---|---|"]
    envs = len({one.label["environment"] for one in trainings})
    write_section("unknown", [*lines, f"| on {envs} environments, each left out in turn | {' | '.join(told)} |"])


def write_phases() -> None:
    found = phases_of(p for p in recorded_runs() if not p.fault)
    PHASES.write_text(
        "# The most that recorded healthy runs show of each sign of a fault, in each phase of their training: what a run that still\n"
        "# trains is judged against. Written by python -m benchmarks.watch phases from every prefix of the healthy runs in tests/runs,\n"
        "# of which each phase also has what the phases beside it show, and of healthy trainings on the laboratory's environments\n"
        "# (benchmarks/laboratory/healthy_strengths.json), both with and without DoctorCallback.\n"
        f"{as_toml(found)}",
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
    glancing.shipped_phases = lambda _="": shipped  # type: ignore[assignment]
    return found


def courses(runs: Sequence[RecordedRun], phases: Phases, plain: bool = False) -> list[list[At]]:
    glancing.shipped_phases = lambda _="": phases  # type: ignore[assignment]
    return [course_of(run.without_doctor() if plain else run) for run in runs]


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
            lines.append(f"| {kind} | {logs} | {cells(found)} |")
            print(lines[-1], flush=True)
    write_section("prefixes", lines)


def write_points() -> None:
    """Write how many points the logs of harmed runs have by a tenth of their budget: those with fewer than two say nothing."""
    counts = Counter(
        points_of(recorded.run.until(int(0.1 * planned_steps(recorded))))
        for recorded in recorded_runs()
        if recorded.harmed
    )
    all_of_them, fewest = sum(counts.values()), live_rules().fewest_points
    judged = sum(count for points, count in counts.items() if points >= fewest)
    lines = ["| points by 10 % of the budget | harmed runs |", "|---|---|"]
    lines += [f"| {points} | {count} |" for points, count in sorted(counts.items())]
    write_section(
        "points",
        [*lines, f"| {fewest} or more, and so judged | {judged} of {all_of_them} ({judged / all_of_them:.0%}) |"],
    )


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


def measure(module: str) -> Callable[[], None]:
    """Return what writes the section of a module that trains or watches, and needs what the other commands do not."""
    name = {"off_policy": "off-policy", "callback_cost": "callback"}.get(module, module)
    return lambda: write_as_measured(name, importlib.import_module(f"benchmarks.watch.{module}").tables())


def main() -> None:
    modes = {
        "phases": write_phases,
        "laboratory": write_laboratory,
        "unknown": write_unknown,
        "prefixes": write_prefixes,
        "points": write_points,
        "off-policy": measure("off_policy"),
        "doomed": measure("doomed"),
        "day": measure("day"),
        "load": measure("load"),
        "callback": measure("callback_cost"),
    }
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted not in modes:
        raise SystemExit(__doc__)
    modes[wanted]()


if __name__ == "__main__":
    main()
