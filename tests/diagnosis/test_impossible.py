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
        ("exploration_rate", (100.0, 60.0, 5.0, 5.0), "It looks like per cent"),
        ("exploration_rate", (1.7, 1.2, 0.9, 0.5), "It is miscounted, and nothing is judged by it."),
        ("success_rate", (1.0, 1.5, 2.0, 3.0), "It is miscounted, and nothing is judged by it."),
        ("critic_loss", (-0.5, -2.0, -3.0, -1.0), "at least 0"),
        ("clip_range", (20.0, 20.0), "It looks like per cent"),
        ("episode_length", (-1.0, -1.0), "at least 0"),
        ("std", (-0.1, -0.5, -0.9), "at least 0"),
        ("throughput", (-900.0, -800.0), "at least 0"),
        ("explained_variance", (0.2, 1.5, 3.0), "at most 1"),
    ],
)
def test_a_metric_that_cannot_be_is_set_aside(metric, values, words):
    subject = diagnose_run(run({**LEARNING, metric: values}))
    (finding,) = [finding for finding in subject.findings if finding.code == "LOG203"]
    assert words in finding.message
    assert ("per cent" in finding.message) == ("per cent" in words)
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


def updates(**more: object) -> dict[str, object]:
    """Return curves of every metric that Stable-Baselines3 logs of an update of PPO with numbered actions."""
    flat = {"approx_kl": 0.01, "clip_fraction": 0.1, "explained_variance": 0.7, "learning_rate": 3e-4}
    return {**LEARNING, **{name: (value, value) for name, value in flat.items()}, **more}


def test_the_entropy_of_numbered_actions_is_never_negative():
    wrong, gaussian = updates(entropy=(-0.6, -0.4, -0.1)), updates(entropy=(1.4, 0.2, -0.4), std=(1.0, 0.3, 0.16))
    found = {
        finding.evidence.get("metric") for finding in diagnose_run(run(wrong)).findings if finding.code == "LOG203"
    }
    assert found == {"entropy"}
    assert "LOG203" not in {finding.code for finding in diagnose_run(run(gaussian)).findings}
