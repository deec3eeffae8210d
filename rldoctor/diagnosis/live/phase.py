"""How strongly a sign shows beyond what healthy runs show in the same phase of their training."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from msgspec import Meta

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.datafile import Table

Part = Annotated[float, Meta(ge=0, le=1)]
# Signs that no recorded healthy run could be measured by, such as those of other algorithms, count from here on. Ours.
_UNMEASURED = 0.5


class _File(Table, frozen=True):
    """``checks/phases.toml``, and the file of each family of algorithms."""

    begins: tuple[Part, ...]
    strengths: dict[str, tuple[Part, ...]]


@dataclass(frozen=True)
class Phases:
    """The most that recorded healthy runs show of each sign, by phase.

    Attributes:
        begins: The share of the plan at which each phase begins, rising from 0.
        strengths: Code of a sign to the largest strength of it in each phase, in [0, 1].
    """

    begins: tuple[float, ...]
    strengths: Mapping[str, tuple[float, ...]]

    def beyond(self, code: str, strength: float, share: float | None) -> float:
        """Return what a strength comes to on the way from the most that healthy runs show to full strength, in [0, 1].

        Args:
            code: Of the sign.
            strength: As measured, in [0, 1].
            share: Of the plan that is done; ``None`` where it is unknown: the most of any phase is taken.
        """
        usual = self.strengths.get(code)
        if usual is None:
            return strength if share is not None and share >= _UNMEASURED else 0.0
        most = max(usual) if share is None else usual[bisect_right(self.begins, share) - 1]
        return max(0.0, (strength - most) / (1.0 - most)) if most < 1.0 else 0.0


@cache
def shipped_phases(family: str = "") -> Phases:
    """Return the phases of the recorded healthy runs.

    Args:
        family: Of the algorithm, as ``checks/algorithms.toml`` has it: each has a file of its own.

    Raises:
        UsageError: The file is not valid.
    """
    name = f"phases_{family}" if family else "phases"
    found = compiled(name, _File, lambda: datafile.load(datafile.folder("checks") / f"{name}.toml", _File))
    return Phases(found.begins, found.strengths)
