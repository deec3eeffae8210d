"""Whether logs begin with the training, or are the rest of them: what ``tail`` left, or a resumed training alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve, Finding, Severity

# The first step is far from 0: more rows fit before it than a slow start takes, and more of the steps than a quarter of
# all that follow. Ours: each of the 384 recorded runs begins one row after 0.
_ROWS, _SHARE = 20, 0.25
BEGINNING_MISSING = "LOG212"
"""The code of the note."""
_FEWEST = 4


def beginning_finding(curves: Mapping[str, Curve], axis: str) -> list[Finding]:
    """Return a note where what came before the first step is not in the logs.

    Args:
        curves: The curves of a run.
        axis: What their steps count.
    """
    longest = max(curves.values(), key=len, default=None)
    if longest is None or len(longest) < _FEWEST:
        return []
    first = min(int(curve.steps[0]) for curve in curves.values() if len(curve))
    last = max(int(curve.steps[-1]) for curve in curves.values() if len(curve))
    spacing = stats.median(np.diff(longest.steps))
    if first <= _ROWS * spacing or first <= _SHARE * (last - first):
        return []
    what = axis if axis in ("episodes", "iterations", "updates", "frames") else "steps"
    message = (
        f"The logs begin at {first:,} {what}: what came before is not in them. Signs that need the beginning, such as "
        "that the return never rose, are not judged."
    )
    remedy = "Diagnose the whole log; of a training that was resumed, its first part as well."
    return [Finding(BEGINNING_MISSING, "beginning-missing", Severity.NOTE, message, remedy, {"first_step": first})]
