"""The recorded runs with their labels: the fault that was put in, its effect, and the diagnoses that are right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from benchmarks import TESTS
from rldoctor.experiments.fault_archive import LabelledRun, labelled_runs
from rldoctor.model import Curve, Run

RECORDED = TESTS / "runs"


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """A recorded run whose fault is known.

    Attributes:
        run: The curves.
        name: Place in the corpus.
        env: Environment id.
        fault: Name of the fault that was put in; empty for a healthy run.
        severity: Of the fault.
        seed: Of the training.
        right: The diagnoses that would be right, best first; ``("healthy",)`` for none.
        harmed: Whether the true outcome, which the fault cannot distort, is outside the band of healthy runs at that step.
    """

    run: Run
    name: str
    env: str
    fault: str
    severity: str
    seed: int
    right: tuple[str, ...]
    harmed: bool

    @property
    def healthy(self) -> bool:
        return self.right == ("healthy",)

    def without_doctor(self) -> RecordedRun:
        """Return the run as plain Stable-Baselines3 would have logged it."""
        return replace(self, run=without_doctor(self.run))

    def until(self, share: float) -> RecordedRun:
        """Return the first part of the run, as it stood after ``share`` of its steps."""
        last = share * self.run.last_step
        curves = {name: _cut(curve, last) for name, curve in self.run.curves.items() if curve.steps[0] <= last}
        record = {**self.run.record, "status": "running"} if share < 1 else self.run.record
        return replace(self, run=replace(self.run, curves=curves, record=record))


def without_doctor(run: Run) -> Run:
    """Return the run without what the DoctorCallback logged."""
    curves = {name: curve for name, curve in run.curves.items() if not curve.tag.startswith("doctor/")}
    return replace(run, curves=curves)


def _cut(curve: Curve, last: float) -> Curve:
    keep = curve.steps <= last
    return Curve(curve.metric, curve.steps[keep], curve.values[keep], curve.tag, curve.aggregation)


@cache
def recorded_runs(roots: tuple[Path, ...] = (RECORDED,)) -> tuple[RecordedRun, ...]:
    return tuple(_recorded_run(labelled) for root in roots for labelled in labelled_runs(root))


def _recorded_run(of: LabelledRun) -> RecordedRun:
    fault = of.fault.name if of.fault else ""
    return RecordedRun(of.run, of.name, str(of.recipe.get("env", "")), fault, of.severity, of.seed, of.right, of.harmed)
