"""The tests that separate tied causes, as data: ``checks/tie_tests.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Literal

from msgspec import structs

from rldoctor import datafile
from rldoctor.datafile import Finite, Table, Text
from rldoctor.rulebook import Rulebook


class TieTest(Table, frozen=True):
    """A short training of a run's own recipe with one thing changed.

    Attributes:
        name: Kebab-case.
        title: What is changed, in a few words.
        supports: Names of the diagnoses that become likelier if the signs of the fault are gone, else less likely.
        odds: Log-odds that it adds to these or takes from them.
        normalised: What running statistics normalise.
        change: The diagnosis whose own first change of settings is made; empty for none.
        what: What it is, for ``rldoctor explain``.
        why: Why it separates causes.
        remedy: What to do if the signs are gone.
        false_alarms: When it misleads.
        source: Where it is from.
    """

    name: Text
    title: Text
    supports: tuple[Text, ...]
    odds: Finite
    what: Text
    why: Text
    remedy: Text
    false_alarms: Text
    source: Text
    normalised: tuple[Literal["observations", "rewards"], ...] = ()
    change: str = ""

    def separates(self, causes: tuple[str, ...]) -> bool:
        """Return whether it supports some of the causes and not all of them."""
        return 0 < len({*causes} & {*self.supports}) < len(causes)


@cache
def tie_tests() -> Mapping[str, TieTest]:
    """Return the tests by code.

    Raises:
        UsageError: The file is not valid.
    """
    return datafile.load(datafile.folder("checks") / "tie_tests.toml", dict[str, TieTest], "list of tests")


def with_tests(book: Rulebook) -> Rulebook:
    """Return a rulebook that weighs what the tests say."""
    diagnoses = dict(book.diagnoses)
    for code, test in tie_tests().items():
        for name in test.supports:
            rule = diagnoses.get(name)
            if rule is not None:
                weights = {**rule.weights, f"{code}-{test.name}": test.odds, f"{code}-passed": -test.odds}
                diagnoses[name] = structs.replace(rule, weights=weights)
    return replace(book, diagnoses=diagnoses)
