"""The figures of README.md, on all recorded runs with the shipped weights, in one pass.

README gives them for weights that were fitted without each run (docs/accuracy.md); with the shipped weights, which were
fitted on all runs, they may not be lower by more than ``SLACK``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from benchmarks.accuracy.answers import Answer, answer_for
from benchmarks.corpus import recorded_runs
from rldoctor.model import Verdict
from rldoctor.rulebook import load_rulebook

SLACK = 0.01


PLAIN = "plain"
# Everybody has plain logs: their figures are asked with every test, the others with the slow ones.
LOGS = [PLAIN, pytest.param("with DoctorCallback", marks=pytest.mark.slow)]
# Of harmful runs: found, their cause named first, and among the first three.
AT_LEAST = {PLAIN: (0.98, 0.86, 0.96), "with DoctorCallback": (0.98, 0.94, 0.99)}


@cache
def answers(logs: str) -> list[Answer]:
    """What is said of every recorded run, from plain logs or with the metrics of DoctorCallback."""
    book = load_rulebook()
    return [answer_for(one.without_doctor() if logs == PLAIN else one, book) for one in recorded_runs()]


def harmful(found: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in found if answer.recorded.harmed]


@pytest.mark.parametrize("logs", LOGS)
def test_harmful_faults_are_found_and_their_cause_is_named(logs: str) -> None:
    found = harmful(answers(logs))
    assert len(found) == 269
    for figure, at_least in zip(("found", "first", "among_three"), AT_LEAST[logs], strict=True):
        missed = [answer.recorded.name for answer in found if not getattr(answer, figure)]
        assert 1 - len(missed) / len(found) >= at_least - SLACK, (figure, missed)


@pytest.mark.parametrize("logs", LOGS)
def test_healthy_runs_are_left_alone(logs: str) -> None:
    healthy = [answer for answer in answers(logs) if not answer.recorded.fault]
    assert len(healthy) == 71
    assert not [answer.recorded.name for answer in healthy if answer.verdict is Verdict.SICK]
    assert len([answer for answer in healthy if answer.verdict is not Verdict.HEALTHY]) <= 1
