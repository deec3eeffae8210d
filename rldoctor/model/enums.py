"""Enumerations and type aliases: severities, verdicts, outcomes of checks, and what a logged value is averaged over."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Json: TypeAlias = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
else:
    # A saved report is read by these types, and msgspec takes no recursive one.
    Json = Any
FloatArray: TypeAlias = "NDArray[np.float64]"
IntArray: TypeAlias = "NDArray[np.int64]"


class Severity(StrEnum):
    """How much a finding matters. A note never changes a verdict."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for a note, 2 for an error."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Verdict(StrEnum):
    """The judgement on a subject. Missing data is ``UNJUDGED``, never ``HEALTHY``."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    SICK = "sick"
    UNJUDGED = "unjudged"


class Aggregation(StrEnum):
    """What one logged value is averaged over. Frameworks log the same metric over different windows."""

    MEAN = "mean"
    LAST_EPOCH = "mean-over-last-epoch"
    LAST_MINIBATCH = "last-minibatch"
    WINDOW = "mean-over-recent-episodes"
    EPISODE = "episode"
    SETTING = "setting"


class Outcome(StrEnum):
    """How one check ended. ``NOT_RUN`` is neither pass nor fail."""

    PASSED = "passed"
    FIRED = "fired"
    NOT_RUN = "not-run"
    SKIPPED = "skipped"
