"""Robots' logs: each of twelve stories has a cause of its own, and what only resembles one is healthy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Run, Severity, Verdict
from tests.robots.look_alikes import LOOK_ALIKES
from tests.robots.stories import STORIES

SEEDS = (3, 8)
MORE_SEEDS = range(100, 120)


def told(story: Callable[[int], Run], causes: tuple[str, ...], seed: int) -> bool:
    if not causes:
        return silent(story, seed)
    subject = diagnose_run(story(seed))
    return subject.verdict in (Verdict.SICK, Verdict.SUSPECT) and subject.diagnoses[0].name in causes


def silent(story: Callable[[int], Run], seed: int) -> bool:
    subject = diagnose_run(story(seed))
    return subject.verdict is Verdict.HEALTHY and all(found.severity is Severity.NOTE for found in subject.findings)


@pytest.mark.parametrize("name", STORIES)
def test_trouble_is_told_by_its_own_cause(name: str) -> None:
    story, causes = STORIES[name]
    assert [seed for seed in SEEDS if not told(story, causes, seed)] == []


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_healthy_robot_that_looks_like_trouble_is_healthy(name: str) -> None:
    assert [seed for seed in SEEDS if not silent(LOOK_ALIKES[name], seed)] == []


@pytest.mark.slow
def test_over_many_seeds_nineteen_of_twenty_are_right() -> None:
    wrong = [(n, s) for n, (story, causes) in STORIES.items() for s in MORE_SEEDS if not told(story, causes, s)]
    wrong += [(n, s) for n, story in LOOK_ALIKES.items() for s in MORE_SEEDS if not silent(story, s)]
    assert len(wrong) <= len(MORE_SEEDS) * (len(STORIES) + len(LOOK_ALIKES)) / 20, wrong


def test_what_was_not_paid_is_named_as_it_was_logged() -> None:
    subject = diagnose_run(STORIES["dead-term"][0](3))
    found = next(item for item in subject.findings if item.code == "RET141")
    assert "Episode_Reward/track_ang_vel_z_exp" in found.message


def test_a_return_that_falls_as_the_level_rises_is_no_error() -> None:
    subject = diagnose_run(STORIES["outrun-curriculum"][0](3))
    assert subject.verdict is Verdict.SUSPECT
    assert {item.severity for item in subject.findings if item.code in ("RET102", "RET103")} <= {Severity.NOTE}
