"""The shipped checks: one module a check, in a folder a theme, found by walking this package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush

from rldoctor.preflight.check import Check, Group


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every shipped check in the order in which they run."""
    found = pkgutil.walk_packages(__path__, f"{__name__}.")
    modules = [importlib.import_module(module.name) for module in found if not module.ispkg]
    return in_order([value for module in modules for value in vars(module).values() if isinstance(value, Check)])


def in_order(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Sort ``checks`` by group and code, late ones later, but each after the checks that it requires.

    Raises:
        ValueError: Two checks share a code, or one requires a check that does not exist or, in the end, itself.
    """
    by_code = {check.code: check for check in checks}
    if len(by_code) < len(checks):
        raise ValueError(f"Two checks share a code among {sorted(check.code for check in checks)}.")
    required = {code for check in checks for code in check.requires}
    if not required <= by_code.keys():
        raise ValueError(f"There are no checks {sorted(required - by_code.keys())}, which others require.")
    sorter = TopologicalSorter({check.code: check.requires for check in checks})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(f"The checks {error.args[1]} require each other.") from error
    placed: list[Check] = []
    ready: list[tuple[int, int, str]] = []
    while sorter.is_active():
        for code in sorter.get_ready():
            heappush(ready, (list(Group).index(by_code[code].group), by_code[code].late, code))
        *_, code = heappop(ready)
        placed.append(by_code[code])
        sorter.done(code)
    return tuple(placed)
