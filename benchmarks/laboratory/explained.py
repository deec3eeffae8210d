"""Which part of what is not found, or told wrongly, no log can tell: by size of the harm, and by what moved in the logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.laboratory.answers import Said
from benchmarks.laboratory.table import Table

# A metric stands out where at most so many healthy trainings have one as far out. Ours, the usual level.
LEVEL = 0.05
HEAD = "| harmed trainings, {} | number | found | cause first | cause shown |\n|---|---|---|---|---|"


class Facts(NamedTuple):
    """What is known of one training beside its signs.

    Attributes:
        lost: Share of what good healthy trainings gain that it did not; above 1 where it ends below the beginning,
            infinity where it broke off, NaN where its outcome says nothing of the harm.
        apart: Share of healthy trainings of its environment with a metric as far out (benchmarks/laboratory/apart.py),
            by view; NaN where that is not known.
        beside: The same without the metrics of the outcome.
    """

    lost: float
    apart: dict[str, float]
    beside: dict[str, float]


def facts(path: Path) -> dict[int, Facts]:
    """Return the facts of every training of a stored table, by its number there."""
    import pyarrow.parquet

    lines = json.loads((pyarrow.parquet.read_schema(path).metadata or {})[b"lines"])
    names = ["batch", "training", "environment", "returns", "successes", "failed", "always_harms", "view", "share"]
    stored = [name for name in ("apart", "apart_beside_outcome") if name in pyarrow.parquet.read_schema(path).names]
    found: dict[int, Facts] = {}
    for row in pyarrow.parquet.read_table(path, columns=[*names, *stored]).to_pylist():
        if row["share"] != 1.0:
            continue
        number = row["batch"] * 10_000 + row["training"]
        if number not in found:
            found[number] = Facts(_lost(row, lines[row["environment"]]), {}, {})
        for name, known in zip(stored, (found[number].apart, found[number].beside), strict=False):
            if row[name] is not None:
                known[row["view"]] = row[name]
    return found


def _lost(row: dict[str, object], line: dict[str, float]) -> float:
    if row["always_harms"]:
        return float("nan")
    ends = row["successes"] if line["by_success"] else row["returns"]
    end = ends[-1] if isinstance(ends, list) else None
    gain = line["best"] - line["start"]
    return float("inf") if row["failed"] or end is None else float((line["best"] - end) / gain)


def report(table: Table, said: Sequence[Said | None], known: dict[int, Facts], view: str, title: str) -> str:
    """Return a table of the harmed trainings of one view, by what is known of them."""
    whole = (table.view == view) & (table.share == 1.0) & table.harmed & ~table.healthy
    harmed = [i for i in np.flatnonzero(whole).tolist() if tuple(table.right[i]) != ("healthy",)]
    of = {i: known[int(table.training[i])] for i in harmed}
    lost = {i: fact.lost for i, fact in of.items() if fact.lost == fact.lost}
    low, high = np.quantile(list(lost.values()), [1 / 3, 2 / 3], method="lower")
    measured = {i: fact for i, fact in of.items() if view in fact.apart}
    kinds: dict[str, Callable[[int], bool]] = {
        "all": lambda _: True,
        f"up to {low:.0%} of the gain lost": lambda i: lost.get(i, -1.0) <= low and i in lost,
        f"up to {high:.0%}": lambda i: i in lost and low < lost[i] <= high,
        "more, or broken off": lambda i: i in lost and lost[i] > high,
        "harm that the outcome does not show": lambda i: i not in lost,
        "a metric beside the outcome stands out": lambda i: i in measured and measured[i].beside[view] <= LEVEL,
        "the outcome alone stands out": lambda i: (
            i in measured and measured[i].beside[view] > LEVEL >= measured[i].apart[view]
        ),
        "no metric stands out": lambda i: (
            i in measured and min(measured[i].apart[view], measured[i].beside[view]) > LEVEL
        ),
    }
    out = [HEAD.format(title)]
    for name, chosen in kinds.items():
        answers = [(one, table.right[i]) for i in harmed if chosen(i) and (one := said[i]) is not None]
        counts = [
            sum(one.found for one, _ in answers),
            sum(one.first(right) for one, right in answers),
            sum(one.shown(right) for one, right in answers),
        ]
        if answers:
            shares = " | ".join(f"{count / len(answers):.1%}" for count in counts)
            out.append(f"| {name} | {len(answers)} | {shares} |")
    return "\n".join(out)
