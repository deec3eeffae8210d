"""Values that a metric cannot have are set aside and told; what is merely odd is judged."""

from __future__ import annotations

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Verdict
from tests.diagnosis.made_up_runs import chapter_run, run

LEARNING = {"episode_return": (10.0, 120.0, 300.0, 450.0, 480.0, 490.0), "value_loss": (9.0, 4.0, 2.0, 1.0, 0.8, 0.7)}


@pytest.mark.parametrize(
    ("metric", "values", "words"),
    [
        ("clip_fraction", (8.0, 14.0, 12.0, 10.0), "at most 1"),
        ("approx_kl", (-0.6, -1.2, -0.9, -0.7), "at least -0.01"),
        ("success_rate", (2.0, 40.0, 85.0, 97.0), "It looks like per cent"),
    ],
)
def test_a_metric_that_cannot_be_is_set_aside(metric, values, words):
    subject = diagnose_run(run({**LEARNING, metric: values}))
    (finding,) = [finding for finding in subject.findings if finding.code == "LOG203"]
    assert words in finding.message
    assert finding.evidence["metric"] == metric
    assert subject.verdict is Verdict.HEALTHY, subject.summary
    assert not [finding for finding in subject.findings if finding.code.startswith("UPD")]


def test_what_is_odd_and_possible_is_judged():
    for values in ((0.9, 0.97, 0.99, 1.0), (-0.001, 0.01, 0.02, 0.015)):
        metric = "clip_fraction" if values[0] > 0 else "approx_kl"
        codes = {finding.code for finding in diagnose_run(run({**LEARNING, metric: values})).findings}
        assert "LOG203" not in codes
    assert "LOG203" not in {finding.code for finding in diagnose_run(chapter_run()).findings}


def test_metrics_of_language_models_are_missed_by_nobody_else():
    subject = diagnose_run(chapter_run())
    assert "reference_kl" not in " ".join(item.reason for item in subject.unjudged)
