"""Checks that other packages bring: loaded through their entry points, each held to what a check must be.

A package that cannot be imported, or whose checks break a rule, is no reason to stop: it is reported (SYS401).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint

from rldoctor.preflight.check import Check, one_line
from rldoctor.preflight.check_docs import origin_of, own_entries
from rldoctor.rulebook.load import FAMILIES, OWN_CODE


@dataclass(frozen=True)
class Refused:
    """A check that is not used, where it comes from, and why not."""

    what: str
    origin: str
    reason: str


@cache
def load_own(shipped: tuple[Check, ...]) -> tuple[tuple[Check, ...], tuple[Refused, ...]]:
    """Return the checks that other packages bring, and those of them that cannot be used.

    Args:
        shipped: The checks that are there already.
    """
    checks: list[Check] = []
    refused: list[Refused] = []
    for entry in own_entries():
        try:
            found = list(_checks(entry))
        except (Exception, SystemExit) as problem:  # A stranger's module may raise anything.
            refused.append(Refused(entry.name, origin_of(entry), f"it cannot be loaded: {one_line(problem)}"))
            continue
        for check in found:
            reason = _wrong(check, [*shipped, *checks])
            if reason:
                refused.append(Refused(f"{check.code} {check.name}", check.origin, reason))
            else:
                checks.append(check)
    return _connected(shipped, checks, refused)


def _checks(entry: EntryPoint) -> Iterator[Check]:
    loaded = entry.load()
    found = [loaded] if isinstance(loaded, Check) else [v for v in vars(loaded).values() if isinstance(v, Check)]
    if not found:
        raise TypeError("it declares no check")
    for check in found:
        yield replace(check, origin=origin_of(entry))


def _wrong(check: Check, others: Sequence[Check]) -> str:
    """Return what is wrong with a check, empty where nothing is."""
    if not OWN_CODE.match(check.code):
        return f"its code must be a family of its own, none of {' '.join(FAMILIES)}, and three digits"
    for other in others:
        if check.code == other.code or check.name == other.name:
            return f"its code or name is that of {other.code} {other.name}"
    return ""


def _connected(
    shipped: Sequence[Check], checks: list[Check], refused: list[Refused]
) -> tuple[tuple[Check, ...], tuple[Refused, ...]]:
    """Leave out checks that follow one which does not exist, or themselves."""
    placed = {check.code for check in shipped}
    usable: list[Check] = []
    while ready := [check for check in checks if check not in usable and placed.issuperset(check.after)]:
        usable += ready
        placed |= {check.code for check in ready}
    rest = [check for check in checks if check not in usable]
    why = "it follows a check that does not exist, or itself"
    return tuple(usable), (*refused, *(Refused(f"{check.code} {check.name}", check.origin, why) for check in rest))
