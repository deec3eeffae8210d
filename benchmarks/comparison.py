"""How well two runs are compared: python -m benchmarks.comparison, which writes docs/comparison.md

Pairs of recorded runs (tests/runs): two seeds of one recipe, one setting changed, one wrapper or piece of code changed.
Half a minute.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks import DOCS
from rldoctor.comparison.compare import compare_runs
from rldoctor.diagnosis.context import shipped_context
from rldoctor.logs import read_run
from rldoctor.model import ComparisonResult, Run

DOCUMENT = DOCS / "comparison.md"
RUNS = DOCS.parent / "tests" / "runs"
# Of one recipe, so many runs are paired with each other.
_MOST_SEEDS = 5
# Faults that are in the logs themselves, or that end a training before it can be compared.
_OTHERWISE = ("step-axis-reset", "two-runs-in-one-directory", "killed-early", "observations-nan")


class Recorded(NamedTuple):
    """A recorded run: where it is, its recipe, what is changed in it, and the diagnoses that would be right."""

    folder: Path
    reference: str
    overrides: dict[str, object]
    fault: str
    causes: tuple[str, ...]
    harmless: bool


def recorded() -> Iterator[Recorded]:
    for file in sorted(RUNS.rglob("run.json")):
        recipe, label = json.loads(file.read_text())["recipe"], file.with_name("label.json")
        about = json.loads(label.read_text()) if label.exists() else {"fault": "", "diagnoses": []}
        overrides = {key: value for key, value in recipe["overrides"].items() if key != "total_steps"}
        harmless = file.is_relative_to(RUNS / "benign")
        yield Recorded(file.parent, recipe["name"], overrides, about["fault"], tuple(about["diagnoses"]), harmless)


@cache
def run_of(folder: Path) -> Run:
    return read_run(folder)


def compared(good: Recorded, bad: Recorded) -> ComparisonResult:
    return compare_runs(run_of(good.folder), run_of(bad.folder), shipped_context())


def pairs_of_seeds(sick: bool) -> Iterator[tuple[Recorded, Recorded]]:
    """Yield pairs that differ in their seed alone."""
    alike: dict[tuple[object, ...], list[Recorded]] = defaultdict(list)
    for one in recorded():
        if bool(one.fault and not one.harmless) is sick and not one.fault.startswith(_OTHERWISE):
            steps = json.loads((one.folder / "run.json").read_text())["recipe"]["total_steps"]
            alike[one.reference, json.dumps(one.overrides), one.fault, steps].append(one)
    for group in alike.values():
        yield from itertools.combinations(group[:_MOST_SEEDS], 2)


def pairs_with_a_change() -> Iterator[tuple[Recorded, Recorded]]:
    """Yield pairs of a healthy run as its recipe has it, and one with something changed."""
    everything = list(recorded())
    for bad in everything:
        plain = (
            one for one in everything if one.folder.name.startswith("as-recorded") and one.reference == bad.reference
        )
        good = next(plain, None)
        if good and (bad.overrides or bad.fault) and not bad.harmless and not bad.fault.startswith(_OTHERWISE):
            yield good, bad


def names_settings(result: ComparisonResult, bad: Recorded) -> tuple[bool, list[str]]:
    """Return whether every changed setting is named, and what else is; a shorter training is one more change."""
    named = {pair.name for pair in result.differences}
    changed = {key for key in bad.overrides if key in {pair.name for pair in result.setting_pairs}}
    real = {key for key in changed if key in named}
    # A setting that is set to the value that it has anyway is no change.
    same = {pair.name for pair in result.setting_pairs if pair.good == pair.bad}
    return bool(real) and real == changed - same, sorted(named - changed - {"total_steps"})


def names_cause(result: ComparisonResult, bad: Recorded) -> bool:
    """Return whether the curves part and one of the three likeliest causes is right."""
    return bool(result.partings) and bool({cause.name for cause in result.diagnoses} & set(bad.causes))


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *rest = rows
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rest)]


def write() -> str:
    """Return the document."""
    rows = [("pairs", "number", "result")]
    missed: list[str] = []
    for sick, word in ((False, "healthy"), (True, "sick")):
        pairs = [(one, other, compared(one, other)) for one, other in pairs_of_seeds(sick)]
        settings = sum(bool(result.differences) for *_, result in pairs)
        parted = [f"{one.folder.name} and {other.folder.name}" for one, other, result in pairs if result.partings]
        rows.append(
            (f"two seeds, {word}", f"{len(pairs)}", f"a setting invented in {settings}, a parting in {len(parted)}")
        )
        missed += [f"a parting of two seeds: {pair}" for pair in parted]
    changed = [(bad, compared(good, bad)) for good, bad in pairs_with_a_change()]
    of_settings = [(bad, result) for bad, result in changed if bad.overrides]
    found = [names_settings(result, bad) for bad, result in of_settings]
    right, extra = sum(ok for ok, _ in found), sum(bool(more) for _, more in found)
    rows.append(
        ("a setting changed", f"{len(found)}", f"all changed settings named in {right}, another named in {extra}")
    )
    missed += [
        f"a setting: {bad.folder.name}"
        for (bad, _), (ok, more) in zip(of_settings, found, strict=True)
        if not ok or more
    ]
    others = [(bad, result) for bad, result in changed if not bad.overrides]
    named = [
        (names_cause(result, bad), bool(result.partings), bool(names_settings(result, bad)[1]), bad)
        for bad, result in others
    ]
    rows.append(
        (
            "the environment, a wrapper or the code changed",
            f"{len(named)}",
            f"the curves part in {sum(parted for _, parted, *_ in named)}; they part and a right cause is among the first "
            f"three in {sum(ok for ok, *_ in named)}; a setting invented in {sum(differs for *_, differs, _ in named)}",
        )
    )
    missed += [f"a change elsewhere: {bad.folder.name}" for ok, *_, bad in named if not ok]
    lines = [
        "# Two runs compared",
        "",
        "Written by `python -m benchmarks.comparison` from the recorded runs in `tests/runs`. The thresholds in",
        "`checks/comparison.toml` were chosen on these pairs; faults of logs, trainings that were killed early and NaN observations are not among them.",
        "Trainings that were recorded shorter than their recipe says so (`total_steps`) too; that is not counted.",
        "",
        *_table(rows),
        "",
        "## Missed",
        "",
        *(f"- {line}" for line in missed),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    DOCUMENT.write_text(write(), encoding="utf-8")
