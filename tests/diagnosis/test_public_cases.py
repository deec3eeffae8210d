"""What the doctor says of trainings that people asked about in public (tests/cases)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.rulebook import load_rulebook
from tests.diagnosis.public_cases import Case, cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_case_is_told_as_those_told_it_who_know(case: Case, tmp_path):
    subject = diagnose_run(case.rebuild(tmp_path))
    said = (subject.verdict, subject.summary, [d.name for d in subject.diagnoses[:3]])
    # A miss that is one no longer loses its excuse.
    assert case.holds(subject) is (not case.missed), said


def test_cases_are_of_both_kinds_and_say_where_they_stand():
    known = set(load_rulebook().diagnoses)
    for case in cases():
        assert urlsplit(case.source).scheme == "https", case.name
        assert case.given and case.why_right and set(case.right) <= known, case.name
        assert bool(case.right) is (case.state == "sick"), case.name
        assert all(sorted(set(curve["steps"])) == curve["steps"] for curve in case.tags.values()), case.name
    told = [case.state for case in cases() if not case.missed]
    assert told.count("sick") >= 15 and told.count("healthy") >= 12


def test_given_numbers_stay_as_they_are(tmp_path):
    [zoo] = [case for case in cases() if case.name == "pendulum-zoo-tuned"]
    curve = zoo.rebuild(tmp_path).curves["approx_kl"]
    assert (curve.steps[0], curve.values[0]) == (24_576, 0.055223625)
    assert (curve.steps[-1], curve.values[-1]) == (73_728, 0.2149679)
    assert len(curve) > 20
