"""Thresholds of signs that a configuration changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from msgspec import structs

from rldoctor.errors import UsageError, near
from rldoctor.rulebook.detectors.detector import Condition, Graded, Thresholds
from rldoctor.rulebook.load import Rulebook
from rldoctor.rulebook.schema import Sign


def with_thresholds(book: Rulebook, changed: Mapping[str, Thresholds], where: str) -> tuple[Rulebook, dict[str, str]]:
    """Return the rulebook with the thresholds of each named sign's first condition replaced.

    Args:
        book: The rulebook.
        changed: Code or name of a sign to the new thresholds.
        where: The place of the table, for the message.

    Returns:
        The rulebook, and by code of each changed sign what was changed, in words.

    Raises:
        UsageError: There is no such sign, its first condition has no thresholds, or the new ones point the other way.
    """
    signs, words = dict(book.signs), {}
    by_word = {**book.signs, **{sign.name: sign for sign in book.signs.values()}}
    for word, thresholds in changed.items():
        if word not in by_word:
            raise UsageError(f"{where}.{word}: no sign has this code or name.", near(word, by_word))
        sign = by_word[word]
        first, *others = sign.when
        before = _checked(first, thresholds, sign, f"{where}.{word}")
        signs[sign.code] = structs.replace(sign, when=(structs.replace(first, thresholds=thresholds), *others))
        words[sign.code] = f"{sign.code} {sign.name}: {_words(thresholds)} instead of {_words(before)}"
    return replace(book, signs=signs), words


def _checked(condition: Condition, thresholds: Thresholds, sign: Sign, where: str) -> Thresholds:
    """Return the thresholds that the new ones replace."""
    if not isinstance(condition, Graded):
        raise UsageError(f"{where}: {sign.code} {sign.name} has no threshold: it shows or it does not.")
    before = condition.thresholds
    if (thresholds[1] > thresholds[0]) != (before[1] > before[0]):
        way = "rise" if before[1] > before[0] else "fall"
        raise UsageError(f"{where} = {list(thresholds)} must {way}, as {list(before)} does.", "Swap the two numbers.")
    if condition.log and min(thresholds) <= 0:
        raise UsageError(f"{where} = {list(thresholds)} must be above 0: {sign.code} uses a logarithmic scale.")
    return before


def _words(thresholds: Thresholds) -> str:
    return f"{thresholds[0]:g} to {thresholds[1]:g}"
