"""From signs to odds: which causes explain this run, and how well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rldoctor.rulebook import DiagnosisRule, Rulebook
from rldoctor.rulebook.observe import made_for

HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A diagnosis with its share of the odds and the signs that moved it, strongest first."""

    rule: DiagnosisRule
    probability: float
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]


def score(rule: DiagnosisRule, strengths: Mapping[str, float]) -> float:
    """Return the log-odds of one diagnosis: its bias and the weight of each sign at the strength it shows."""
    return rule.bias + sum(_moved(rule, strengths).values())


def _moved(rule: DiagnosisRule, strengths: Mapping[str, float]) -> dict[str, float]:
    return {code: weight * strengths[code] for code, weight in rule.weights.items() if strengths.get(code)}


def rank(book: Rulebook, strengths: Mapping[str, float], algorithm: str = "") -> list[Ranked]:
    """Return every diagnosis, ``healthy`` among them, with probabilities that add up to 1, likeliest first.

    Args:
        book: The rulebook.
        strengths: Code of a sign to how strongly it shows.
        algorithm: What the run was trained with; diagnoses of other algorithms are left out.
    """
    rules = [rule for rule in book.diagnoses.values() if rule.ranked and made_for(rule, algorithm)]
    scores = {rule.name: score(rule, strengths) for rule in rules}
    top = max(scores.values())
    odds = {name: math.exp(value - top) for name, value in scores.items()}
    total = sum(odds.values())
    ranked = [_ranked(book.diagnoses[name], share / total, strengths) for name, share in odds.items()]
    return sorted(ranked, key=lambda item: (-item.probability, item.rule.name))


def _ranked(rule: DiagnosisRule, probability: float, strengths: Mapping[str, float]) -> Ranked:
    moved = _moved(rule, strengths)
    ordered = sorted(moved, key=lambda code: -abs(moved[code]))
    # A tenth in log-odds is less than anybody would call a reason.
    return Ranked(
        rule,
        probability,
        tuple(code for code in ordered if moved[code] > 0.1),
        tuple(code for code in ordered if moved[code] < -0.1),
    )
