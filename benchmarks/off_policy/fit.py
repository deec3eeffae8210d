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
from benchmarks.off_policy.kept import RECORDED, Kept, View, join, trainings
from rldoctor import datafile
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import Run, Severity
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.observe import observe_all
from rldoctor.rulebook.off_policy import OFF_POLICY
from rldoctor.rulebook.schema import FIRES_FROM
from rldoctor.settings import judge_settings
from rldoctor.settings.signs import setting_signs

FAMILY = "off_policy"
FILE = datafile.folder("checks") / f"weights_{FAMILY}.toml"
HEADING = """Log-odds of causes in runs of off-policy algorithms (family = "off_policy" in algorithms.toml): what each sign at full
strength adds to a cause (positive) or takes from it, and what a cause has before any sign is seen (bias). Written by
python -m benchmarks.off_policy.fit, which keeps the side of zero that it finds; checks/README.md says how to add a sign.
"""
UNHARMED_CAUSE = UNHARMED_WEIGHT = 0.7
VIEWS = (
    View(doctor=True, evaluated=True),
    View(doctor=True),
    View(evaluated=True),
    View(),
    View(doctor=True, settings=True),
    View(settings=True),
    View(counted=True),
)
# How much a setting out of its range counts for its first cause, for the next one and for health, and a usual one
# against the cause that it clears: what people say, from which a fit begins.
SETTING, NEXT, UNHEALTHY, CLEARED = 6.0, 2.0, -1.2, -2.0
# Steps of the fit, after which fewer causes of trainings left out are right, by tasks and by trainings: 60 to 1,000 tried.
ROUNDS = 150
# Causes that trainings of the laboratory have.
TAUGHT = {name for fault in FAULTS for name in fault.right}
# That updates are not logged says what was written down, such as a monitor file alone, and nothing of the training.
LEFT_OUT = "LOG402"
_NOT_FINITE = "non-finite-values"
# No training of the laboratory ends so: hundreds of episodes in a row that fail at once are certain by themselves. By what
# people say of hallmarks alone such a run is suspect of something else (tests/rulebook/test_episodes.py).
# A training that breaks on NaN before its first row of losses has nothing but run.json: NaN is the symptom, and a rate that
# is far beyond any other the cause. Those of the laboratory log their rate (UPD304) before they break. Nearly PPO's weight.
BY_HAND = {
    ("performance-collapse", "RET306"): 14.0,
    (HEALTHY, "RET306"): -10.0,
    ("learning-rate-too-high", "SET101-learning-rate-high"): 8.5,
}
Weights = Mapping[str, Mapping[str, float]]


def rows(book: Rulebook, kept: Kept) -> list[Row]:
    """Return what one training teaches: the strengths of signs in each view, and what should be said of it."""
    found: list[Row] = []
    if not kept.fault and not kept.learned:
        return found
    causes = [name for name in kept.right if name in book.weights_of[FAMILY]]
    shares = np.array([0.5**i for i in range(len(causes))])
    hallmarks = book.diagnoses[_NOT_FINITE].hallmarks
    cause = dict(zip(causes, (shares / shares.sum()).tolist(), strict=True))
    for view in VIEWS:
        if kept.fault == "evaluation-normalised" and not view.evaluated:
            continue
        seen = strengths(book, kept.view(view))
        seen.pop(LEFT_OUT, None)
        if kept.right == (_NOT_FINITE,) and not any(seen.get(code, 0.0) >= FIRES_FROM for code in hallmarks):
            # NaN is in the logs or it is not: one that broke off before it was logged teaches nothing of its signs.
            continue
        if not kept.fault or kept.right == (HEALTHY,):
            found.append(Row(seen, {HEALTHY: 1.0}, 1.0))
        elif kept.harmed and _shows(book, seen):
            found.append(Row(seen, cause, 1.0))
        elif kept.harmed:
            continue
        elif _shows(book, seen):
            mixed = {name: share * UNHARMED_CAUSE for name, share in cause.items()}
            found.append(Row(seen, {**mixed, HEALTHY: 1.0 - UNHARMED_CAUSE}, UNHARMED_WEIGHT))
        else:
            found.append(Row(seen, {HEALTHY: 1.0}, UNHARMED_WEIGHT))
    return found


