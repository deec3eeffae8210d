"""What weights are fitted on: views of the recorded runs, each with the probability that every diagnosis should have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache

import numpy as np

from benchmarks.corpus import RecordedRun
from rldoctor.diagnosis.match import match
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import Severity
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.observe import observe_all
from rldoctor.rulebook.schema import FIRES_FROM

UPDATE_METRICS = {"approx_kl", "clip_fraction", "clip_range", "learning_rate", "explained_variance", "success_rate"}
# A fault that shows but does no harm should be mentioned (suspect), with less weight than one that harms.
UNHARMED_CAUSE = 0.7
UNHARMED_WEIGHT = 0.7


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
