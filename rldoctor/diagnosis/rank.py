"""From evidence to probabilities: which causes explain this run, and how well."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

import numpy as np
from msgspec import Struct

from rldoctor.rulebook import DiagnosisRule, Rulebook
from rldoctor.rulebook.applicable import applicable

HEALTHY = "healthy"
# Less than a tenth in log-odds moves nothing that a reader would notice.
_NOTICEABLE = 0.1


class Ranked(Struct, frozen=True, dict=True):
    """A diagnosis with its probability.

    Attributes:
        rule: The diagnosis.
        probability: In [0, 1].
        strengths: Code of a sign, or key of another witness's observation, to the strength of its evidence.
    """

    rule: DiagnosisRule
    probability: float
    strengths: Mapping[str, float]

    @cached_property
    def evidence_for(self) -> tuple[str, ...]:
        """The codes of the evidence that made it likelier, strongest first."""
        return self._evidence(1)

    @cached_property
    def evidence_against(self) -> tuple[str, ...]:
        """The codes of the evidence that made it less likely, strongest first."""
        return self._evidence(-1)

    @cached_property
    def _moved(self) -> Mapping[str, float]:
        """By how much each piece of evidence moved the log-odds, in the order of the rule's weights."""
        weights, strengths = self.rule.weights, self.strengths
        return {key: weights[key] * strengths[key] for key in filter(strengths.__contains__, weights)}

    def _evidence(self, side: int) -> tuple[str, ...]:
        moved = self._moved
        ordered = sorted((key for key in moved if side * moved[key] > _NOTICEABLE), key=lambda key: -abs(moved[key]))
        return tuple(dict.fromkeys(map(code_of, ordered)))


def rank(
    book: Rulebook,
    strengths: Mapping[str, float],
    algorithm: str = "",
    spared: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Ranked]:
    """Return every diagnosis, ``healthy`` among them, with probabilities that add up to 1, likeliest first.

    The log-odds of a diagnosis are its bias and the weight of each sign times the strength of its evidence.

    Args:
        book: The rulebook.
        strengths: Code of a sign, or key of another witness's observation, to the strength of its evidence, in [0, 1].
        algorithm: What the run was trained with; diagnoses of other algorithms are left out.
        spared: Name of a diagnosis to the keys of observations that do not count against it.
    """
    chosen = applicable(book, algorithm)
    seen = {key: strength for key, strength in strengths.items() if strength}
    counted = sorted((chosen.places[key], strength) for key, strength in seen.items() if key in chosen.places)
    columns, strong = [place for place, _ in counted], [strength for _, strength in counted]
    moved = np.cumsum(chosen.weights[:, columns] * strong, axis=1)[:, -1:].sum(axis=1)
    scores: list[float] = (chosen.biases + moved).tolist()
    # What a rule is judged by: without what does not count against it.
    seen_by: list[Mapping[str, float]] = [seen] * len(scores)
    for place, rule in enumerate(chosen.rules) if spared else ():
        if rule.name in spared:
            own = {key: s for key, s in seen.items() if key not in spared[rule.name] or rule.weights.get(key, 0.0) > 0}
            scores[place] -= sum(rule.weights.get(key, 0.0) * s for key, s in seen.items() if key not in own)
            seen_by[place] = own
    most = max(scores)
    odds = [math.exp(score - most) for score in scores]
    total = sum(odds)
    ranked = [Ranked(rule, share / total, own) for rule, share, own in zip(chosen.rules, odds, seen_by, strict=True)]
    return sorted(ranked, key=lambda item: (-item.probability, item.rule.name))


def probability_of(name: str, ranked: Sequence[Ranked]) -> float:
    """Return the probability of one diagnosis, in [0, 1]."""
    return next(item.probability for item in ranked if item.rule.name == name)


def code_of(key: str) -> str:
    """Return the code of a sign or check whose evidence is called ``key``: ``ENV302`` of ``ENV302-passed``."""
    return key.partition("-")[0]