def strengths(book: Rulebook, run: Run) -> dict[str, float]:
    """Return the strength of each sign of a run, and of what its settings say."""
    seen = {item.sign.code: item.strength for item in observe_all(book, Case(run))[0]}
    said = judge_settings(run.settings, run.algorithm) if run.settings else []
    return seen | {item.key: item.strength for item in said}


def _shows(book: Rulebook, seen: Mapping[str, float]) -> bool:
    """Return whether a sign that is more than a note shows, or a setting that is out of its range."""
    of_settings = {key for key in seen if key not in book.signs}
    if any(seen[key] >= FIRES_FROM and not key.endswith("-passed") for key in of_settings):
        return True
    return shows(book, {code: strength for code, strength in seen.items() if code not in of_settings})


def said_of_settings(book: Rulebook) -> dict[str, dict[str, float]]:
    """Return what people say of settings: cause to key of an observation to its weight."""
    found: dict[str, dict[str, float]] = {name: {} for name in book.weights_of[FAMILY]}
    for sign in setting_signs().values():
        if not set(sign.ranges) & set(OFF_POLICY):
            continue
        own = [name for name in sign.causes if name in found]
        for name in own:
            found[name][f"{sign.code}-{sign.name}"] = SETTING if name == own[0] else NEXT
        found[HEALTHY][f"{sign.code}-{sign.name}"] = UNHEALTHY
        for name in set(sign.cleared) & set(found):
            found[name][f"{sign.code}-passed"] = CLEARED
    return found


def fit(book: Rulebook, taught: Sequence[tuple[Kept, Row]]) -> Weights:
    """Return biases and weights fitted on the rows."""
    before = book.weights_of[FAMILY]
    of_settings = said_of_settings(book)
    keys = sorted({key for said in of_settings.values() for key in said})
    names, codes = list(before), [*book.signs, *keys]
    counts = Counter(kept.fault for kept, _ in taught)
    x = np.array([[row.strengths.get(code, 0.0) for code in codes] for _, row in taught], np.float32)
    y = np.array([[row.target.get(name, 0.0) for name in names] for _, row in taught], np.float32)
    # Every fault counts the same, however many trainings it has; all healthy ones together count as much as all faults.
    weight = np.array(
        [row.weight * (1.0 if k.fault else len(counts)) / counts[k.fault] for k, row in taught], np.float32
    )
    side = np.array([[np.sign(before[name].get(code, 0.0)) for code in codes] for name in names])
    decisive = np.array([[code in book.diagnoses[name].hallmarks for code in codes] for name in names])
    grave = np.array(
        [
            [name == HEALTHY and c in book.signs and book.signs[c].severity is Severity.ERROR for c in codes]
            for name in names
        ]
    )
    prior = side * np.where(decisive, DECISIVE, np.where(grave, GRAVE, PRIOR))
    for i, name in enumerate(names):
        for j, key in enumerate(keys, len(book.signs)):
            prior[i, j] = of_settings[name].get(key, 0.0)
    for (name, code), weight_by_hand in BY_HAND.items():
        prior[names.index(name), codes.index(code)] = weight_by_hand
    side = np.sign(prior)
    # What speaks for and against health is said by people; of causes the trainings may say more.
    free = np.array([[name != HEALTHY and name in TAUGHT and code in book.signs for code in codes] for name in names])
    says = odds.Expected(prior.astype(np.float32), (side != 0) | free)
    found = odds.fit(x, y, weight, says, rounds=ROUNDS)
    # What no training shows is not fitted, nor held below what a fitted weight may be at most.
    for (name, code), weight_by_hand in BY_HAND.items():
        found.weight[names.index(name), codes.index(code)] = weight_by_hand
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
    said = said_of_settings(book)
    for name in sorted(fitted):
        content[name] = {"bias": round(fitted[name]["bias"], 2)}
        for code in sorted(fitted[name].keys() - {"bias"}):
            side = np.sign(said.get(name, {}).get(code, book.weights_of[FAMILY][name].get(code, 0.0)))
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
