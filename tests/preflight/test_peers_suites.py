"""Preflight on the kinds of environments that Gymnasium's and Stable-Baselines3's tests of their checkers use."""

from __future__ import annotations

import numpy as np
import pytest
from peers_suites import BROKEN, HEALTHY

import rldoctor
from rldoctor.model import Severity

# The learning step and the baselines take most of the time; the checks before them name every fault.
_FAST = ["SYS", "ENV103", "ENV104", "ENV107", "ENV113", "ENV115", "ENV501", "ENV601"]
# One in so many runs with every test, and one in so many more with the slow ones.
_EVERY, _SLOW_EVERY = 16, 3


def _examined(make, ignore=()):
    (subject,) = rldoctor.preflight(make, ignore=["SYS", *ignore]).subjects
    return subject


def test_a_start_drawn_from_the_global_random_numbers_is_always_told():
    """A play that is the same by chance, as at these seeds, is not taken for another environment."""
    for seed in (3, 12):
        np.random.seed(seed)
        subject = _examined(HEALTHY["several observations, random start"], [*_FAST, "ENV2", "ENV3", "ENV4"])
        names = [finding.name for finding in subject.findings]
        assert "generator-not-seeded" in names and "environments-differ" not in names


def test_parallel_starts_that_are_alike_by_chance_are_no_fault():
    """Of two states that are equally likely, four environments start with the same one in one of eight resets."""
    for seed in range(12):
        np.random.seed(seed)
        (subject,) = rldoctor.preflight(HEALTHY["identity"], select=["ENV101", "ENV102", "ENV107"]).subjects
        assert "parallel-environments-alike" not in [finding.name for finding in subject.findings]


def _some(table):
    return [
        pytest.param(name, marks=() if place % _EVERY == 0 else pytest.mark.slow, id=name)
        for place, name in enumerate(table)
        if place % _EVERY == 0 or place % _SLOW_EVERY == 0
    ]


@pytest.mark.parametrize("name", _some(BROKEN))
def test_the_fault_is_named_once_and_without_a_crash(name):
    subject = _examined(BROKEN[name].make, _FAST)
    names = [finding.name for finding in subject.findings]
    assert "check-crashed" not in names
    assert BROKEN[name].named & set(names)
    # One fault, one error: its consequences are not repeated.
    assert sum(finding.severity is Severity.ERROR for finding in subject.findings) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BROKEN][::24])  # More are examined above, without the slowest checks.
def test_the_fault_is_named_among_all_checks(name):
    subject = _examined(BROKEN[name].make)
    names = [finding.name for finding in subject.findings]
    assert "check-crashed" not in names and BROKEN[name].named & set(names)


@pytest.mark.parametrize("name", _some(HEALTHY))
def test_a_healthy_one_has_no_error(name):
    np.random.seed(0)  # Some of Stable-Baselines3's draw from it.
    # Of some a second process is asked as well whether it sees the same; each takes as long as all other checks.
    subject = _examined(HEALTHY[name], () if [*HEALTHY].index(name) % 8 == 4 else ["ENV113"])
    assert [finding for finding in subject.findings if finding.severity is Severity.ERROR] == []
    (step,) = [check for check in subject.checks if check.code == "ENV501"]
    assert "updates" in step.note


def test_an_environment_that_prints_leaves_standard_output_alone(capsys):
    _examined(HEALTHY["prints"], _FAST)
    out, err = capsys.readouterr()
    assert out == "" and "hello" in err
