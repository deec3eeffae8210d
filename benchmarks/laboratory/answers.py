"""The doctor's answer from stored strengths of signs: what ``diagnose_run`` would say, without the curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.diagnosis.outcome.verdict import decide
from rldoctor.diagnosis.rank import HEALTHY, rank
from rldoctor.diagnosis.witnesses import tied
from rldoctor.model import Curve, Run, Verdict
from rldoctor.rulebook import Rulebook
from rldoctor.rulebook.detectors.detector import Measured
from rldoctor.rulebook.observe import Evidence


@dataclass(frozen=True)
class Said:
    """What the doctor says of one training.

    Attributes:
        verdict: The verdict.
        causes: Names of causes as a report lists them, the likeliest first; the first five.
        probabilities: Theirs.
        tied: Causes that are shown as one tie; empty where one leads clearly.
    """

    verdict: Verdict
    causes: tuple[str, ...]
    probabilities: tuple[float, ...]
    tied: tuple[str, ...]

    @property
    def found(self) -> bool:
        """Whether it is neither called healthy nor left unjudged."""
        return self.verdict in (Verdict.SICK, Verdict.SUSPECT)

    def first(self, right: Sequence[str]) -> bool:
        """Return whether the leading cause is one of the right ones."""
        return self.causes[:1] != () and self.causes[0] in right

    def shown(self, right: Sequence[str]) -> bool:
        """Return whether a right one is in the tie or among the first three."""
        return any(cause in right for cause in (*self.tied, *self.causes[:3]))


def say(book: Rulebook, codes: Sequence[str], strengths: NDArray[Any], points: int, has_return: bool) -> Said:
    """Return what the doctor says of a run whose signs have these strengths.

    Args:
        book: The rulebook with the weights to be judged by.
        codes: Codes of the signs.
        strengths: Of each, in [0, 1]; NaN where it could not be measured.
        points: Of the longest curve.
        has_return: Whether an episode's return is logged.
    """
    observed = [
        Evidence(book.signs[code], strength, Measured(strength, math.nan, "", 0, 0))
        for code, strength in zip(codes, strengths.tolist(), strict=True)
        if strength == strength and code in book.signs
    ]
    ranked = rank(book, {item.sign.code: item.strength for item in observed}, "ppo")
    run = _run(points, "episode_return" if has_return else "loss")
    case: Any = SimpleNamespace(run=run, curves=run.curves, reference=None)
    decision = decide(Run("", "sb3", {}), case, observed, ranked)
    causes = [item for item in ranked if decision.verdict is Verdict.HEALTHY or item.rule.name != HEALTHY]
    # As in diagnosis/judge.py: the headline's cause leads the list.
    causes = causes[next((i for i, item in enumerate(causes) if item.rule.name == decision.cause), 0) :][:5]
    return Said(
        decision.verdict,
        tuple(item.rule.name for item in causes),
        tuple(item.probability for item in causes),
        tied(ranked, decision.verdict, decision.cause),
    )


@cache
def _run(points: int, metric: str) -> Run:
    """Return a run with one curve of so many points, no two alike."""
    steps = np.arange(points, dtype=np.int64)
    return Run("", "sb3", {metric: Curve(metric, steps, steps.astype(np.float64))})


def rates(said: Sequence[Said], right: Sequence[Sequence[str]], harmed: Sequence[bool]) -> dict[str, tuple[int, int]]:
    """Count hits and trials: harmed trainings that are found, have the cause first or shown, and healthy ones by verdict.

    Args:
        said: The answers.
        right: Causes that would be right; ``("healthy",)`` for a healthy training.
        harmed: Whether the training truly went worse than healthy ones.
    """
    sick = [i for i, hurt in enumerate(harmed) if hurt and right[i] != (HEALTHY,)]
    healthy = [i for i in range(len(said)) if tuple(right[i]) == (HEALTHY,)]
    return {
        "found": (sum(said[i].found for i in sick), len(sick)),
        "first": (sum(said[i].first(right[i]) for i in sick), len(sick)),
        "shown": (sum(said[i].shown(right[i]) for i in sick), len(sick)),
        "healthy sick": (sum(said[i].verdict is Verdict.SICK for i in healthy), len(healthy)),
        "healthy suspect": (sum(said[i].verdict is Verdict.SUSPECT for i in healthy), len(healthy)),
        "healthy unjudged": (sum(said[i].verdict is Verdict.UNJUDGED for i in healthy), len(healthy)),
    }


def percent(hits: int, trials: int) -> str:
    """Return a share in words."""
    return f"{hits / trials:.1%} ({hits}/{trials})" if trials else "-"
