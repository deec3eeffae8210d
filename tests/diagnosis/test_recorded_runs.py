"""The verdict on real trainings: recorded event files of healthy and of broken runs (tests/runs)."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.corpus import without_doctor
from rldoctor import machine
from rldoctor.diagnosis import many
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.many import diagnose
from rldoctor.errors import RldoctorError
from rldoctor.executors.local import LocalExecutor
from rldoctor.logs import discover, read_run
from rldoctor.model import RunDiagnosis, Severity, Verdict, make_report
from rldoctor.render.json_report import render_json

RUNS = Path(__file__).resolve().parents[1] / "runs"


@cache
def seen(name: str) -> RunDiagnosis:
    return diagnose_run(read_run(RUNS / name))


def healthy_runs() -> list[str]:
    return [str(path.relative_to(RUNS)) for path in discover([RUNS / "healthy"])]


@pytest.mark.parametrize("name", healthy_runs())
def test_a_healthy_run_is_left_in_peace(name: str) -> None:
    subject = seen(name)
    assert subject.verdict is not Verdict.SICK, subject.summary
    if "as-recorded" in name or "/chapter/" in name:
        assert subject.verdict is Verdict.HEALTHY, (subject.summary, subject.diagnoses[:2])
        assert {finding.severity for finding in subject.findings} <= {Severity.NOTE}


def test_where_a_healthy_run_leaves_the_textbook_ranges_the_report_says_so() -> None:
    # Its late approx_kl and clip_fraction grow with success, as the chapter's own run's do.
    rows = [row for name in healthy_runs() for row in seen(name).table if "textbook range" in row.why]
    assert {row.metric for row in rows} >= {"approx_kl", "clip_fraction"}
    assert {row.mark for row in rows} == {"ok"}


# Fault and severity of the laboratory, and the diagnoses of which one must be among the first three. Where the logs
# cannot tell causes apart, the group that holds the cause.
SICK = {
    "learning-rate-high-extreme": {"learning-rate-too-high"},
    "learning-rate-low-strong": {"updates-too-small"},
    "learning-rate-low-zero": {"updates-too-small"},
    "reward-times-large-extreme": {"reward-scale-too-large"},
    "reward-times-small-extreme": {"reward-scale-too-small"},
    "reward-sign-flipped-full": {"reward-misaligned"},
    "reward-constant-zero": {"reward-uninformative"},
    "reward-sparse-full": {"sparse-reward"},
    "goal-hidden-full": {"goal-not-observed"},
    "observations-frozen-full": {"observations-uninformative"},
    "actions-ignored-full": {"actions-without-effect"},
    "exploration-dead-strong": {"policy-collapsed"},
    "entropy-bonus-high-strong": {"entropy-too-high"},
    "advantage-sign-full": {"update-direction-wrong"},
    "goal-unreachable-strong": {"task-unreachable"},
    "reward-flips-midway-midway": {"performance-collapse", "reward-misaligned"},
}


@pytest.mark.parametrize("plain", [False, True], ids=["with-doctor", "plain"])
@pytest.mark.parametrize("fault", SICK)
def test_a_broken_run_is_found_and_its_cause_named(fault: str, plain: bool) -> None:
    [place] = RUNS.glob(f"sick/*/fetch_reach_dense-{fault}-100")
    run = read_run(place)
    if plain:
        run = without_doctor(run)
    subject = diagnose_run(run)
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT), subject.summary
    named = [diagnosis.name for diagnosis in subject.diagnoses[:3]]
    assert SICK[fault] & set(named), named
    assert subject.diagnoses[0].remedy
    assert subject.diagnoses[0].next_test


# These still learn with the chapter's recipe: a word of warning, and the cause, but no alarm.
UNHARMED = {
    "learning-rate-high-mild": "learning-rate-too-high",
    "entropy-bonus-high-mild": "entropy-too-high",
    "value-loss-ignored-full": "critic-not-learning",
}


@pytest.mark.parametrize("fault", UNHARMED)
def test_what_has_done_no_harm_yet_is_suspect(fault: str) -> None:
    [place] = RUNS.glob(f"sick/*/chapter-{fault}-0")
    subject = diagnose_run(read_run(place))
    assert subject.verdict is Verdict.SUSPECT, subject.summary
    assert subject.diagnoses[0].name == UNHARMED[fault]
    assert "still improving" in subject.summary


def test_the_remedy_names_the_setting_and_both_values() -> None:
    [place] = RUNS.glob("sick/*/fetch_reach_dense-learning-rate-low-strong-100")
    remedy = diagnose_run(read_run(place)).diagnoses[0].remedy
    assert remedy.startswith("Set learning_rate to 0.002 (was 1e-06)")


def test_many_runs_shared_among_processes_are_judged_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RUNS / "sick/learning-rate-too-high"
    alone = diagnose([folder])
    monkeypatch.setattr(many, "_RUNS_A_PROCESS", 1)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    assert render_json(make_report("diagnose", diagnose([folder]))) == render_json(make_report("diagnose", alone))


def ends_its_process(directory: Path) -> None:
    os._exit(9)


@pytest.mark.slow
def test_a_process_of_many_that_ends_early_is_one_sentence() -> None:
    with pytest.raises(RldoctorError, match="The work of another process was lost"):
        many._shared(ends_its_process, ["run"] * 50, LocalExecutor(2))  # type: ignore[arg-type]


def test_many_runs_come_worst_first(tmp_path: Path) -> None:
    [sick] = RUNS.glob("sick/*/fetch_reach_dense-learning-rate-low-zero-100")
    shutil.copytree(RUNS / "healthy/fetch_reach_dense/quick/as-recorded-20", tmp_path / "a-healthy")
    shutil.copytree(sick, tmp_path / "b-sick")
    assert [subject.verdict for subject in diagnose([tmp_path])] == [Verdict.SICK, Verdict.HEALTHY]


SLOW = Path(__file__).parent / "data/slow-start"


def test_a_slow_start_whose_policy_solves_the_task_is_healthy(tmp_path):
    """The slowest of twenty seeds of the quick recipe: 51 % in training at the end, 100 of 100 episodes evaluated."""
    assert diagnose_run(read_run(SLOW)).verdict is Verdict.HEALTHY
    # Without the evaluation there is only the word of training.
    unevaluated = Path(shutil.copytree(SLOW, tmp_path / "run"))
    evaluation = json.loads((unevaluated / "evaluation.json").read_text())
    (unevaluated / "evaluation.json").unlink()
    before = diagnose_run(read_run(unevaluated))
    assert before.verdict is not Verdict.HEALTHY
    assert "RET119" in {finding.code for finding in before.findings}
    # An evaluation that failed, or is of an early checkpoint, takes nothing back.
    for change in ({"aggregate": {"success_rate": 0.4}}, {"policy": {"steps": 8192}}):
        changed = {**evaluation, **{key: {**evaluation[key], **value} for key, value in change.items()}}
        (unevaluated / "evaluation.json").write_text(json.dumps(changed))
        assert diagnose_run(read_run(unevaluated)).verdict in (Verdict.SICK, Verdict.SUSPECT)


def test_a_healthy_verdict_names_no_likelier_cause() -> None:
    for name in ("cartpole-batch-small-strong-101", "pendulum-batch-small-strong-100"):
        subject = diagnose_run(read_run(RUNS / "sick/updates-too-aggressive" / name))
        assert "SET106" in {finding.code for finding in subject.findings}
        assert (subject.verdict, subject.diagnoses[0].name) == (Verdict.HEALTHY, "healthy")


STRANGERS = RUNS.parent / "strangers"


def test_a_run_that_is_healthy_is_more_likely_so_than_not() -> None:
    """A return above zero in fewer and fewer steps, beside a critic that explains nothing."""
    subject = diagnose_run(read_run(STRANGERS / "environments/mountain-car-continuous/healthy-1"))
    assert subject.verdict is Verdict.HEALTHY
    assert subject.health is not None and subject.health > 0.5
    assert not any("does not rise" in found.message for found in subject.findings)


def test_a_return_that_rose_and_fell_again_in_part_is_not_said_to_show_no_learning() -> None:
    """A third of what was gained is lost in the last tenth."""
    run = read_run(STRANGERS / "frameworks/sb3/a2c-cartpole-healthy-0")
    logged = run.curves["episode_return"]
    late = logged.steps > 0.9 * logged.steps[-1]
    fallen = replace(logged, values=np.where(late, np.minimum(logged.values, 215.0), logged.values))
    subject = diagnose_run(replace(run, curves={**run.curves, "episode_return": fallen}))
    assert subject.verdict is Verdict.UNJUDGED
    assert "has risen" in subject.summary
