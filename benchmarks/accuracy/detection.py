"""When a harmful run is found, and which ones cannot be: their end is that of a healthy run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.accuracy.answers import Answer, answer_for
from benchmarks.corpus import RecordedRun
from benchmarks.watch.prefixes import course_of
from rldoctor.rulebook import Rulebook

SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


def detection(corpus: Sequence[RecordedRun], book: Rulebook) -> dict[str, float]:
    """Return for each harmful run the share of the budget after which it is found, and found for good."""
    when = {}
    for recorded in corpus:
        said = [answer_for(recorded.until(share), book).found for share in SHARES]
        when[recorded.name] = next((s for i, s in enumerate(SHARES) if all(said[i:])), float("inf"))
    return when


def stopped_at(recorded: RecordedRun) -> float:
    """Return the share of its steps after which ``DoctorCallback(stop_when="sick")`` ends a run; infinity for never."""
    course = course_of(recorded)
    return next((at.share for at in course if at.hopeless), float("inf"))


def beyond_telling(answers: Sequence[Answer], corpus: Sequence[RecordedRun]) -> tuple[int, int]:
    """Return how many harmful runs were not found, and how many of these end no worse than some healthy run.

    The healthy runs are those of any recipe in tests/runs on the same environment, at the same step, by their logged
    return or success rate: without a reference, only the shape of that curve could show a difference.
    """
    missed = [a.recorded for a in answers if a.recorded.harmed and not a.found]
    return len(missed), sum(stands_among_healthy(p, [w for w in corpus if not w.fault]) for p in missed)


def stands_among_healthy(recorded: RecordedRun, healthy: Sequence[RecordedRun]) -> bool:
    metric = "success_rate" if "success_rate" in recorded.run.curves else "episode_return"
    end = float(recorded.run.curves[metric].values[-1])
    there = [
        float(np.interp(recorded.run.last_step, curve.steps, curve.values))
        for w in healthy
        if w.env == recorded.env and w.run.last_step >= recorded.run.last_step
        for curve in (w.run.curves[metric],)
    ]
    return bool(there) and end >= min(there)
