"""Log-odds of causes from the signs of logs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import structs

from benchmarks.corpus import RecordedRun
from benchmarks.fit_weights.rows import rows
from benchmarks.laboratory import odds
from benchmarks.laboratory.second_opinion import joined
from benchmarks.laboratory.table import expected, ranked_names
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import Severity
from rldoctor.rulebook import Rulebook
from rldoctor.rulebook.applicable import made_for

PENALTY = 2e-4
# Steps of the fit, and of weighing health and the biases anew once both fits are joined.
ROUNDS, RECALIBRATION = 500, 150
# A hallmark that is an error is no hint: it counts at least this for its cause, whatever else the few runs that show it
# had. On the recorded runs 3 to 4.5 did about as well, and none did better without.
CERTAIN = 4.0
# What depends on the unit of the reward shows a size and no fault, and must not hide what else is wrong with a training. The
# two signs of large rewards show one fact, and come together. Lower limits favour docs/invariance.md (rewards times 100),
# higher ones the runs of that fault in docs/accuracy.md (a whole environment held out).
MOST = {"RET115": 4.5, "VAL102": 4.5}

Fitted = Mapping[str, tuple[float, Mapping[str, float]]]


def fit(book: Rulebook, corpus: Sequence[RecordedRun]) -> Fitted:
    """Return log-odds of causes from the signs of logs: the recorded runs' and the laboratory's, then health weighed anew."""
    # The fault laboratory trains only PPO; the weights for other algorithms were set by hand, and so were those of causes
    # that no recorded run can have, whose bias is below any that is fitted.
    names, codes = ranked_names(book), list(book.signs)
    counts = Counter(recorded.fault for recorded in corpus)
    taught = [(recorded, row) for recorded in corpus for row in rows(recorded)]
    x = np.array([[row.strengths.get(code, 0.0) for code in codes] for _, row in taught], np.float32)
    y = np.array([[row.target.get(name, 0.0) for name in names] for _, row in taught], np.float32)
    # Every fault counts the same, however many runs it has; all healthy runs together count as much as all faults.
    weight = np.array(
        [row.weight * (1.0 if recorded.fault else len(counts)) / counts[recorded.fault] for recorded, row in taught],
        np.float32,
    )
    says = expected(book, names, codes, sides_only=True)
    own = odds.fit(x, y, weight, says, rounds=ROUNDS, pull=PENALTY)
    both = _certain(book, names, codes, joined(book, names, codes, own, {recorded.env for recorded in corpus}))
    health = np.repeat(np.array([[name == HEALTHY] for name in names]), len(codes), axis=1)
    # A weight that came out as zero has no side of zero left to keep.
    as_before = odds.Expected(both.weight, both.weight != 0)
    found = odds.fit(x, y, weight, as_before, both, RECALIBRATION, pull=PENALTY, moving=health)
    # Signs of other algorithms show in no training here: what was set by hand stays.
    by_hand = {code for code, sign in book.signs.items() if not made_for(sign, "ppo")}
    return {
        name: (
            float(found.bias[i]),
            {
                code: book.diagnoses[name].weights.get(code, 0.0)
                if code in by_hand
                else min(float(found.weight[i, j]), MOST.get(code, np.inf))
                for j, code in enumerate(codes)
                if says.side[i, j]
            },
        )
        for i, name in enumerate(names)
    }


def _certain(book: Rulebook, names: Sequence[str], codes: Sequence[str], found: odds.Odds) -> odds.Odds:
    """Return log-odds in which hallmarks that are errors weigh :data:`CERTAIN` for their cause at least."""
    sure = np.array(
        [
            [c in book.diagnoses[name].hallmarks and book.signs[c].severity is Severity.ERROR for c in codes]
            for name in names
        ]
    )
    return odds.Odds(np.where(sure, np.maximum(found.weight, CERTAIN), found.weight).astype(np.float32), found.bias)


def with_weights(book: Rulebook, fitted: Fitted) -> Rulebook:
    """Return the rulebook with other weights of signs; other witnesses say nothing."""
    rules = {
        name: structs.replace(rule, bias=fitted[name][0], weights=dict(fitted[name][1])) if name in fitted else rule
        for name, rule in book.diagnoses.items()
    }
    return dataclasses.replace(book, diagnoses=rules)
