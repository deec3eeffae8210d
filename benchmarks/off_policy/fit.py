"""Fit the log-odds in checks/weights_off_policy.toml: python -m benchmarks.off_policy.fit [--join OUT ...]

--join first joins the batches in folders that benchmarks.off_policy.record wrote in trainings.npz. Model, penalty and what
people say (the sides of zero, hallmarks) are those of benchmarks.fit_weights.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.fit_weights import Row, shows
from benchmarks.laboratory import odds
from benchmarks.laboratory.table import DECISIVE, GRAVE, PRIOR
from benchmarks.off_policy.faults import FAULTS
from benchmarks.off_policy.kept import RECORDED, Kept, join, trainings
from rldoctor import datafile
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import Severity
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.observe import observe_all

FAMILY = "off_policy"
FILE = datafile.folder("checks") / f"weights_{FAMILY}.toml"
HEADING = """Log-odds of causes in runs of off-policy algorithms (family = "off_policy" in algorithms.toml): what each sign at full
strength adds to a cause (positive) or takes from it, and what a cause has before any sign is seen (bias). Written by
python -m benchmarks.off_policy.fit, which keeps the side of zero that it finds; checks/README.md says how to add a sign.
"""
UNHARMED_CAUSE = UNHARMED_WEIGHT = 0.7
VIEWS = ((True, True), (True, False), (False, True), (False, False))
# Steps of the fit, after which the error on trainings left out no longer falls.
ROUNDS = 400
# Causes that trainings of the laboratory have.
TAUGHT = {name for fault in FAULTS for name in fault.right}
# That updates are not logged says what was written down, such as a monitor file alone, and nothing of the training.
LEFT_OUT = "LOG402"
# No training of the laboratory ends so: hundreds of episodes in a row that fail at once are certain by themselves.
BY_HAND = {("performance-collapse", "RET306"): 14.0, (HEALTHY, "RET306"): -10.0}
Weights = Mapping[str, Mapping[str, float]]


def rows(book: Rulebook, kept: Kept) -> list[Row]:
    """Return what one training teaches: the strengths of signs in each view, and what should be said of it."""
    found: list[Row] = []
    if not kept.fault and not kept.learned:
        return found
    causes = [name for name in kept.right if name in book.weights_of[FAMILY]]
    shares = np.array([0.5**i for i in range(len(causes))])
    cause = dict(zip(causes, (shares / shares.sum()).tolist(), strict=True))
    for doctor, evaluated in VIEWS:
        if kept.fault == "evaluation-normalised" and not evaluated:
            continue
        seen = {i.sign.code: i.strength for i in observe_all(book, Case(kept.view(doctor, evaluated)))[0]}
        seen.pop(LEFT_OUT, None)
        if not kept.fault or kept.right == (HEALTHY,):
            found.append(Row(seen, {HEALTHY: 1.0}, 1.0))
        elif kept.harmed and shows(book, seen):
            found.append(Row(seen, cause, 1.0))
        elif kept.harmed:
            continue
        elif shows(book, seen):
            mixed = {name: share * UNHARMED_CAUSE for name, share in cause.items()}
            found.append(Row(seen, {**mixed, HEALTHY: 1.0 - UNHARMED_CAUSE}, UNHARMED_WEIGHT))
        else:
            found.append(Row(seen, {HEALTHY: 1.0}, UNHARMED_WEIGHT))
    return found


def fit(book: Rulebook, taught: Sequence[tuple[Kept, Row]]) -> Weights:
    """Return biases and weights fitted on the rows."""
    before = book.weights_of[FAMILY]
    names, codes = list(before), list(book.signs)
    counts = Counter(kept.fault for kept, _ in taught)
    x = np.array([[row.strengths.get(code, 0.0) for code in codes] for _, row in taught], np.float32)
    y = np.array([[row.target.get(name, 0.0) for name in names] for _, row in taught], np.float32)
    # Every fault counts the same, however many trainings it has; all healthy ones together count as much as all faults.
    weight = np.array(
        [row.weight * (1.0 if k.fault else len(counts)) / counts[k.fault] for k, row in taught], np.float32
    )
    side = np.array([[np.sign(before[name].get(code, 0.0)) for code in codes] for name in names])
    decisive = np.array([[code in book.diagnoses[name].hallmarks for code in codes] for name in names])
    grave = np.array([[name == HEALTHY and book.signs[c].severity is Severity.ERROR for c in codes] for name in names])
    prior = side * np.where(decisive, DECISIVE, np.where(grave, GRAVE, PRIOR))
    for (name, code), weight_by_hand in BY_HAND.items():
        prior[names.index(name), codes.index(code)] = weight_by_hand
    # What speaks for and against health is said by people; of causes the trainings may say more.
    free = np.array([[name != HEALTHY and name in TAUGHT for _ in codes] for name in names])
    says = odds.Expected(prior.astype(np.float32), (side != 0) | free)
    found = odds.fit(x, y, weight, says, rounds=ROUNDS)
    return {
        name: {
            "bias": float(found.bias[i]),
            **{code: float(found.weight[i, j]) for j, code in enumerate(codes) if side[i, j] or found.weight[i, j]},
        }
        for i, name in enumerate(names)
    }


def with_weights(book: Rulebook, fitted: Weights) -> Rulebook:
    """Return the rulebook with other weights for off-policy runs."""
    return replace(book, weights_of={**book.weights_of, FAMILY: fitted})


def write(book: Rulebook, fitted: Weights) -> None:
    content: dict[str, dict[str, float]] = {}
    for name in sorted(fitted):
        content[name] = {"bias": round(fitted[name]["bias"], 2)}
        for code in sorted(fitted[name].keys() - {"bias"}):
            side = np.sign(book.weights_of[FAMILY][name].get(code, 0.0))
            # One that people have said and that is fitted to zero keeps a small value: its direction is not lost.
            lost = abs(fitted[name][code]) < odds.SMALLEST
            content[name][code] = round(float(side * odds.SMALLEST if lost else fitted[name][code]), 2)
    datafile.write_toml(FILE, content, HEADING)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--join", type=Path, nargs="+")
    chosen = parser.parse_args()
    if chosen.join:
        parts = sorted(part for folder in chosen.join for part in folder.glob("batch-*.npz"))
        print(f"{join(parts, RECORDED)} trainings of {len(parts)} batches")
    book = load_rulebook()
    taught = [(kept, row) for kept in trainings() for row in rows(book, kept)]
    write(book, fit(book, taught))


if __name__ == "__main__":
    main()
