"""Fit the log-odds in checks/weights.toml on recorded runs: python -m benchmarks.fit_weights [RUNS ...]

With --witnesses, only those of what other witnesses than the logs observe; the others stay as they are. Needs pyarrow, which
reads the trainings of the laboratory.

The model is the one used for diagnosis: the probability of a cause is the softmax of its bias and the weights of the
signs that show. People write which signs count for or against a cause (the sign of a weight, its presence in the file);
how much they count is fitted here by penalised maximum likelihood, which pulls each weight towards what people expect. Each
run is used in several views (with and without its reference, without a success rate, with and without the metrics of
DoctorCallback), so the weights also serve environments without a reference and logs that contain less. Three environments
are few: the laboratory's trainings on 22 others have a say in the weights (benchmarks/laboratory/second_opinion.py).
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

# The matrices are small: on a busy machine, the threads of numpy's BLAS would wait for each other for minutes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from msgspec import structs

from benchmarks import witnesses
from benchmarks.corpus import RECORDED, RecordedRun, recorded_runs
from benchmarks.laboratory import odds
from benchmarks.laboratory.second_opinion import joined
from benchmarks.laboratory.table import expected, ranked_names
from rldoctor import datafile
from rldoctor.diagnosis.match import match
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import FloatArray, Severity
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.applicable import made_for
from rldoctor.rulebook.observe import observe_all
from rldoctor.rulebook.schema import FIRES_FROM, WitnessRule

PENALTY = 2e-4
# Steps of the fit, and of weighing health and the biases anew once both fits are joined.
ROUNDS, RECALIBRATION = 500, 150
# A finding of preflight against a check that passes: the first was seen, the second may have looked past the fault. Few
# environments show each, so what people say of it is kept to more firmly than of a sign.
FOUND, CLEARED, FIRMNESS = 10.0, 2.0, 2e-3
# The first cause of a finding is its most likely one: evidence.toml names them in that order.
NEXT = 1.5
WITNESS_ROUNDS = 500
# A hallmark that is an error is no hint: it counts at least this for its cause, whatever else the few runs that show it
# had. On the recorded runs 3 to 4.5 did about as well, and none did better without.
CERTAIN = 4.0
# What depends on the unit of the reward shows a size and no fault, and must not hide what else is wrong with a training. The
# two signs of large rewards show one fact, and come together. Lower limits favour docs/invariance.md (rewards times 100),
# higher ones the runs of that fault in docs/accuracy.md (a whole environment held out).
MOST = {"RET115": 4.5, "VAL102": 4.5}
UPDATE_METRICS = {"approx_kl", "clip_fraction", "clip_range", "learning_rate", "explained_variance", "success_rate"}
# A fault that shows but does no harm should be mentioned (suspect), with less weight than one that harms.
UNHARMED_CAUSE = 0.7
UNHARMED_WEIGHT = 0.7

HEADING = """Log-odds of causes: what each sign at full strength adds to a cause (positive) or takes from it, and what a cause has
before any sign is seen (bias). Written by python -m benchmarks.fit_weights, which keeps the side of zero that it finds;
checks/README.md says how to add a sign.
"""

Fitted = Mapping[str, tuple[float, Mapping[str, float]]]


@dataclasses.dataclass(frozen=True)
class Row:
    """One view of one run: the strength of each sign, and the probability that each diagnosis should have."""

    strengths: Mapping[str, float]
    target: Mapping[str, float]
    weight: float


def views(recorded: RecordedRun) -> list[Case]:
    """Return views of the run: with and without its reference, without a success rate, without update metrics."""
    matched = match(recorded.run)
    runs = [recorded.run]
    plain = recorded.without_doctor().run
    if len(plain.curves) < len(recorded.run.curves):
        runs.append(plain)
    cases = []
    for run in runs:
        bare = {name: curve for name, curve in run.curves.items() if name != "success_rate"}
        cases += [Case(run, matched.reference, matched.same_recipe), Case(run)]
        if len(bare) < len(run.curves):
            cases.append(Case(dataclasses.replace(run, curves=bare)))
    # Like libraries that log nothing about the size of updates (skrl, Tianshou), only the learning rate (rsl_rl), or no
    # standard deviation (CleanRL, RLlib).
    for left_out in (UPDATE_METRICS, UPDATE_METRICS - {"learning_rate"}, {"std", "success_rate"}):
        silent = {name: curve for name, curve in plain.curves.items() if name not in left_out}
        cases.append(Case(dataclasses.replace(plain, curves=silent)))
    return cases


@cache
def rows(recorded: RecordedRun) -> tuple[Row, ...]:
    """Return the training rows of one run; none for faults of the logs, which are found without weights."""
    book = load_rulebook()
    causes = [name for name in recorded.right if book.diagnoses[name].ranked]
    if not causes:
        return ()
    shares = np.array([0.5**i for i in range(len(causes))])
    cause = dict(zip(causes, (shares / shares.sum()).tolist(), strict=True))
    found = []
    for case in views(recorded):
        seen = {item.sign.code: item.strength for item in observe_all(book, case)[0]}
        if recorded.healthy:
            found.append(Row(seen, {HEALTHY: 1.0}, 1.0))
        elif recorded.harmed:
            # Without a reference, a fault that only slows learning looks like a slow task.
            if case.reference is not None or shows(book, seen):
                found.append(Row(seen, cause, 1.0))
        elif shows(book, seen):
            mixed = {name: share * UNHARMED_CAUSE for name, share in cause.items()}
            found.append(Row(seen, {**mixed, HEALTHY: 1.0 - UNHARMED_CAUSE}, UNHARMED_WEIGHT))
        else:
            found.append(Row(seen, {HEALTHY: 1.0}, UNHARMED_WEIGHT))
    return tuple(found)


def shows(book: Rulebook, seen: Mapping[str, float]) -> bool:
    """Return whether any sign that is more than a note shows."""
    return any(
        value >= FIRES_FROM and not book.signs[code].of_health and book.signs[code].severity is not Severity.NOTE
        for code, value in seen.items()
    )


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


def with_weights(book: Rulebook, fitted: Fitted) -> Rulebook:
    """Return the rulebook with other weights of signs; other witnesses say nothing."""
    rules = {
        name: structs.replace(rule, bias=fitted[name][0], weights=dict(fitted[name][1])) if name in fitted else rule
        for name, rule in book.diagnoses.items()
    }
    return dataclasses.replace(book, diagnoses=rules)


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


def fitted_book(book: Rulebook, corpus: Sequence[RecordedRun]) -> Rulebook:
    """Return the rulebook with all weights fitted on ``corpus``."""
    by_logs = with_weights(book, fit(book, corpus))
    return with_witnesses(by_logs, fit_witnesses(by_logs, corpus))


def write(book: Rulebook, fitted: Rulebook) -> None:
    """Write checks/weights.toml: the fitted weights, and those of other algorithms as they are."""
    content: dict[str, dict[str, float]] = {}
    # In one order everywhere, so that the log-odds of every diagnosis are added up alike.
    order = {key: place for place, key in enumerate([*sorted(book.signs), *book.witnesses])}
    for name, before in book.diagnoses.items():
        if not before.ranked:
            continue
        rule = fitted.diagnoses[name]
        content[name] = {"bias": round(rule.bias, 2)}
        for code, weight in sorted(rule.weights.items(), key=lambda item: order[item[0]]):
            # A weight of a sign that is fitted to zero keeps a small value, so that its direction is not lost.
            lost = abs(weight) < 0.05 and before.weights.get(code) and code not in book.witnesses
            shown = 0.05 * np.sign(before.weights[code]) if lost else weight
            if abs(shown) >= 0.005:
                content[name][code] = round(float(shown), 2)
    datafile.write_toml(datafile.folder("checks") / "weights.toml", content, HEADING)


def main() -> None:
    arguments = sys.argv[1:]
    others_only = "--witnesses" in arguments
    roots = tuple(Path(argument) for argument in arguments if not argument.startswith("--")) or (RECORDED,)
    book, corpus = load_rulebook(), recorded_runs(roots)
    print(f"{len(corpus)} runs, {sum(not recorded.fault for recorded in corpus)} healthy")
    write(book, with_witnesses(book, fit_witnesses(book, corpus)) if others_only else fitted_book(book, corpus))


if __name__ == "__main__":
    main()
