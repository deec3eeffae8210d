"""Which signs bear on which causes, though nobody wrote it: python -m benchmarks.laboratory.directions [TABLE] [--write]

A sum of signs can only use what ``checks/weights.toml`` says of a cause. Here every sign may bear on every cause, where the
trainings pay for it (an L1 penalty), once with each quarter of the environments left out. What has the same side of zero
and some size each time holds on environments that it was not found on, and is printed; --write adds it to
``checks/weights.toml`` as a direction, whose size ``benchmarks.fit_weights`` then finds. Health, hallmarks and what
excludes a cause are people's alone. Five minutes on one core.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from msgspec import structs

from benchmarks.laboratory import odds
from benchmarks.laboratory.ceiling import FOLDS
from benchmarks.laboratory.second_opinion import ROUNDS, STORED
from benchmarks.laboratory.table import Table, expected, hallmarks, load, ranked_names, taught
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.rulebook import Rulebook, load_rulebook

# Costs more than in odds.py: what a training pays for here becomes a line of weights.toml.
LASSO = 5e-4
# A sign at full strength multiplies the odds by at least 1.4 in every fold. Ours.
LEAST = 0.35
# A cause, and a sign, with fewer trainings says too little. Ours.
FEWEST = 30


class Direction(NamedTuple):
    """A sign that bears on a cause, and the weight that is nearest to zero of those in all folds."""

    cause: str
    code: str
    weight: float


def unwritten(book: Rulebook, table: Table, folds: int = FOLDS) -> list[Direction]:
    """Return what bears on causes in every fold and is not in ``checks/weights.toml``, the largest first."""
    names, codes = ranked_names(book), table.codes
    x, y, weight = taught(book, table, names)
    environments = sorted(set(table.environment.tolist()))
    fold = np.array([environments.index(name) % folds for name in table.environment])
    says = expected(book, names, codes)
    found = np.array(
        [
            odds.fit(x[keep], y[keep], weight[keep], says, rounds=ROUNDS, lasso=LASSO).weight
            for keep in ((fold != number) & (weight > 0) for number in range(folds))
        ]
    )
    least = np.abs(found).min(axis=0) * np.where((np.sign(found) == np.sign(found[0])).all(axis=0), 1, 0)
    shown = [len(set(table.training[x[:, j] > 0].tolist())) for j in range(len(codes))]
    of_cause = [len({int(table.training[i]) for i in np.flatnonzero(y[:, c] > 0)}) for c in range(len(names))]
    ours = hallmarks(book, names, codes)
    pairs = [
        Direction(name, code, float(least[c, j] * np.sign(found[0, c, j])))
        for c, name in enumerate(names)
        for j, code in enumerate(codes)
        if says.side[c, j] == 0 and name != HEALTHY and not ours[c, j] and least[c, j] >= LEAST
        if min(shown[j], of_cause[c]) >= FEWEST
    ]
    return sorted(pairs, key=lambda pair: -abs(pair.weight))


def added(book: Rulebook, directions: Sequence[Direction]) -> Rulebook:
    """Return the rulebook with these directions."""
    rules = dict(book.diagnoses)
    for one in directions:
        rule = rules[one.cause]
        rules[one.cause] = structs.replace(rule, weights={**rule.weights, one.code: round(one.weight, 2)})
    return dataclasses.replace(book, diagnoses=rules)


def main() -> None:
    # Late: it needs this package's fits itself.
    from benchmarks.fit_weights.book import write

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=STORED)
    parser.add_argument("--write", action="store_true", help="add them to checks/weights.toml")
    chosen = parser.parse_args()
    book, table = load_rulebook(), load(chosen.table)
    found = unwritten(book, table.only(table.share == 1.0))
    for one in found:
        print(f"{one.cause}: {one.code} {one.weight:+.2f} ({book.signs[one.code].name})")
    print(f"{len(found)} directions")
    if chosen.write:
        write(book, added(book, found))


if __name__ == "__main__":
    main()
