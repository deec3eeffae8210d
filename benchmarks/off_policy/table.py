"""How well off-policy runs are judged: python -m benchmarks.off_policy.table [--write]

Each batch of trainings is judged by weights that were fitted without any batch of its seed's fold; --write puts the tables
in docs/accuracy-off-policy.md.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.off_policy import fit
from benchmarks.off_policy.kept import Kept, trainings
from rldoctor.diagnosis.context import DiagnosisContext, shipped_context
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import RunDiagnosis, Verdict
from rldoctor.rulebook import load_rulebook

FOLDS = 4
DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy-off-policy.md"
HEADING = """# How well off-policy runs are judged

Trainings of SAC, TD3, DDPG and DQN, with hindsight replay among them, on eight small tasks (`benchmarks/off_policy`): updates,
targets, exploration and logs are those of Stable-Baselines3, many trainings side by side. A fault is harmful where the true
return late in training is below that of nine in ten healthy trainings of the recipe, with a third of their gain missing;
trainings without a fault that learned nothing are left out. Each training is judged by weights that were fitted without a
quarter of all trainings, itself among them. Reproduce with `python -m benchmarks.off_policy.table --write`, and record others
with `python -m benchmarks.off_policy.record OUT --seed 1`. Trainings that were recorded without time/fps are judged as if they had
logged it, as Stable-Baselines3 does: at a constant speed, so that it says that rows were written and nothing else.

Plain logs are what Stable-Baselines3 logs by itself. They do not hold what is in the replay buffer, how often there is an
update, or what the critic expects: of many faults they show the harm alone, and DoctorCallback is what tells the cause.

"""
CEILING = "## What no log can tell"
"""Heading of the section that :mod:`benchmarks.off_policy.ceiling` writes."""
BAD = (Verdict.SICK, Verdict.SUSPECT)


@dataclass(frozen=True)
class Judged:
    """One training as one view shows it, and what was said of it."""

    kept: Kept
    doctor: bool
    evaluated: bool
    result: RunDiagnosis

    @property
    def found(self) -> bool:
        return self.result.verdict in BAD

    @property
    def causes(self) -> list[str]:
        return [cause.name for cause in self.result.diagnoses if not cause.condition and cause.name != "healthy"]

    def named(self, most: int) -> bool:
        return self.found and any(name in self.kept.right for name in self.causes[:most])


def judged(kept: Sequence[Kept], context: DiagnosisContext) -> list[Judged]:
    return [
        Judged(item, doctor, evaluated, diagnose_run(item.view(doctor, evaluated), context=context))
        for item in kept
        for doctor, evaluated in fit.VIEWS
        if evaluated or item.fault != "evaluation-normalised"
    ]


def folds_of(kept: Sequence[Kept]) -> dict[int, int]:
    """Return the fold of each training, by its ``id``."""
    random = np.random.default_rng(0)
    return {id(item): int(random.integers(FOLDS)) for item in kept}


def held_out() -> list[Judged]:
    """Judge every training by weights that were fitted on the others: those of its recipe and fold are left out."""
    book = load_rulebook()
    kept = trainings()
    taught = [(item, row) for item in kept for row in fit.rows(book, item)]
    fold = folds_of(kept)
    found = []
    for number in range(FOLDS):
        fitted = fit.fit(book, [(item, row) for item, row in taught if fold[id(item)] != number])
        context = shipped_context_with(fit.with_weights(book, fitted))
        found += judged([item for item in kept if fold[id(item)] == number], context)
    return found


def shipped_context_with(book: object) -> DiagnosisContext:
    from dataclasses import replace

    return replace(shipped_context(), book=book)  # type: ignore[arg-type]


def share(items: Sequence[bool]) -> str:
    return f"{sum(items) / len(items):.0%} of {len(items)}" if items else "-"


def summary(found: Sequence[Judged]) -> list[str]:
    lines = [
        "| logs | found | cause first | among three | healthy called sick | healthy suspect | healthy unjudged |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, doctor, evaluated in (
        ("plain", False, False),
        ("plain, with evaluations", False, True),
        ("DoctorCallback", True, False),
        ("DoctorCallback, with evaluations", True, True),
    ):
        here = [item for item in found if item.doctor is doctor and item.evaluated is evaluated]
        bad = [item for item in here if item.kept.harmed]
        well = [item for item in here if not item.kept.fault and item.kept.learned]
        lines.append(
            f"| {name} | {share([i.found for i in bad])} | {share([i.named(1) for i in bad])} | {share([i.named(3) for i in bad])} | "
            f"{share([i.result.verdict is Verdict.SICK for i in well])} | {share([i.result.verdict is Verdict.SUSPECT for i in well])} | "
            f"{share([i.result.verdict is Verdict.UNJUDGED for i in well])} |"
        )
    return lines


def by_fault(found: Sequence[Judged]) -> list[str]:
    lines = [
        "| fault | harmed | found, plain | cause first, plain | found, callback | cause first, callback | said instead |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in found:
        groups[item.kept.fault].append(item)
    for fault in sorted(groups):
        here = [item for item in groups[fault] if item.kept.harmed or (not fault and item.kept.learned)]
        every = len({id(item.kept) for item in groups[fault]})
        harmed = len({id(item.kept) for item in here if item.kept.harmed})
        cells = []
        for doctor in (False, True):
            part = [item for item in here if item.doctor is doctor]
            cells += [share([i.found for i in part]), share([i.named(1) for i in part])]
        other = Counter(i.causes[0] if i.causes else str(i.result.verdict) for i in here if not i.named(1))
        said = ", ".join(f"{name} {count}" for name, count in other.most_common(3))
        lines.append(f"| {fault or 'healthy'} | {harmed} of {every} | " + " | ".join(cells) + f" | {said} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    found = held_out()
    tables = "\n".join([*summary(found), "", *by_fault(found)])
    print(tables)
    if chosen.write:
        _, heading, rest = DOCUMENT.read_text("utf-8").partition(CEILING)
        DOCUMENT.write_text(f"{HEADING}{tables}\n" + (f"\n{heading}{rest}" if heading else ""), "utf-8")


if __name__ == "__main__":
    main()
