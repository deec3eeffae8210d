"""Signs that need the beginning of a training: what never rose may have risen before the first step that is logged.

The end of a log shows levels, rises and falls of its own. It does not show that a metric never was another one, and its
first rows are not the first of the training.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.detector import Condition, Graded, NotMeasured
from rldoctor.rulebook.detectors.lasting import Frozen
from rldoctor.rulebook.detectors.level import Level, ScaleOff
from rldoctor.rulebook.detectors.moments import Begins, Stated
from rldoctor.rulebook.detectors.shape import Change, Gain, Restless, Rise, Swing, Trend

# From here on a window is the end of a run.
_LATE = 0.5
# The finding of logs/beginning.py.
_MISSING = "LOG212"
NO_BEGINNING = NotMeasured("the logs do not begin with the training")
"""Why such a sign is not judged."""


def without_beginning(case: Case) -> bool:
    """Return whether the logs of a case do not begin with its training."""
    return any(finding.code == _MISSING for finding in case.run.findings)


def needs_beginning(conditions: Sequence[Condition]) -> bool:
    """Return whether a sign of a fault needs the beginning; what shows health shows it at any time.

    What a level at the end shows, such as no success, needs none: it is that level, whether it was another one before.
    """
    at_end = isinstance(conditions[0], Level) and conditions[0].window[0] >= _LATE
    return any(_needs(condition) for condition in conditions if not (at_end and isinstance(condition, Trend)))


@lru_cache(1024)
def _needs(condition: Condition) -> bool:
    low, high = getattr(condition, "window", (0.0, 1.0))
    if low < 0.1 and high < 1.0:
        return True
    if isinstance(condition, (Frozen, ScaleOff, Begins, Restless)):
        return True
    none, full = condition.thresholds if isinstance(condition, Graded) else (0.0, 0.0)
    if isinstance(condition, (Gain, Rise, Trend, Swing)):
        return none > full and none > 0  # "does not rise"
    if isinstance(condition, Change):
        return none < full and 0 < none < 1  # "is still where it was"
    # "is small throughout": a schedule that has ended makes it so.
    return isinstance(condition, (Level, Stated)) and low == 0 and none > full
