"""Fit the log-odds in checks/diagnoses/ on recorded runs: python -m tests.benchmarks.fit_weights [RUNS ...].

The model is the one that diagnoses: the probability of a cause is the softmax of its bias and the weights of the signs
that show. What speaks for or against a cause is written by people (the sign of a weight, its presence in the file);
how much is fitted here, by penalised maximum likelihood that pulls each weight towards PRIOR. Each run is used in
several views (with its reference, without, without a success rate), so that the weights also serve environments that no
reference knows.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from rldoctor.diagnose.match import match
from rldoctor.model import Severity
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.diagnoses import FIRES_FROM, observe_all
from tests.benchmarks.corpus import HERE, Patient, patients

# A sign at full strength multiplies the odds by about e^1.2 = 3 unless the runs say otherwise.
PRIOR = 1.2
# Signs that are proof by themselves, and that recorded runs hardly show: Stable-Baselines3 stops at the first NaN.
PROOF = {"NUM101": 6.0, "NUM102": 4.0}
PENALTY = 0.002
LARGEST = 6.0
ROUNDS = 5000


def views(patient: Patient) -> list[Case]:
    """Return the run as seen with its reference, without one, and without one or a success rate (as most runs are)."""
    matched = match(patient.run)
    bare = {name: curve for name, curve in patient.run.curves.items() if name != "success_rate"}
    views = [Case(patient.run, matched.reference, matched.same_recipe), Case(patient.run)]
    return [*views, Case(dataclasses.replace(patient.run, curves=bare))] if len(bare) < len(patient.run.curves) else views


def strengths(book: Rulebook, case: Case) -> dict[str, float]:
    return {item.sign.code: item.strength for item in observe_all(book, case)[0]}


def unharmed(seen: dict[str, float]) -> bool:
    """Whether a fault has done no harm: the outcome is that of healthy runs."""
    return seen.get("RET902", 0.0) > 0.8 and seen.get("RET904", 1.0) > 0.5


def silent(book: Rulebook, seen: dict[str, float]) -> bool:
    """Whether nothing shows: without a reference a fault that only slows learning cannot be told from a slow task."""
    return not any(
        value >= FIRES_FROM and not book.signs[code].reassuring and book.signs[code].severity is not Severity.NOTE
        for code, value in seen.items()
    )


def fit(book: Rulebook, people: list[Patient]) -> dict[str, tuple[float, dict[str, float]]]:
    names = [name for name, rule in book.diagnoses.items() if not rule.beside]
    codes = list(book.signs)
    rows, targets, counts = [], [], Counter(patient.fault for patient in people)
    weights_of_rows = []
    for patient in people:
        cases = views(patient)
        if patient.fault and not patient.healthy and unharmed(strengths(book, cases[0])):
            continue
        for case in cases:
            seen = strengths(book, case)
            if patient.fault and not patient.healthy and case.reference is None and silent(book, seen):
                continue
            target = np.zeros(len(names))
            shares = np.array([0.5**i for i in range(len(patient.right))])
            for name, share in zip(patient.right, shares / shares.sum(), strict=True):
                target[names.index(name)] = share
            rows.append([seen.get(code, 0.0) for code in codes])
            targets.append(target)
            # Every fault counts alike however many runs it has, and all healthy runs together as much as all faults.
            weights_of_rows.append((len(counts) if not patient.fault else 1.0) / counts[patient.fault])
    x, y, row_weight = np.array(rows), np.array(targets), np.array(weights_of_rows)
    row_weight /= row_weight.sum()
    direction = np.array([[np.sign(book.diagnoses[name].weights.get(code, 0.0)) for code in codes] for name in names])
    prior = direction * np.array([PROOF.get(code, PRIOR) for code in codes])
    w, b = prior.copy(), np.zeros(len(names))
    m_w, v_w, m_b, v_b = np.zeros_like(w), np.zeros_like(w), np.zeros_like(b), np.zeros_like(b)
    for step in range(1, ROUNDS + 1):
        logits = x @ w.T + b
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        error = (p - y) * row_weight[:, None]
        grad_w = error.T @ x + PENALTY / 10 * (w - prior)
        grad_b = error.sum(axis=0) + PENALTY / 10 * b
        # Adam, with its usual constants.
        for value, grad, m, v in ((w, grad_w, m_w, v_w), (b, grad_b, m_b, v_b)):
            m[:] = 0.9 * m + 0.1 * grad
            v[:] = 0.999 * v + 0.001 * grad**2
            value -= 0.02 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        w = np.clip(w * direction, 0.0, LARGEST) * direction
        b = np.clip(b, -4.0, 4.0)
    return {
        name: (float(b[i]), {code: float(w[i, j]) for j, code in enumerate(codes) if direction[i, j]})
        for i, name in enumerate(names)
    }


def write(book: Rulebook, fitted: dict[str, tuple[float, dict[str, float]]]) -> None:
    for name, (bias, weights) in fitted.items():
        path = book.diagnoses[name].file
        text = re.sub(r"(?m)^bias = .*$", f"bias = {bias:.2f}", path.read_text(encoding="utf-8"))
        for code, weight in weights.items():
            # A weight fitted to zero keeps a trace, so that its direction is not forgotten.
            shown = weight if abs(weight) >= 0.05 else 0.05 * np.sign(book.diagnoses[name].weights[code])
            text = re.sub(rf"(?m)^{code} = .*$", f"{code} = {shown:.2f}", text)
        path.write_text(text, encoding="utf-8")


def main() -> None:
    roots = [Path(argument) for argument in sys.argv[1:]] or [HERE]
    book, people = load_rulebook(), list(patients(roots))
    print(f"{len(people)} runs, {sum(patient.healthy for patient in people)} of them healthy")
    write(book, fit(book, people))


if __name__ == "__main__":
    main()
