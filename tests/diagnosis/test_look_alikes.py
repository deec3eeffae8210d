"""Causes that plain logs hardly tell apart are a tie sooner than others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rldoctor.diagnosis import witnesses
from rldoctor.diagnosis.rank import Ranked
from rldoctor.model import Verdict
from rldoctor.rulebook import load_rulebook

REWARD, OBSERVATIONS, ACTIONS = "reward-uninformative", "observations-uninformative", "actions-without-effect"


def tied(strengths: Mapping[str, float]) -> tuple[str, ...]:
    """Return the tie of three causes, the second and third of them at 0.3 of the first."""
    rules = load_rulebook().diagnoses
    likely = {"healthy": 0.1, REWARD: 0.5, OBSERVATIONS: 0.15, ACTIONS: 0.15}
    ranked = [Ranked(rules[name], probability, strengths) for name, probability in likely.items()]
    return witnesses.tied(ranked, Verdict.SICK, REWARD)


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses, "look_alikes", lambda: {REWARD: (OBSERVATIONS,)})


@pytest.mark.usefixtures("alike")
def test_plain_logs_leave_a_look_alike_in_the_tie() -> None:
    assert tied({"RET101": 1.0, "VAL111": 0.6}) == (REWARD, OBSERVATIONS)


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize("key", ["VAL202", "ENV302-passed", "SET101-learning-rate-high"])
def test_whoever_saw_more_than_plain_logs_tells_them_apart(key: str) -> None:
    assert tied({"RET101": 1.0, key: 1.0}) == ()


def test_what_is_shipped_names_causes_and_both_ways() -> None:
    book = load_rulebook()
    shipped = witnesses.look_alikes()
    assert shipped
    for cause, others in shipped.items():
        assert {cause, *others} <= book.diagnoses.keys()
        assert all(cause in shipped[other] for other in others)
