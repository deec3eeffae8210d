"""Bandits, easy tasks, rewards at the end, places that follow velocities and goals in a vector are left alone."""

from __future__ import annotations

import pytest

from rldoctor.model import Severity
from rldoctor.preflight.runner import run_preflight
from tests.preflight import kinds_of_chance as own
from tests.preflight.examining import found, one_in


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    one_in(
        2,
        [
            ("Arms", "ENV302", {"actions-change-reward-alone": Severity.NOTE}),
            ("ArmsAlike", "ENV302", {"actions-without-effect": Severity.ERROR}),
            ("Walk", "ENV601", {"baseline-succeeds": Severity.NOTE}),
            ("WalkAlwaysSucceeds", "ENV601", {"baseline-succeeds": Severity.WARNING}),
            ("Mixer", "ENV311", {}),
            ("Cart", "ENV311", {}),
            ("Heater", "ENV311", {"reward-late": Severity.WARNING}),
            ("reach_in_a_vector", "ENV206", {}),
            ("reach_goal_first", "ENV206", {}),
            ("reach_without_its_goal", "ENV206", {"goal-not-observed": Severity.ERROR}),
            ("Market", "ENV118", {}),
            ("OrdersLost", "ENV118", {"actions-lost-in-noise": Severity.WARNING}),
            ("Bid", "ENV118", {}),
            ("BidLost", "ENV118", {"actions-lost-in-noise": Severity.WARNING}),
            ("reach_in_a_vector", "ENV302", {"action-dimension-dead-as-known": Severity.NOTE}),
        ],
    ),
)
def test_what_is_said(name, code, expected):
    assert {finding.name: finding.severity for finding in found(name, code, own)} == expected


def test_a_preflight_leaves_nothing_in_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    result = run_preflight("CartPole-v1", select=("ENV5",), budget=600.0)
    assert result.checks
    assert list(tmp_path.iterdir()) == []
