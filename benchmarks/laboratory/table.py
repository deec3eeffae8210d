"""The laboratory's stored strengths, as arrays to fit and to ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.laboratory.odds import LARGEST_BIAS, Expected, Floats
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import Severity
from rldoctor.rulebook import Rulebook
from rldoctor.rulebook.observe import made_for
from rldoctor.rulebook.schema import FIRES_FROM

# As benchmarks/laboratory/strengths.py stores them.
FULL, UNMEASURED = 250, 255
# Added to the numbers of the batches of an earlier table that is joined.
EARLIER = 100_000
# A sign at full strength multiplies the odds by about e^1.2 = 3, unless the runs show otherwise.
PRIOR = 1.2
# A hallmark of a cause (checks/diagnoses) outweighs four other signs, unless the runs show otherwise.
DECISIVE = 6.0
# An error is evidence against health by definition, unless healthy runs show it.
GRAVE = 3.0
# A fault that shows but does no harm should be mentioned, with less weight than one that harms.
UNHARMED_CAUSE, UNHARMED_WEIGHT = 0.35, 0.5


@dataclass(frozen=True)
class Table:
    """One row for each view of each training.

    Attributes:
        codes: Codes of the signs.
        strengths: ``(rows, signs)``; NaN where one could not be measured.
        training: Number of the training.
        environment: Name of its environment.
        view: What was logged.
        share: Of the budget that had passed.
        faults: Names; empty for a healthy recipe.
        right: Causes that are right, the best first; ``("healthy",)`` for a healthy recipe.
        harmed: Whether it truly went worse than healthy trainings.
        learned: Whether it learned at all; healthy recipes that did not are left out of everything.
    """

    codes: tuple[str, ...]
    strengths: Floats
    training: NDArray[np.int64]
    environment: NDArray[np.str_]
    view: NDArray[np.str_]
    share: Floats
    faults: tuple[tuple[str, ...], ...]
    right: tuple[tuple[str, ...], ...]
    harmed: NDArray[np.bool_]
    learned: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.training)

    def only(self, keep: NDArray[Any]) -> Table:
        """Return some of the rows."""
        chosen = np.flatnonzero(keep) if keep.dtype == bool else keep
        return Table(
            self.codes,
            self.strengths[chosen],
            self.training[chosen],
            self.environment[chosen],
            self.view[chosen],
            self.share[chosen],
            tuple(self.faults[i] for i in chosen),
            tuple(self.right[i] for i in chosen),
            self.harmed[chosen],
            self.learned[chosen],
        )

    @property
    def healthy(self) -> NDArray[np.bool_]:
        """Whether the recipe has no fault, ``(rows,)``."""
        return np.array([not faults for faults in self.faults], dtype=bool)

    @property
    def current(self) -> NDArray[np.bool_]:
        """Whether the signs were measured as they are today, and not in an earlier table that was joined, ``(rows,)``."""
        found: NDArray[np.bool_] = self.training < EARLIER * 10_000
        return found


def load(path: Path) -> Table:
    """Read what ``benchmarks.laboratory.generate`` stored, without healthy recipes that did not learn."""
    import pyarrow.parquet

    data = pyarrow.parquet.read_table(path)
    codes = tuple(name for name in data.column_names if data.schema.field(name).type == "uint8")
    raw = np.column_stack([data[code].to_numpy() for code in codes])
    strengths = np.where(raw == UNMEASURED, np.nan, raw / FULL).astype(np.float32)
    batch, number = data["batch"].to_numpy(), data["training"].to_numpy()
    table = Table(
        codes,
        strengths,
        batch.astype(np.int64) * 10_000 + number,
        np.array(data["environment"].to_pylist()),
        np.array(data["view"].to_pylist()),
        data["share"].to_numpy().astype(np.float32),
        tuple(tuple(names) for names in data["faults"].to_pylist()),
        tuple(tuple(names) for names in data["right"].to_pylist()),
        np.array([bool(value) for value in data["harmed"].to_pylist()]),
        np.array([bool(value) for value in data["learned"].to_pylist()]),
    )
    return table.only(~table.healthy | table.learned)


def ranked_names(book: Rulebook) -> list[str]:
    """Return the causes whose weights are fitted: those of PPO that a recorded run can have."""
    ranked = (rule for rule in book.diagnoses.values() if rule.ranked and made_for(rule, "ppo"))
    return [rule.name for rule in ranked if rule.bias >= -LARGEST_BIAS]


def hallmarks(book: Rulebook, names: Sequence[str], codes: Sequence[str]) -> NDArray[np.bool_]:
    """Return whether a sign points to a cause and no other, or excludes it, ``(causes, signs)``."""
    rules = [book.diagnoses[name] for name in names]
    return np.array([[code in (*rule.hallmarks, *rule.excluded_by) for code in codes] for rule in rules], bool)


def expected(book: Rulebook, names: Sequence[str], codes: Sequence[str], sides_only: bool = False) -> Expected:
    """Return what people say of the weights: the sides of zero in checks/weights.toml, and hallmarks.

    Args:
        book: The rulebook.
        names: Causes.
        codes: Signs.
        sides_only: Whether weights that people say nothing of stay 0.
    """
    side = np.array([[np.sign(book.diagnoses[name].weights.get(code, 0.0)) for code in codes] for name in names])
    grave = np.array([[name == HEALTHY and book.signs[c].severity is Severity.ERROR for c in codes] for name in names])
    size = np.where(hallmarks(book, names, codes), DECISIVE, np.where(grave, GRAVE, PRIOR))
    return Expected((side * size).astype(np.float32), (side != 0) | (not sides_only))


def taught(book: Rulebook, table: Table, names: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Return strengths, what each row should get, and its weight, for the rows that teach (others weigh nothing).

    Every fault counts the same, however many trainings it has; all healthy ones together count as much as all faults.
    """
    x = np.nan_to_num(table.strengths)
    y = np.zeros((len(table), len(names)), np.float32)
    weight = np.zeros(len(table), np.float32)
    place = {name: i for i, name in enumerate(names)}
    bad = [not book.signs[c].of_health and book.signs[c].severity is not Severity.NOTE for c in table.codes]
    shows = (x[:, np.array(bad)] >= FIRES_FROM).any(axis=1)
    kinds = Counter(faults[:1] for faults in table.faults)
    faults = len(kinds) - 1
    for i in range(len(table)):
        causes = [place[name] for name in table.right[i] if name in place]
        if not table.faults[i]:
            y[i, place[HEALTHY]], weight[i] = 1.0, faults / kinds[()]
        elif causes and (table.harmed[i] or shows[i]):
            shares = 0.5 ** np.arange(len(causes))
            share = 1.0 if table.harmed[i] else UNHARMED_CAUSE
            y[i, causes] += (share * shares / shares.sum()).astype(np.float32)
            y[i, place[HEALTHY]] += 1.0 - share
            weight[i] = (1.0 if table.harmed[i] else UNHARMED_WEIGHT) / kinds[table.faults[i][:1]]
        elif causes:
            y[i, place[HEALTHY]], weight[i] = 1.0, UNHARMED_WEIGHT / kinds[table.faults[i][:1]]
    return x, y, weight
