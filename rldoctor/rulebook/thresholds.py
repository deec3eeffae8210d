"""Thresholds of signs that a configuration moves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace

from rldoctor.errors import UsageError, near
from rldoctor.rulebook.detectors.detector import Condition, Ramp
from rldoctor.rulebook.load import Rulebook
from rldoctor.rulebook.schema import Sign


def with_thresholds(book: Rulebook, thresholds: Mapping[str, Ramp], where: str) -> tuple[Rulebook, dict[str, str]]:
    """Return the rulebook with the ramp of each named sign's first condition replaced.

    Args:
        book: The rulebook.
        thresholds: Code or name of a sign to the new ramp.
        where: The place of the table, for the message.

    Returns:
        The rulebook, and by code of each changed sign what was changed, in words.

    Raises:
        UsageError: There is no such sign, its first condition has no ramp, or the ramp points the other way.
    """
    signs, told = dict(book.signs), {}
    for word, ramp in thresholds.items():
        sign = find_sign(book, word, where)
        first, *others = sign.when
        before = _checked(first, ramp, sign, f"{where}.{word}")
        # mypy knows the base of the verbs alone; that this one has a ramp was asked above.
        changed = replace(first, ramp=ramp)  # type: ignore[call-arg]
        signs[sign.code] = replace(sign, when=(changed, *others))
        told[sign.code] = f"{sign.code} {sign.name}: {_words(ramp)} instead of {_words(before)}"
    return replace(book, signs=signs), told


def find_sign(book: Rulebook, word: str, where: str) -> Sign:
    """Return the sign of a code or a name.

    Raises:
        UsageError: There is none.
    """
    found = next((sign for sign in book.signs.values() if word in (sign.code, sign.name)), None)
    if found is None:
        known = [word for sign in book.signs.values() for word in (sign.code, sign.name)]
        raise UsageError(f"{where}.{word}: no sign has this code or name.", near(word, known))
    return found


def _checked(condition: Condition, ramp: Ramp, sign: Sign, where: str) -> Ramp:
    """Return the ramp that the new one replaces."""
    if "ramp" not in {field.name for field in dataclasses.fields(condition)}:
        raise UsageError(f"{where}: {sign.code} {sign.name} has no threshold: it shows or it does not.")
    before: Ramp = getattr(condition, "ramp")  # noqa: B009  # which verbs have
    if (ramp[1] > ramp[0]) != (before[1] > before[0]):
        way = "rise" if before[1] > before[0] else "fall"
        raise UsageError(f"{where} = {list(ramp)} must {way}, as {list(before)} does.", "Turn its numbers round.")
    if getattr(condition, "log", False) and min(ramp) <= 0:
        raise UsageError(f"{where} = {list(ramp)} must be above 0: {sign.code} measures in powers of ten.")
    return before


def _words(ramp: Ramp) -> str:
    return f"{ramp[0]:g} to {ramp[1]:g}"
