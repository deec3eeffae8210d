"""Log-odds of causes from what other witnesses than the logs observe."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec import structs

from benchmarks import witnesses
from benchmarks.corpus import RecordedRun
from benchmarks.fit_weights.rows import rows
from benchmarks.fit_weights.signs import Fitted
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import FloatArray
from rldoctor.rulebook import Rulebook
from rldoctor.rulebook.applicable import made_for
from rldoctor.rulebook.schema import WitnessRule

# A finding of preflight against a check that passes: the first was seen, the second may have looked past the fault. Few
# environments show each, so what people say of it is kept to more firmly than of a sign.
FOUND, CLEARED, FIRMNESS = 10.0, 2.0, 2e-3
# The first cause of a finding is its most likely one: evidence.toml names them in that order.
NEXT = 1.5
WITNESS_ROUNDS = 500


def fit_witnesses(book: Rulebook, corpus: Sequence[RecordedRun]) -> Fitted:
    """Fit what other witnesses' observations add to a cause, the weights of the signs of logs left as they are.

    Logs alone are judged as before, whatever the other witnesses say.
    """
    names = [rule.name for rule in book.diagnoses.values() if rule.ranked and made_for(rule, "ppo")]
    codes, keys = list(book.signs), list(book.witnesses)
    counts = Counter(recorded.fault for recorded in corpus)
    taught = [
        (recorded, row, seen) for recorded in corpus for seen in witness_views(recorded) for row in rows(recorded)
    ]
    x = np.array([[seen.get(key, 0.0) for key in keys] for _, _, seen in taught])
    y = np.array([[row.target.get(name, 0.0) for name in names] for _, row, _ in taught])
    signs = np.array([[row.strengths.get(code, 0.0) for code in codes] for _, row, _ in taught])
    by_logs = np.array([[book.diagnoses[name].weights.get(code, 0.0) for code in codes] for name in names])
    known = signs @ by_logs.T + np.array([book.diagnoses[name].bias for name in names])
    weight = np.array(
        [row.weight * (1.0 if recorded.fault else len(counts)) / counts[recorded.fault] for recorded, row, _ in taught]
    )
    prior = np.array([[_opinion(book.witnesses[key], name) for key in keys] for name in names])
    w = _descend(x, y, weight / weight.sum(), prior, known)
    return {name: (0.0, {k: float(w[i, j]) for j, k in enumerate(keys) if prior[i, j]}) for i, name in enumerate(names)}


def witness_views(recorded: RecordedRun) -> list[dict[str, float]]:
    """Return what other witnesses than the logs say of a run, in each combination of those that may be at hand."""
    return [
        {item.key: item.strength for statement in heard(recorded) for item in statement.observations}
        for heard in (witnesses.environment, witnesses.settings, witnesses.both)
    ]


def _opinion(rule: WitnessRule, cause: str) -> float:
    """Return the log-odds that an observation adds to a cause before any run is seen."""
    if cause in rule.supports:
        return FOUND - (NEXT if cause != rule.supports[0] else 0.0)
    if cause in rule.contradicts:
        # A finding shows what is the case; a check that passes may have looked past it.
        return -FOUND if rule.supports else -CLEARED
    # Evidence of a fault is evidence against health.
    return -CLEARED if cause == HEALTHY and rule.supports else 0.0


def _descend(x: FloatArray, y: FloatArray, weight: FloatArray, prior: FloatArray, known: FloatArray) -> FloatArray:
    """Minimise the penalised cross-entropy with Adam (its usual constants), each weight kept on its side of zero.

    ``known`` log-odds are added as they are.
    """
    w, direction = prior.copy(), np.sign(prior)
    first, second = np.zeros_like(w), np.zeros_like(w)
    for step in range(1, WITNESS_ROUNDS + 1):
        logits = x @ w.T + known
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        gradient = ((p - y) * weight[:, None]).T @ x + FIRMNESS * (w - prior)
        rate = 0.03 * (1 - step / (WITNESS_ROUNDS + 1))
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        w -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-10)
        w = direction * np.clip(w * direction, 0.0, FOUND)
    return w


def with_witnesses(book: Rulebook, fitted: Fitted) -> Rulebook:
    """Return the rulebook with other weights of what witnesses other than the logs observe."""
    rules = {
        name: structs.replace(
            rule,
            weights={
                **{code: weight for code, weight in rule.weights.items() if code not in book.witnesses},
                **(fitted[name][1] if name in fitted else {}),
            },
        )
        for name, rule in book.diagnoses.items()
    }
    return dataclasses.replace(book, diagnoses=rules)
