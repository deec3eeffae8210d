"""The figures of README.md, on all recorded runs with the shipped weights, in one pass.

README gives them for weights that were fitted without each run (docs/accuracy.md); with the shipped weights, which were
fitted on all runs, they may not be lower by more than ``SLACK``.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.accuracy.answers import Answer, answer_for
from benchmarks.corpus import recorded_runs
from rldoctor.model import Verdict
from rldoctor.rulebook import load_rulebook

SLACK = 0.01


@pytest.fixture(scope="module")
def answers() -> dict[str, list[Answer]]:
    """What is said of every recorded run, from plain logs and with the metrics of DoctorCallback."""
    book, runs = load_rulebook(), recorded_runs()
    return {
        "plain": [answer_for(recorded.without_doctor(), book) for recorded in runs],
        "with DoctorCallback": [answer_for(recorded, book) for recorded in runs],
    }


def harmful(found: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in found if answer.recorded.harmed]


@pytest.mark.parametrize(
    ("logs", "figure", "at_least"),
    [
        ("plain", "found", 0.98),
        ("plain", "first", 0.86),
        ("plain", "among_three", 0.96),
        ("with DoctorCallback", "found", 0.98),
        ("with DoctorCallback", "first", 0.94),
        ("with DoctorCallback", "among_three", 0.99),
    ],
)
def test_harmful_faults_are_found_and_their_cause_is_named(answers, logs, figure, at_least):
    right = [getattr(answer, figure) for answer in harmful(answers[logs])]
    missed = [a.recorded.name for a in harmful(answers[logs]) if not getattr(a, figure)]
    assert len(right) == 269
    assert sum(right) / len(right) >= at_least - SLACK, missed


@pytest.mark.parametrize("logs", ["plain", "with DoctorCallback"])
def test_healthy_runs_are_left_alone(answers, logs):
    healthy = [answer for answer in answers[logs] if not answer.recorded.fault]
    assert len(healthy) == 71
    assert not [answer.recorded.name for answer in healthy if answer.verdict is Verdict.SICK]
    assert len([answer for answer in healthy if answer.verdict is not Verdict.HEALTHY]) <= 1
