"""A sign on a case: how strongly it shows, or why it cannot be judged."""

from __future__ import annotations

from dataclasses import dataclass

from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.detector import NotSeen, Seen
from rldoctor.rulebook.load import Rulebook
from rldoctor.rulebook.schema import DiagnosisRule, Sign

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
