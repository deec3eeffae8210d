"""Cases from practice: trainings that people wrote about in public, rebuilt from the numbers that they gave.

A file of tests/cases says what was trained, where it stands, which numbers are given there and what was the matter. The
curve of a tag runs straight from one given point to the next, on a logarithmic scale where it changes tenfold; a tag
with one number has one point.
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor.logs import read_run
from rldoctor.model import Run, RunDiagnosis, Verdict

CASES = Path(__file__).resolve().parents[1] / "cases"
# About as many points as a training of that length would log.
POINTS = 40
_TENFOLD = 10.0


@dataclass(frozen=True)
class Case:
    """One file; ``missed`` says why the doctor does not see what is the matter, empty where it has to."""

    name: str
    title: str
    source: str
    framework: str
    algorithm: str
    state: str
    right: tuple[str, ...]
    why_right: str
    given: str
    last_step: int
    tags: dict[str, dict[str, list[Any]]]
    missed: str = ""

    def holds(self, subject: RunDiagnosis) -> bool:
        """Whether what the doctor says of it is right: no alarm for the healthy, the cause among three for the sick."""
        if self.state == "healthy":
            return subject.verdict in (Verdict.HEALTHY, Verdict.UNJUDGED)
        named = {diagnosis.name for diagnosis in subject.diagnoses[:3]}
        return subject.verdict in (Verdict.SICK, Verdict.SUSPECT) and bool(named & set(self.right))

    def rebuild(self, folder: Path) -> Run:
        """Write the case as a table into ``folder`` and read it as any other log."""
        table = folder / f"{self.name}.csv"
        first = min(curve["steps"][0] for curve in self.tags.values())
        given = {step for curve in self.tags.values() for step in curve["steps"]}
        grid = sorted(given | set(np.linspace(first, self.last_step, POINTS).astype(int).tolist()))
        columns = {tag: _through(curve["steps"], curve["values"], grid) for tag, curve in self.tags.items()}
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["total_timesteps", *columns])
            writer.writerows([step, *(column[place] for column in columns.values())] for place, step in enumerate(grid))
        return read_run(table, self.framework)


def _through(steps: list[int], values: list[float], grid: list[int]) -> list[str]:
    numbers = np.array(values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        drawn = np.interp(grid, steps, numbers)
        if (numbers > 0).all() and numbers.max() > _TENFOLD * numbers.min():
            drawn = np.exp(np.interp(grid, steps, np.log(numbers)))
    exact = dict(zip(steps, values, strict=True))
    within = [steps[0] <= step <= steps[-1] for step in grid]
    return [repr(float(exact.get(step, drawn[i]))) if within[i] else "" for i, step in enumerate(grid)]


@cache
def cases() -> tuple[Case, ...]:
    """Return all cases by name."""
    found = []
    for path in sorted(CASES.glob("*.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found.append(Case(name=path.stem, **{**content, "right": tuple(content["right"])}))
    return tuple(found)
