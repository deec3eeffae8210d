"""How well causes are told from logs: python -m benchmarks.laboratory.fit TABLE [--folds N] [--rounds N]

TABLE is what benchmarks.laboratory.generate wrote. Weights are fitted on all environments but some, and asked on those;
each environment is left out once.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.fit_weights import Fitted, with_weights
from benchmarks.laboratory import odds
from benchmarks.laboratory.answers import Said, percent, rates, say
from benchmarks.laboratory.table import Table, expected, load, ranked_names, taught
from rldoctor.rulebook import Rulebook, load_rulebook

ENOUGH_POINTS = 20


def fitted_book(book: Rulebook, table: Table, rounds: int, lasso: float = odds.LASSO) -> Rulebook:
    """Return the rulebook with the weights of signs fitted on the rows of ``table``."""
    names = ranked_names(book)
    x, y, weight = taught(book, table, names)
    keep = weight > 0
    found = odds.fit(x[keep], y[keep], weight[keep], expected(book, names, table.codes), rounds=rounds, lasso=lasso)
    return with_weights(book, as_fitted(book, names, table.codes, found))


def as_fitted(book: Rulebook, names: Sequence[str], codes: Sequence[str], found: odds.Odds) -> Fitted:
    """Return log-odds by name; what other signs than the table's weigh stays as it is."""
    fitted = {}
    for i, name in enumerate(names):
        others = {code: w for code, w in book.diagnoses[name].weights.items() if code not in codes}
        new = {code: float(found.weight[i, j]) for j, code in enumerate(codes) if found.weight[i, j]}
        fitted[name] = (float(found.bias[i]), {**new, **others})
    return fitted


def asked(book: Rulebook, table: Table) -> list[Said]:
    """Return the answer to each row."""
    return [say(book, table.codes, row, ENOUGH_POINTS, has_return=True) for row in table.strengths]


def left_out(book: Rulebook, table: Table, rounds: int, lasso: float) -> list[Said | None]:
    """Return the answer to each row at the end of a training, by weights that have not seen its environment."""
    found: list[Said | None] = [None] * len(table)
    whole = table.share == 1.0
    for name in sorted(set(table.environment.tolist())):
        here = table.environment == name
        fitted = fitted_book(book, table.only(whole & ~here), rounds, lasso)
        places = np.flatnonzero(here & np.isin(table.view, ("plain", "callback")))
        for place, answer in zip(places.tolist(), asked(fitted, table.only(places)), strict=True):
            found[place] = answer
    return found


def lines(title: str, table: Table, said: Sequence[Said | None], keep: Sequence[int]) -> list[str]:
    """Return a line of a table about the answers in some places."""
    chosen = [i for i in keep if said[i] is not None]
    answers = [answer for i in chosen if (answer := said[i]) is not None]
    count = rates(answers, [table.right[i] for i in chosen], [bool(table.harmed[i]) for i in chosen])
    return [f"| {title} | " + " | ".join(percent(*count[name]) for name in count) + " |"]


HEAD = "| | found | cause first | cause shown | healthy sick | healthy suspect | healthy unjudged |\n|---|---|---|---|---|---|---|"


def report(table: Table, said: Sequence[Said | None]) -> list[str]:
    """Return tables: all, by environment, by fault, by share of the budget, and what is taken for what."""
    out = ["", HEAD]
    places = range(len(table))
    for view in ("plain", "callback"):
        end = [i for i in places if table.view[i] == view and table.share[i] == 1.0]
        out += lines(view, table, said, end)
        for name in sorted(set(table.environment.tolist())):
            out += lines(f"{view}, {name}", table, said, [i for i in end if table.environment[i] == name])
    out += ["", "| of a fault alone, plain | " + HEAD.partition("| | ")[2]]
    end = [i for i in places if table.view[i] == "plain" and table.share[i] == 1.0]
    for fault in sorted({table.faults[i] for i in end if len(table.faults[i]) == 1}):
        part = [i for i in end if table.faults[i] == fault and table.harmed[i] and said[i] is not None]
        wrong = Counter(
            s.causes[0] for i in part if (s := said[i]) is not None and s.causes and not s.first(table.right[i])
        )
        taken = ", ".join(f"{name} {count}" for name, count in wrong.most_common(3))
        out += [lines(fault[0], table, said, part)[0] + f" {table.right[part[0]] if part else ''} taken for {taken}"]
    out += ["", "| share | found | false alarms |", "|---|---|---|"]
    for share in sorted(set(table.share.tolist())):
        part = [i for i in places if table.share[i] == share and table.view[i] == "plain" and said[i] is not None]
        count = rates(
            [s for i in part if (s := said[i]) is not None],
            [table.right[i] for i in part],
            [bool(table.harmed[i]) for i in part],
        )
        out.append(f"| {share:.0%} | {percent(*count['found'])} | {percent(*count['healthy sick'])} |")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--lasso", type=float, default=odds.LASSO)
    chosen = parser.parse_args()
    book, table = load_rulebook(), load(chosen.table)
    print(len(table), "rows,", len(set(table.training.tolist())), "trainings")
    said = left_out(book, table, chosen.rounds, chosen.lasso)
    print("\n".join(report(table, said)))


if __name__ == "__main__":
    main()
