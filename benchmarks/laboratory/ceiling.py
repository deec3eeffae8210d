"""What no log can tell: python -m benchmarks.laboratory.ceiling [TABLE] [--folds N]

Gradient-boosted trees, which may combine signs in any way, beside the additive log-odds that a reader can add up: both are
fitted on some of the environments and asked on the others. How much better the trees are is what a sum of signs misses;
pairs of causes that neither tells apart are written to checks/look_alikes.toml, and a report shows such causes as a tie
sooner than others. Needs scikit-learn and pyarrow: pip install 'rldoctor-kit[laboratory]'. Three minutes on one core.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from benchmarks.laboratory import odds
from benchmarks.laboratory.document import write_section
from benchmarks.laboratory.odds import Floats
from benchmarks.laboratory.second_opinion import ROUNDS, STORED
from benchmarks.laboratory.table import Table, expected, load, ranked_names, taught
from rldoctor import datafile
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.rulebook import Rulebook, load_rulebook

FOLDS = 4
# Of one training with either cause, the right one is told in fewer than three of four pairs (the area under the ROC curve;
# one of two is chance). Ours.
ALIKE = 0.75
# Fewer trainings with a cause say too little.
FEWEST = 12
VIEWS = {"plain": "plain logs", "callback": "with DoctorCallback"}
HEADING = """Causes that plain logs hardly tell apart: neither gradient-boosted trees nor the doctor's own log-odds do, on environments
that they have not seen. Written by python -m benchmarks.laboratory.ceiling; read by rldoctor/diagnosis/witnesses.py.
"""


class Pair(NamedTuple):
    """Two causes, and how well trainings with one are told from trainings with the other: areas under ROC curves."""

    one: str
    other: str
    by_trees: float
    by_odds: float

    @property
    def best(self) -> float:
        return max(self.by_trees, self.by_odds)


def asked(book: Rulebook, table: Table, names: Sequence[str], folds: int) -> dict[str, Floats]:
    """Return the probabilities of causes by trees and by log-odds, ``(rows, causes)`` each, for environments left out."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    environments = sorted(set(table.environment.tolist()))
    fold = np.array([environments.index(name) % folds for name in table.environment])
    x, y, weight = taught(book, table, names)
    # What could not be measured is told from what does not show.
    measured = np.nan_to_num(table.strengths, nan=-1.0)
    says = expected(book, names, table.codes, sides_only=True)
    found = {kind: np.zeros((len(table), len(names)), np.float32) for kind in ("trees", "odds")}
    for number in range(folds):
        teaches, there = (fold != number) & (weight > 0), fold == number
        trees = HistGradientBoostingClassifier(
            max_iter=45,
            learning_rate=0.15,
            max_leaf_nodes=15,
            min_samples_leaf=15,
            l2_regularization=5.0,
            max_bins=32,
            max_features=0.4,
            early_stopping=False,
            random_state=0,
        )
        share = weight[teaches] / weight[teaches].mean()
        trees.fit(measured[teaches], y[teaches].argmax(axis=1), sample_weight=share)
        found["trees"][np.ix_(there, trees.classes_)] = trees.predict_proba(measured[there])
        fitted = odds.fit(x[teaches], y[teaches], weight[teaches], says, rounds=ROUNDS)
        found["odds"][there] = fitted.of(x[there])
        print(f"fold {number + 1} of {folds}", flush=True)
    return found


