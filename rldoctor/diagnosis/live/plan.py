"""How many steps a training was to have, and whether it has had them."""

from __future__ import annotations

import numpy as np

from rldoctor import stats
from rldoctor.model import Run
from rldoctor.run_record import RunRecord

# What is missing at the end where a training ends between two points, or its last episodes were not logged. Ours.
_NEARLY_ALL = 0.95


def planned_steps(run: Run) -> int | None:
    """Return the steps that ``run.json`` or the settings beside the logs plan; ``None`` where neither does."""
    stated = RunRecord(run.record).recipe_table.get("total_steps") if run.record else None
    if isinstance(stated, int) and stated > 0:
        return stated
    return run.settings.total_steps if run.settings else None


def unfinished(run: Run) -> str:
    """Return in a sentence how much of its plan a training has done; empty where that is all of it, or unknown."""
    planned, done = planned_steps(run), run.last_step
    if planned is None or not run.counts_steps or not done or RunRecord(run.record).is_finished:
        return ""
    longest = max(run.curves.values(), key=len)
    spacing = stats.median(np.diff(longest.steps)) if len(longest) > 1 else 0.0
    if done >= _NEARLY_ALL * planned or done + spacing >= planned:
        return ""
    return f"The run is unfinished: {done / planned:.0%} of {planned:,} steps."
