"""The rulebook with all weights fitted, and checks/weights.toml."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.corpus import RecordedRun
from benchmarks.fit_weights.observations import fit_witnesses, with_witnesses
from benchmarks.fit_weights.signs import fit, with_weights
from rldoctor import datafile
from rldoctor.rulebook import Rulebook

HEADING = """Log-odds of causes: what each sign at full strength adds to a cause (positive) or takes from it, and what a cause has
before any sign is seen (bias). Written by python -m benchmarks.fit_weights, which keeps the side of zero that it finds;
checks/README.md says how to add a sign.
"""


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
