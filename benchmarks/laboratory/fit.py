"""How well causes are told from logs: python -m benchmarks.laboratory.fit [TABLE] [--rounds N] [--lasso X] [--folds N]

TABLE is what benchmarks.laboratory.generate wrote. Weights are fitted without a part of the environments, and asked on these;
each is left out once. Weights that saw the laboratory alone are asked on the recorded runs of Stable-Baselines3 as well.
Writes three sections of docs/laboratory.md. Five minutes on one core.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.accuracy.answers import answer_for
from benchmarks.accuracy.tables import HEAD as ACCURACY_HEAD
from benchmarks.accuracy.tables import LABELS, summary
from benchmarks.corpus import recorded_runs
from benchmarks.fit_weights.signs import Fitted, with_weights
from benchmarks.laboratory import odds
from benchmarks.laboratory.answers import Said, percent, rates, say
from benchmarks.laboratory.document import write_section
from benchmarks.laboratory.explained import facts
from benchmarks.laboratory.explained import report as told_by
from benchmarks.laboratory.second_opinion import STORED
from benchmarks.laboratory.table import Table, expected, load, ranked_names, taught
from rldoctor.rulebook import Rulebook, load_rulebook

ENOUGH_POINTS = 20
# So many parts are the environments left out in: three or four at a time.
FOLDS = 6


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


def left_out(book: Rulebook, table: Table, rounds: int, lasso: float, folds: int = FOLDS) -> list[Said | None]:
    """Return the answer to each row at the end of a training, by weights that have not seen its environment."""
    found: list[Said | None] = [None] * len(table)
    whole = table.share == 1.0
    names = sorted(set(table.environment.tolist()))
    for number in range(folds):
        here = np.isin(table.environment, names[number::folds])
        fitted = fitted_book(book, table.only(whole & ~here), rounds, lasso)
        places = np.flatnonzero(whole & here & np.isin(table.view, ("plain", "callback")))
        for place, answer in zip(places.tolist(), asked(fitted, table.only(places)), strict=True):
            found[place] = answer
        print(f"fold {number + 1} of {folds}", flush=True)
    return found


def counted(table: Table, said: Sequence[Said | None], keep: Sequence[int]) -> dict[str, tuple[int, int]]:
    """Return hits and trials of the answers in some places; what neither learned nor was harmed is in neither."""
    kept = (i for i in keep if table.learned[i] or table.harmed[i] or table.right[i] != ("healthy",))
    chosen = [(answer, i) for i in kept if (answer := said[i]) is not None]
    places = [i for _, i in chosen]
    return rates([answer for answer, _ in chosen], [table.right[i] for i in places], table.harmed[places].tolist())


def lines(title: str, table: Table, said: Sequence[Said | None], keep: Sequence[int]) -> list[str]:
    """Return a line of a table about the answers in some places."""
    count = counted(table, said, keep)
    return [f"| {title} | " + " | ".join(percent(*count[name]) for name in count) + " |"]


HEAD = "| | found | cause first | cause shown | healthy sick | healthy suspect | healthy unjudged |\n|---|---|---|---|---|---|---|"
VIEWS = {"plain": "plain logs", "callback": "with DoctorCallback"}


def report(table: Table, said: Sequence[Said | None]) -> str:
    """Return tables: all, by environment, and what is taken for what."""
    whole = {view: [i for i in range(len(table)) if table.view[i] == view and table.share[i] == 1.0] for view in VIEWS}
    out = [HEAD]
    for view, title in VIEWS.items():
        out += lines(f"signs of today, {title}", table, said, [i for i in whole[view] if table.current[i]])
    for view, title in VIEWS.items():
        out += lines(f"all, {title}", table, said, whole[view])
    for name in sorted(set(table.environment.tolist())):
        for view, title in VIEWS.items():
            out += lines(f"{name}, {title}", table, said, [i for i in whole[view] if table.environment[i] == name])
    out += [
        "",
        "| one fault, with DoctorCallback | harmed | cause first | cause shown | taken for |",
        "|---|---|---|---|---|",
    ]
    for fault in sorted({table.faults[i] for i in whole["callback"] if len(table.faults[i]) == 1}):
        part = [i for i in whole["callback"] if table.faults[i] == fault and table.harmed[i]]
        if part:
            answers = [(answer, table.right[i]) for i in part if (answer := said[i]) is not None]
            wrong = Counter(answer.causes[0] for answer, right in answers if not answer.first(right))
            taken = ", ".join(f"{name} {count}" for name, count in wrong.most_common(3)) or "-"
            count = counted(table, said, part)
            first, shown = (f"{count[name][0] / len(part):.0%}" for name in ("first", "shown"))
            out.append(f"| {fault[0]} | {len(part)} | {first} | {shown} | {taken} |")
    return "\n".join(out)


def recordings(book: Rulebook, table: Table, rounds: int, lasso: float) -> str:
    """Return how well weights that saw the laboratory alone judge the recorded runs of Stable-Baselines3."""
    fitted = fitted_book(book, table.only(table.share == 1.0), rounds, lasso)
    out = [ACCURACY_HEAD, "|---|---|---|---|---|---|---|"]
    for title, plain in LABELS.items():
        corpus = recorded_runs()
        asked_of = [one.without_doctor() if plain else one for one in corpus]
        out += summary(title, [answer_for(one, fitted, use_references=False) for one in asked_of])
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=STORED)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--lasso", type=float, default=odds.LASSO)
    parser.add_argument("--folds", type=int, default=FOLDS, help="parts in which environments are left out")
    chosen = parser.parse_args()
    book, table = load_rulebook(), load(chosen.table)
    write_section("recordings", recordings(book, table, chosen.rounds, chosen.lasso))
    said = left_out(book, table, chosen.rounds, chosen.lasso, chosen.folds)
    made, current = (len(set(some.training.tolist())) for some in (table, table.only(table.current)))
    about = f"{made:,} trainings, {current:,} of them with the signs of today; without healthy recipes that did not learn.\n\n"
    write_section("causes", about + report(table, said))
    known = facts(chosen.table)
    explained = [told_by(table, said, known, view, title) for view, title in VIEWS.items()]
    write_section("explained", "\n\n".join(explained))


if __name__ == "__main__":
    main()
