"""From evidence to probabilities: which causes explain this run, and how well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rldoctor.rulebook import DiagnosisRule, Rulebook
from rldoctor.rulebook.observe import made_for

HEALTHY = "healthy"
# Less than a tenth in log-odds moves nothing that a reader would notice.
_NOTICEABLE = 0.1


@dataclass(frozen=True, slots=True)
class Ranked:
    """A diagnosis with its probability and the codes of the evidence that moved it, strongest first."""

    rule: DiagnosisRule
    probability: float
    evidence_for: tuple[str, ...]
    evidence_against: tuple[str, ...]


def rank(book: Rulebook, strengths: Mapping[str, float], algorithm: str = "") -> list[Ranked]:
    """Return every diagnosis, ``healthy`` among them, with probabilities that add up to 1, likeliest first.

    The log-odds of a diagnosis are its bias and the weight of each sign times the strength of its evidence.

    Args:
        book: The rulebook.
        strengths: Code of a sign, or key of another witness's observation, to the strength of its evidence, in [0, 1].
        algorithm: What the run was trained with; diagnoses of other algorithms are left out.
    """
    rules = [rule for rule in book.diagnoses.values() if rule.ranked and made_for(rule, algorithm)]
    moved = [{code: w * strengths[code] for code, w in rule.weights.items() if strengths.get(code)} for rule in rules]
    scores = [rule.bias + sum(moves.values()) for rule, moves in zip(rules, moved, strict=True)]
    odds = [math.exp(score - max(scores)) for score in scores]
    total = sum(odds)
    ranked = [_ranked(rule, share / total, moves) for rule, share, moves in zip(rules, odds, moved, strict=True)]
    return sorted(ranked, key=lambda item: (-item.probability, item.rule.name))


def _ranked(rule: DiagnosisRule, probability: float, moved: Mapping[str, float]) -> Ranked:
    ordered = sorted(moved, key=lambda key: -abs(moved[key]))
    return Ranked(
        rule,
        probability,
        tuple(dict.fromkeys(code_of(key) for key in ordered if moved[key] > _NOTICEABLE)),
        tuple(dict.fromkeys(code_of(key) for key in ordered if moved[key] < -_NOTICEABLE)),
    )


def code_of(key: str) -> str:
    """Return the code of a sign or check whose evidence is called ``key``: ``ENV302`` of ``ENV302-passed``."""
    return key.partition("-")[0]
