"""From signs to odds: which causes explain this patient, and how well."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rldoctor.rulebook.case import Case
from rldoctor.rulebook.load import Rulebook
from rldoctor.rulebook.schema import DiagnosisRule, Sign
from rldoctor.rulebook.verb import NotSeen, Seen

HEALTHY = "healthy"
# A sign shows from half of its ramp on; below that it still weighs in the odds, but is not worth a reader's line.
FIRES_FROM = 0.5


@dataclass(frozen=True, slots=True)
class Observation:
    """A sign on a case: as strong as its weakest condition; the leading condition gives the numbers."""

    sign: Sign
    strength: float
    seen: Seen

    @property
    def fires(self) -> bool:
        """Whether the sign is a finding."""
        return self.strength >= FIRES_FROM


@dataclass(frozen=True, slots=True)
class Unobserved:
    """A sign that could not be judged, and why."""

    sign: Sign
    reason: NotSeen


@dataclass(frozen=True, slots=True)
class Ranked:
    """A diagnosis with its share of the odds and the signs that moved it, strongest first."""

    rule: DiagnosisRule
    probability: float
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]


def observe(sign: Sign, case: Case) -> Observation | Unobserved:
    """Hold one sign against a case."""
    if not made_for(sign, case.run.algorithm):
        return Unobserved(sign, NotSeen(f"it judges {' and '.join(sign.algorithms)}", foreign=True))
    weakest, leading = 1.0, None
    for condition in sign.when:
        seen = condition.measure(case)
        if isinstance(seen, NotSeen):
            if condition.optional and leading is not None:
                continue
            return Unobserved(sign, seen)
        leading = leading or seen
        weakest = min(weakest, seen.strength)
    assert leading is not None, "the loader refuses a sign without conditions"
    return Observation(sign, weakest, leading)


def observe_all(book: Rulebook, case: Case) -> tuple[list[Observation], list[Unobserved]]:
    """Hold every sign against a case."""
    results = [observe(sign, case) for sign in book.signs.values()]
    return (
        [result for result in results if isinstance(result, Observation)],
        [result for result in results if isinstance(result, Unobserved)],
    )


def made_for(rule: Sign | DiagnosisRule, algorithm: str) -> bool:
    """Tell whether a rule speaks of runs of ``algorithm``; of one that is not told every rule may."""
    return not algorithm or not rule.algorithms or algorithm in rule.algorithms


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
    rules = [rule for rule in book.diagnoses.values() if not rule.beside and made_for(rule, algorithm)]
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
