"""The verdict on patients whose state is beyond doubt: published healthy runs, and faults drawn by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rldoctor.diagnosis.context import context_of
from rldoctor.diagnosis.describe import schedules
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.many import diagnose
from rldoctor.diagnosis.outcome.verdict import _cause
from rldoctor.diagnosis.rank import Ranked
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Run, Severity, Verdict
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.detectors.detector import Measured
from rldoctor.rulebook.observe import Evidence
from tests.diagnosis.made_up_runs import chapter_run, run

HEALTHY_RETURN = (-10, -8, -5, -3.5, -2.8, -2.5, -2.3)


def test_the_chapters_own_run_is_healthy_although_it_leaves_the_chapters_ranges() -> None:
    subject = diagnose_run(chapter_run())
    assert subject.verdict is Verdict.HEALTHY, subject
    rows = {row.metric: row for row in subject.table}
    assert rows["approx_kl"].mark == "ok"
    assert "textbook range" in rows["approx_kl"].why
    assert "textbook range" in rows["clip_fraction"].why
    assert all(finding.severity is Severity.NOTE for finding in subject.findings)


# Facts collected on real runs: each breaks a naive limit and is healthy.
KNOWN_HEALTHY = {
    "tuned Pendulum": dict(
        approx_kl=(0.02, 0.05, 0.055, 0.06),
        clip_fraction=(0.2, 0.33, 0.36, 0.38),
        explained_variance=(0.2, 0.8, 0.95, 0.95),
        episode_return=(-1200, -900, -400, -170),
        value_loss=(900, 300, 60, 20),
        std=(1.0, 0.9, 0.7, 0.6),
        entropy=(1.42, 1.31, 1.06, 0.9),
    ),
    "Stable-Baselines3's documentation sample": dict(
        approx_kl=(0.01, 0.03, 0.038),
        clip_fraction=(0.1, 0.2, 0.243),
        explained_variance=(0.1, 0.6, 0.9),
        episode_return=(20, 100, 250, 400),
        value_loss=(10, 30, 40),
        entropy=(0.69, 0.6, 0.5),
    ),
    "Reacher with negative entropy": dict(
        approx_kl=(0.02, 0.04, 0.055),
        clip_fraction=(0.15, 0.3, 0.39),
        explained_variance=(0.1, 0.7, 0.9),
        episode_return=(-45, -12, -7, -4.4),
        value_loss=(1.0, 0.2, 0.05),
        std=(1.0, 0.3, 0.05, 0.03),
        entropy=(2.84, 0.4, -3.0, -4.2),
    ),
    "InvertedPendulum, solved: nothing left to explain": dict(
        approx_kl=(0.01, 0.01, 0.008),
        clip_fraction=(0.1, 0.1, 0.08),
        explained_variance=(0.1, 0.3, 0.0, -0.6),
        episode_return=(6, 200, 900, 1000),
        value_loss=(5.0, 20.0, 2.0, 0.5),
        std=(1.0, 0.7, 0.5, 0.4),
        entropy=(1.42, 1.06, 0.73, 0.5),
    ),
}


@pytest.mark.parametrize("name", KNOWN_HEALTHY)
def test_known_healthy_runs_are_left_in_peace(name: str) -> None:
    subject = diagnose_run(run(KNOWN_HEALTHY[name]))
    assert subject.verdict is Verdict.HEALTHY, (subject.summary, subject.diagnoses[:2], subject.findings)


def test_a_single_spike_is_no_illness() -> None:
    healthy = run(KNOWN_HEALTHY["Stable-Baselines3's documentation sample"])
    spiked = healthy.curves["approx_kl"].values.copy()
    spiked[30] = 1.1
    curve = dataclasses.replace(healthy.curves["approx_kl"], values=spiked)
    patient = dataclasses.replace(healthy, curves={**healthy.curves, "approx_kl": curve})
    assert diagnose_run(patient).verdict is Verdict.HEALTHY


SICK = {
    "learning-rate-too-high": dict(
        approx_kl=(3, 10, 26),
        clip_fraction=(0.7, 0.85, 0.9),
        episode_return=(-10, -25, -40),
        explained_variance=(0, 0.1, 0),
        value_loss=(2, 1, 1),
        std=(1, 1.2, 2),
        entropy=(5.67, 6.4, 8),
        learning_rate=(0.03, 0.03),
    ),
    "updates-too-small": dict(
        approx_kl=(1e-8, 2e-8, 1e-8),
        clip_fraction=(0, 0, 0),
        episode_return=(-10, -10.2, -9.8, -10),
        explained_variance=(0, 0.01, 0),
        value_loss=(2, 1.9, 1.8),
        std=(1, 1.00001),
        entropy=(5.67, 5.67),
        learning_rate=(1e-6, 1e-6),
    ),
    "policy-collapsed": dict(
        approx_kl=(50, 900, 5000),
        clip_fraction=(0.9, 0.95, 0.97),
        episode_return=(-9, -15, -27),
        explained_variance=(0.3, 0.9, 0.97),
        value_loss=(0.3, 0.05, 0.01),
        std=(0.0067, 0.0067, 0.0068),
        entropy=(-14.3, -14.3),
        learning_rate=(3e-4, 3e-4),
    ),
    "update-direction-wrong": dict(
        approx_kl=(0.01, 0.02, 0.015),
        clip_fraction=(0.1, 0.2, 0.18),
        episode_return=(-10, -20, -33, -38),
        explained_variance=(0, 0.9, 0.98, 0.99),
        value_loss=(2, 0.5, 0.1),
        std=(1, 0.9, 0.8),
        entropy=(5.67, 5.2, 4.8),
        learning_rate=(3e-4, 3e-4),
    ),
    "reward-scale-too-large": dict(
        approx_kl=(1e-4, 1e-3, 1e-3),
        clip_fraction=(0, 0.01, 0.01),
        episode_return=(-10_000, -9_800, -9_900),
        episode_length=(50, 50),
        explained_variance=(0, 1e-5, 1e-5),
        value_loss=(2.1e6, 2.0e6, 1.8e6),
        std=(1, 0.99),
        entropy=(5.67, 5.6),
        learning_rate=(3e-4, 3e-4),
    ),
}


@pytest.mark.parametrize("cause", SICK)
def test_clear_faults_are_named(cause: str) -> None:
    subject = diagnose_run(run(SICK[cause]))
    assert subject.verdict is Verdict.SICK, subject.summary
    assert subject.diagnoses[0].name == cause, [(d.name, d.probability) for d in subject.diagnoses]
    assert subject.diagnoses[0].evidence_for
    assert subject.diagnoses[0].remedy


def test_the_remedy_is_a_concrete_change() -> None:
    subject = diagnose_run(run(SICK["learning-rate-too-high"]))
    assert subject.diagnoses[0].remedy.startswith("Set learning_rate to 0.0003 (was 0.03).")


def test_probabilities_add_up_and_are_ordered() -> None:
    subject = diagnose_run(run(SICK["update-direction-wrong"]))
    odds = [diagnosis.probability for diagnosis in subject.diagnoses]
    assert odds == sorted(odds, reverse=True)
    assert 0 < sum(odds) <= 1.0001


def test_two_updates_are_too_few() -> None:
    subject = diagnose_run(run(KNOWN_HEALTHY["tuned Pendulum"], points=2))
    assert subject.verdict is Verdict.UNJUDGED
    assert "2 logged points" in subject.summary
    assert [diagnosis.name for diagnosis in subject.diagnoses] == ["too-short-to-judge"]
    assert {row.mark for row in subject.table} == {"missing"}


def test_a_run_without_returns_is_never_healthy() -> None:
    curves = {k: v for k, v in KNOWN_HEALTHY["tuned Pendulum"].items() if k != "episode_return"}
    subject = diagnose_run(run(curves))
    assert subject.verdict in (Verdict.UNJUDGED, Verdict.SUSPECT)
    how = " ".join(item.how_to_log for item in subject.unjudged)
    assert "Monitor" in how


def test_good_updates_and_no_progress_are_never_healthy() -> None:
    curves = {**KNOWN_HEALTHY["tuned Pendulum"], "episode_return": (-1200, -1210, -1190, -1200)}
    assert diagnose_run(run(curves)).verdict is Verdict.SICK


def test_nan_is_found() -> None:
    patient = run(KNOWN_HEALTHY["tuned Pendulum"])
    values = patient.curves["value_loss"].values.copy()
    values[40:] = np.nan
    curve = dataclasses.replace(patient.curves["value_loss"], values=values)
    subject = diagnose_run(dataclasses.replace(patient, curves={**patient.curves, "value_loss": curve}))
    assert subject.verdict is not Verdict.HEALTHY
    assert subject.diagnoses[0].name == "non-finite-values"
    assert "NUM101" in {finding.code for finding in subject.findings}


def test_no_curve_at_all_is_unjudged() -> None:
    subject = diagnose_run(Run("empty", "", {}, unknown_tags=("loss/train",)))
    assert subject.verdict is Verdict.UNJUDGED
    assert "loss/train" in subject.unjudged[0].reason


def test_ignored_signs_do_not_weigh() -> None:
    patient = run(SICK["policy-collapsed"])
    book = context_of(ignore=("EXP101",)).book
    assert "EXP101" not in {finding.code for finding in diagnose_run(patient, book=book).findings}
    assert "EXP101" in {finding.code for finding in diagnose_run(patient).findings}
    odds = {d.name: d.probability for d in diagnose_run(patient, book=book).diagnoses}
    with_sign = {d.name: d.probability for d in diagnose_run(patient).diagnoses}
    assert odds.get("policy-collapsed", 0.0) < with_sign["policy-collapsed"]


def test_select_keeps_one_family() -> None:
    book = context_of(select=("UPD",)).book
    assert book.signs
    assert all(code.startswith("UPD") for code in book.signs)


def test_a_word_that_fits_no_sign_is_an_error() -> None:
    with pytest.raises(UsageError, match="UPX"):
        context_of(select=("UPX",))


def test_an_empty_directory_cannot_be_judged(tmp_path) -> None:
    with pytest.raises(CannotJudge, match="no run below"):
        diagnose([tmp_path])


def test_schedules_are_told_and_constants_are_not():
    linear = run({"learning_rate": (1e-3, 0.0), "clip_range": (0.2, 0.2), "episode_return": (0, 1)})
    assert schedules(linear) == ", learning rate changing linearly from 0.001 to 0"
    adaptive = run({"learning_rate": (1e-3, 5e-4, 1e-3, 2e-4)})
    assert schedules(adaptive) == ", learning rate changing from update to update from 0.001 to 0.0002"


def test_a_known_floor_tells_a_solved_task_from_one_that_never_began():
    flat = run({"episode_return": (92, 94, 91, 93, 92, 94, 93), "approx_kl": (0.01, 0.012, 0.009)})
    verdicts = [diagnose_run(dataclasses.replace(flat, baseline_return=known)).verdict for known in (None, 0.0, 93.0)]
    assert verdicts[0] in (Verdict.SICK, Verdict.SUSPECT)
    assert verdicts[1] not in (Verdict.SICK, Verdict.SUSPECT)
    assert verdicts[2] in (Verdict.SICK, Verdict.SUSPECT)


def test_odds_alone_accuse_nobody():
    bare = diagnose_run(run({"throughput": (1000, 1000)}))
    assert (bare.verdict, [d.name for d in bare.diagnoses]) == (Verdict.UNJUDGED, ["missing-metrics"])


def test_a_cause_that_is_less_likely_than_health_is_not_named():
    rules = load_rulebook().diagnoses
    signs = {"RET105": 1.0}
    ranked = [Ranked(rules[name], share, signs) for name, share in (("healthy", 0.4), ("actions-without-effect", 0.3))]
    assert _cause([], {}, ranked, {"RET105"}, solved=False) == ""
    ranked = [Ranked(rules[name], share, signs) for name, share in (("actions-without-effect", 0.4), ("healthy", 0.3))]
    assert _cause([], {}, ranked, {"RET105"}, solved=False) == "actions-without-effect"


def test_a_warning_counts_less_where_the_task_is_solved():
    book = load_rulebook()
    # Health at 0.7 and a critic at 0.3 are what a solved task of the laboratory had whose critic explained nothing.
    seen = {code: Evidence(book.signs[code], 1.0, Measured(0.0, 0.0, "", 0, 0)) for code in ("VAL112", "VAL103")}
    shares = (("healthy", 0.7), ("critic-not-learning", 0.3))
    ranked = [Ranked(book.diagnoses[name], share, dict.fromkeys(seen, 1.0)) for name, share in shares]
    assert _cause(list(seen.values()), seen, ranked, (), solved=False) == "critic-not-learning"
    assert _cause(list(seen.values()), seen, ranked, (), solved=True) == ""


def test_of_an_error_that_prints_a_tensor_the_first_line_is_told() -> None:
    error = "ValueError: found invalid values:\ntensor([[nan],\n        [nan]])"
    subject = diagnose_run(run({"episode_return": HEALTHY_RETURN}, record={"status": "failed", "error": error}))
    (found,) = (finding for finding in subject.findings if finding.code == "NUM102")
    assert found.message == "Training stopped with an error: ValueError: found invalid values."