def rates(
    table: Table, rows: NDArray[np.intp], names: Sequence[str], by: Floats, alike: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Return how often the likeliest cause of harmed trainings is right, one of the first three, and healthy ones accused.

    Args:
        table: The trainings.
        rows: Those that are counted.
        names: Causes.
        by: Their probabilities, ``(rows, causes)``.
        alike: Causes to those that are not told from them.
    """
    health, healthy = names.index(HEALTHY), table.healthy
    harmed = [i for i in rows if table.harmed[i] and not healthy[i] and set(table.right[i]) & set(names)]
    well = [i for i in rows if healthy[i]]
    causes = by.copy()
    causes[:, health] = -1.0
    order = np.argsort(-causes, axis=1)
    right = [[names[j] in table.right[i] for j in order[i, :3]] for i in harmed]
    as_one = [
        any(names[order[i, 0]] in (name, *alike.get(name, ())) for name in table.right[i] if name in names)
        for i in harmed
    ]
    return {
        "right cause likeliest": float(np.mean([hits[0] for hits in right])),
        "look-alikes as one": float(np.mean(as_one)),
        "among the first three": float(np.mean([any(hits) for hits in right])),
        "and likelier than health": float(
            np.mean([hits[0] and by[i, health] < 0.5 for hits, i in zip(right, harmed, strict=True)])
        ),
        "healthy: a fault is likelier": float(np.mean([by[i, health] < 0.5 for i in well])),
    }


def pairs(table: Table, rows: NDArray[np.intp], names: Sequence[str], by: dict[str, Floats]) -> list[Pair]:
    """Return how well each two causes are told apart, the worst told first."""
    from sklearn.metrics import roc_auc_score

    single = [i for i in rows if table.harmed[i] and len(table.faults[i]) == 1]
    found = []
    for one, other in combinations(sorted(set(names) - {HEALTHY}), 2):
        ours = [i for i in single if table.right[i][0] == one and other not in table.right[i]]
        theirs = [i for i in single if table.right[i][0] == other and one not in table.right[i]]
        if min(len(ours), len(theirs)) < FEWEST:
            continue
        truth = [1] * len(ours) + [0] * len(theirs)
        a, b = names.index(one), names.index(other)
        both = [*ours, *theirs]
        areas = [
            roc_auc_score(truth, np.log(by[kind][both, a] + 1e-9) - np.log(by[kind][both, b] + 1e-9))
            for kind in ("trees", "odds")
        ]
        found.append(Pair(one, other, *map(float, areas)))
    return sorted(found, key=lambda pair: pair.best)


def report(table: Table, names: Sequence[str], by: dict[str, Floats]) -> str:
    """Return tables: the trees beside the log-odds, and the pairs of causes that neither tells apart."""
    of_view = {view: np.flatnonzero(table.view == view) for view in VIEWS}
    found = {view: pairs(table, of_view[view], names, by) for view in VIEWS}
    measured = {
        (view, kind): rates(table, of_view[view], names, by[kind], look_alikes(found[view]))
        for view in VIEWS
        for kind in by
    }
    columns = list(measured["plain", "odds"])
    out = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for (view, kind), values in measured.items():
        title = {"trees": "gradient-boosted trees", "odds": "log-odds"}[kind]
        out.append(f"| {VIEWS[view]}, {title} | {' | '.join(f'{values[name]:.1%}' for name in columns)} |")
    for view, title in VIEWS.items():
        alike = [pair for pair in found[view] if pair.best < ALIKE]
        out += ["", f"| not told apart, {title} | | trees | log-odds |", "|---|---|---|---|"]
        out += [f"| {pair.one} | {pair.other} | {pair.by_trees:.2f} | {pair.by_odds:.2f} |" for pair in alike]
    return "\n".join(out)


def look_alikes(found: Sequence[Pair]) -> dict[str, list[str]]:
    """Return each cause that is hardly told from others by name, with these, the likest first."""
    alike: dict[str, list[str]] = {}
    for pair in found:
        if pair.best < ALIKE:
            alike.setdefault(pair.one, []).append(pair.other)
            alike.setdefault(pair.other, []).append(pair.one)
    return dict(sorted(alike.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=STORED)
    parser.add_argument("--folds", type=int, default=FOLDS)
    chosen = parser.parse_args()
    book, table = load_rulebook(), load(chosen.table)
    table = table.only((table.share == 1.0) & np.isin(table.view, list(VIEWS)))
    names = ranked_names(book)
    by = asked(book, table, names, chosen.folds)
    write_section("ceiling", report(table, names, by))
    plain = np.flatnonzero(table.view == "plain")
    alike = look_alikes(pairs(table, plain, names, by))
    datafile.write_toml(datafile.folder("checks") / "look_alikes.toml", alike, HEADING)


if __name__ == "__main__":
    main()
