"""Alternatives that are measured alternately."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Mapping
from functools import cache

Measure = Callable[[], float]


def in_turns(ways: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Measure every alternative ``rounds`` times, in a rotating order, so that a slow minute affects all of them."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for number in range(rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            found[name].append(ways[name]())
    return found


def ratio(over: list[float], under: list[float]) -> str:
    """Return the median ratio of the rounds, with the lowest and the highest."""
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def middle(numbers: list[float]) -> float:
    return statistics.median(numbers)


@cache
def _bytecode() -> str:
    return tempfile.mkdtemp(prefix="rldoctor-bytecode-")


def as_installed() -> dict[str, str]:
    """Return the environment of processes that find their modules compiled, as those of an installed package are.

    Where Python is told not to keep compiled modules, a tenth of a second of each process would be theirs.
    """
    kept = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": _bytecode()}
