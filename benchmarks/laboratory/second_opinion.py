"""What the laboratory says of the weights of signs, beside the recorded runs of Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.laboratory import odds
from benchmarks.laboratory.odds import Odds
from benchmarks.laboratory.table import Table, expected, hallmarks, load, ranked_names, taught
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.rulebook import Rulebook, load_rulebook

STORED = Path(__file__).parent / "laboratory.parquet"
# The laboratory's environments that are like one of the recorded runs: where that is held out, so is its like.
LIKE = {"cartpole": "CartPole-v1", "fetch-like": "FetchReachDense-v4", "pendulum-strong": "Pendulum-v1"}
# How much of a weight is the laboratory's. Chosen on the recorded runs: from 0.25 to 0.5 whole faults and whole
# environments held out gain (with the callback 1.5 and 2.6 points), single runs lose up to 1.8 points of plain logs.
SHARE = 0.4
ROUNDS = 300


def joined(
    book: Rulebook, names: Sequence[str], codes: Sequence[str], own: Odds, environments: Collection[str]
) -> Odds:
    """Return the weighted mean of the log-odds fitted on recorded runs and of those fitted on the laboratory.

    What the laboratory cannot know stays as it is: signs that none of its trainings shows, such as those that need a
    reference, and hallmarks, which people say; and what makes a run healthy, as its trainings are shorter than users'.

    Args:
        book: The rulebook.
        names: Causes, the rows of the weights.
        codes: Signs, the columns of the weights.
        own: Fitted on recorded runs.
        environments: Of these runs; the likes of others are left out of the laboratory.
    """
    seen, found = _fitted(frozenset(like for like, name in LIKE.items() if name not in environments))
    place = {code: j for j, code in enumerate(codes)}
    columns = [place[code] for code in seen]
    share = np.zeros_like(own.weight)
    share[:, columns] = SHARE
    share[hallmarks(book, names, codes)] = 0.0
    share[names.index(HEALTHY)] = 0.0
    theirs = np.zeros_like(own.weight)
    theirs[:, columns] = found.weight
    share_of_bias = np.where(np.array(names) == HEALTHY, 0.0, SHARE)
    weight = (1 - share) * own.weight + share * theirs
    bias = (1 - share_of_bias) * own.bias + share_of_bias * found.bias
    return Odds(weight.astype(np.float32), bias.astype(np.float32))


@cache
def _fitted(left_out: frozenset[str]) -> tuple[tuple[str, ...], Odds]:
    """Return the signs that some training shows, and the log-odds of causes from these, some environments left out."""
    book, table = load_rulebook(), _whole()
    names = ranked_names(book)
    x, y, weight = taught(book, table, names)
    keep = (weight > 0) & ~np.isin(table.environment, list(left_out))
    shown = (x[keep] > 0).any(axis=0)
    codes = tuple(code for code, any_ in zip(table.codes, shown, strict=True) if any_ and code in book.signs)
    columns = [table.codes.index(code) for code in codes]
    says = expected(book, names, codes, sides_only=True)
    return codes, odds.fit(x[keep][:, columns], y[keep], weight[keep], says, rounds=ROUNDS)


@cache
def _whole() -> Table:
    table = load(STORED)
    return table.only(table.share == 1.0)
