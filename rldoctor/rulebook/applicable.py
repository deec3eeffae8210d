"""The part of a rulebook that is made for one algorithm, ready to be used on many runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from msgspec import structs

from rldoctor.model import FloatArray
from rldoctor.rulebook.load import Rulebook
from rldoctor.rulebook.schema import DiagnosisRule, Sign


@dataclass(frozen=True)
class Applicable:
    """What of a rulebook is made for one algorithm.

    Attributes:
        signs: The signs that judge its runs.
        foreign: The other signs.
        rules: The diagnoses with a probability that its runs can have.
        biases: The bias of each of these, shape ``(rules,)``.
        weights: The weight of each piece of evidence, shape ``(rules, evidence)``.
        places: Code of a sign, or key of another witness's observation, to its column in ``weights``.
        by_metrics: What is known of the signs by the metrics that a run logs, for whoever looks for it again.
    """

    signs: tuple[Sign, ...]
    foreign: tuple[Sign, ...]
    rules: tuple[DiagnosisRule, ...]
    biases: FloatArray
    weights: FloatArray
    places: Mapping[str, int]
    by_metrics: dict[frozenset[str], Any] = field(default_factory=dict)


def made_for(rule: Sign | DiagnosisRule, algorithm: str) -> bool:
    """Return whether a rule applies to runs of ``algorithm``; every rule does where that is not known."""
    return not algorithm or not rule.algorithms or algorithm in rule.algorithms


def applicable(book: Rulebook, algorithm: str) -> Applicable:
    """Return the part of ``book`` that is made for an algorithm, worked out once."""
    if algorithm not in book.by_algorithm:
        book.by_algorithm[algorithm] = _work_out(book, algorithm)
    found: Applicable = book.by_algorithm[algorithm]
    return found


def _work_out(book: Rulebook, algorithm: str) -> Applicable:
    family = book.algorithms[algorithm].family if algorithm in book.algorithms else ""
    rules = tuple(
        in_family(book, rule, family)
        for rule in book.diagnoses.values()
        if rule.ranked and _judges(book, rule, algorithm)
    )
    places = {key: place for place, key in enumerate(_in_order([list(rule.weights) for rule in rules]))}
    weights = np.zeros((len(rules), len(places)))
    for row, rule in enumerate(rules):
        for key, weight in rule.weights.items():
            weights[row, places[key]] = weight
    return Applicable(
        signs=tuple(sign for sign in book.signs.values() if _judges(book, sign, algorithm)),
        foreign=tuple(sign for sign in book.signs.values() if not _judges(book, sign, algorithm)),
        rules=rules,
        biases=np.array([rule.bias for rule in rules]),
        weights=weights,
        places=places,
    )


def _judges(book: Rulebook, rule: Sign | DiagnosisRule, algorithm: str) -> bool:
    # Runs of a family with weights of its own are recognised by their tags: what its rules miss in logs of an unknown
    # algorithm says nothing.
    if not algorithm and rule.algorithms:
        return not all(book.algorithms[name].family for name in rule.algorithms)
    return made_for(rule, algorithm)


def in_family(book: Rulebook, rule: DiagnosisRule, family: str) -> DiagnosisRule:
    """Return a diagnosis as it is judged and worded for the runs of a family of algorithms."""
    if not family:
        return rule
    texts = structs.asdict(rule.wording[family]) if family in rule.wording else {}
    own = book.weights_of.get(family, {}).get(rule.name)
    changed: dict[str, Any] = {key: text for key, text in texts.items() if text}
    if own is not None:
        # What settings, models and environments say holds for every algorithm that has no weights of its own for it.
        others = {key: weight for key, weight in rule.weights.items() if key in book.witnesses}
        signs = {key: weight for key, weight in own.items() if key != "bias"}
        changed |= {"bias": own["bias"], "weights": {**others, **signs}}
    return structs.replace(rule, **changed)


def _in_order(lists: Sequence[Sequence[str]]) -> list[str]:
    """Return all keys in an order that agrees with each list: sums come out the same to the last bit."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for keys in lists:
        for place, key in enumerate(keys):
            order.add(key, *keys[max(place - 1, 0) : place])
    try:
        return list(order.static_order())
    except CycleError:
        return list(dict.fromkeys(key for keys in lists for key in keys))
