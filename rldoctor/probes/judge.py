"""What a played probe shows, as signs, and which part of the implementation the signs of all probes point to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rldoctor.model import RankedDiagnosis
from rldoctor.probes.catalogue import Expected, Part, probes
from rldoctor.probes.environments import PROBES
from rldoctor.probes.play import Measured

PASSED = "passed"
# Acting at random is right half of the time.
_WRONG = 0.25
_UNKNOWN_GAMMA = (0.9, 1.0)


def signs(
    probe: str, measured: Measured, expected: Expected, gamma: float | None, explores: bool = True
) -> dict[str, str]:
    """Return what a probe shows: by aspect (``policy``, ``value``, ``behaviour``) a word, ``passed`` where it is right.

    Args:
        probe: Its name.
        measured: What was measured.
        expected: What correct algorithms reach.
        gamma: The discount factor; ``None`` where the algorithm keeps its own, from 0.9 to 1.
        explores: Whether the algorithm's actions in training are those of its policy, which is drawn from.
    """
    found: dict[str, str] = {}
    if measured.scores:
        found["policy"] = _policy(measured.scores, expected)
    if measured.values:
        found["value"] = _value(probe, measured.values, expected, gamma)
    if explores and probe == "indifferent":
        found["behaviour"] = "collapsed" if measured.spread < expected.spread / 4 else PASSED
    if explores and probe in ("action-matters", "both-matter", "normalisation"):
        acts_badly = "wrong" if measured.late < _WRONG else "random"
        found["behaviour"] = acts_badly if measured.late < expected.least_late else PASSED
        if measured.late >= expected.least_late and found["policy"] != PASSED:
            # It acts well in training, and the policy that it returns does not.
            found["policy"] = "differs"
    return found


def _policy(scores: Sequence[float], expected: Expected) -> str:
    if not all(map(math.isfinite, scores)):
        return "not-finite"
    mean = float(np.mean(scores))
    # A state that the best policy never visits again is learned from few steps.
    if mean >= expected.least_score and min(scores) > 0.5:
        return PASSED
    if max(scores) < 0.4:
        return "reversed"
    return "one-action" if len(scores) > 1 and 0.4 <= mean <= 0.6 else "failed"


def value_range(probe: str, gamma: float | None) -> list[tuple[float, float]]:
    """Return the least and the largest right value at each state that a probe asks about."""
    gammas = _UNKNOWN_GAMMA if gamma is None else (gamma,)
    return [(min(map(of, gammas)), max(map(of, gammas))) for _, of in PROBES[probe].values]


def value_error(probe: str, values: Sequence[float], gamma: float | None) -> float:
    """Return the largest distance of a value from what is right."""
    pairs = zip(values, value_range(probe, gamma), strict=True)
    return max(max(low - value, value - high, 0.0) for value, (low, high) in pairs)


def _value(probe: str, values: Sequence[float], expected: Expected, gamma: float | None) -> str:
    if not all(map(math.isfinite, values)):
        return "not-finite"
    if value_error(probe, values, gamma) <= expected.value_tolerance:
        return PASSED
    right = [(low + high) / 2 for low, high in value_range(probe, gamma)]
    if len(right) > 1 and abs(right[1] - right[0]) > 0.5:
        apart = (values[1] - values[0]) / (right[1] - right[0])
        if apart < -0.3:
            return "reversed"
        if apart < 0.3:
            return "flat"
    return "too-high" if values[0] > right[0] else "too-low"


def rank(found: Iterable[str]) -> tuple[RankedDiagnosis, ...]:
    """Return the parts that the signs point to, the likeliest first.

    Args:
        found: Signs of all probes, such as ``action-matters.policy.reversed`` and ``constant-reward.value.passed``.
    """
    seen = set(found)
    scores = {name: part.bias + sum(_weight(part, sign) for sign in seen) for name, part in probes().part.items()}
    highest = max(scores.values())
    odds = {name: math.exp(score - highest) for name, score in scores.items()}
    total = sum(odds.values())
    return tuple(
        RankedDiagnosis(
            name,
            probes().part[name].title,
            share / total,
            evidence_for=_codes(part for part in seen if _weight(probes().part[name], part) > 0),
            evidence_against=_codes(part for part in seen if _weight(probes().part[name], part) < 0),
            remedy=probes().part[name].remedy,
        )
        for name, share in sorted(odds.items(), key=lambda pair: -pair[1])
    )


def _weight(part: Part, sign: str) -> float:
    """Return the weight of a sign; that of ``probe.aspect`` counts for whatever is not right about the aspect."""
    weights: Mapping[str, float] = part.weights
    if sign in weights:
        return weights[sign]
    aspect, _, word = sign.rpartition(".")
    return 0.0 if word == PASSED else weights.get(aspect, 0.0)


def _codes(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({probes().probe[sign.partition(".")[0]].code for sign in found}))
