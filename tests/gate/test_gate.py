"""The gate on a hand-made evaluation that passes, changed in one place a test."""

from __future__ import annotations

import json
import math
import os

import pytest
from msgspec import structs

from rldoctor import run_directory
from rldoctor.errors import UsageError
from rldoctor.gate import judge_run
from rldoctor.model import Severity, Verdict, exit_code_of
from rldoctor.recipe import CRITERIA
from rldoctor.references import load_recipe


def reason(subject):
    """Return why the gate could not judge, after making sure that it could not."""
    assert subject.verdict is Verdict.UNJUDGED
    assert exit_code_of([subject.verdict]) == 3
    assert not subject.criteria
    (unjudged,) = subject.unjudged
    assert unjudged.code == "EVL001"
    assert unjudged.how_to_log
    return unjudged.reason


def test_passes(hand_made):
    subject = judge_run(hand_made.directory)
    assert subject.verdict is Verdict.HEALTHY
    assert exit_code_of([subject.verdict]) == 0
    assert [result.name for result in subject.criteria] == list(CRITERIA)
    assert all(result.passed for result in subject.criteria)
    assert not subject.findings
    assert "2 deterministic episodes" in subject.title


@pytest.mark.parametrize(
    ("name", "observed", "message"),
    [
        ("success_rate", 0.85, "success rate is 0.85, must be more than 0.9: missed by 0.05."),
        ("return_mean", -12.5, "mean return is -12.5, must be more than -10: missed by 2.5."),
        ("final_distance_mean", 0.025, "final distance is 0.025 m, must be less than 0.02 m: missed by 0.005 m."),
        ("return_over_zero_action", 0.0, "return above the zero-action policy is 0, must be more than 3: missed by 3."),
        ("return_over_random", -1, "return above the random policy is -1, must be more than 3: missed by 4."),
    ],
)
def test_each_criterion_fails_by_how_much(hand_made, name, observed, message):
    subject = judge_run(hand_made.measured(**{name: observed}))
    assert subject.verdict is Verdict.SICK
    errors = [finding for finding in subject.findings if finding.severity is Severity.ERROR]
    assert [(finding.code, finding.message) for finding in errors] == [(CRITERIA[name][0], message)]
    assert [result.name for result in subject.criteria if not result.passed] == [name]


@pytest.mark.parametrize("name", CRITERIA)
def test_a_number_on_the_threshold_does_not_pass(hand_made, name):
    threshold = load_recipe("quick").criteria[name].threshold
    assert judge_run(hand_made.measured(**{name: threshold})).verdict is Verdict.SICK


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", CRITERIA)
def test_what_is_not_finite_never_passes(hand_made, name, number):
    assert judge_run(hand_made.measured(**{name: number})).verdict is Verdict.SICK


@pytest.mark.parametrize("value", [None, "1.0", True, [1.0], {}])
@pytest.mark.parametrize("name", CRITERIA)
def test_what_is_no_number_is_not_judged(hand_made, name, value):
    assert f"does not measure {name}" in reason(judge_run(hand_made.measured(**{name: value})))


def test_solved_by_the_environments_measure(hand_made):
    subject = judge_run(hand_made.measured(final_distance_mean=0.03))
    note = next(finding for finding in subject.findings if finding.code == "EVL201")
    assert note.severity is Severity.NOTE
    assert note.message.endswith("a mean final distance below 0.02 m.")
    both = judge_run(hand_made.measured(final_distance_mean=0.03, success_rate=0.2))
    assert "EVL201" not in [finding.code for finding in both.findings]


def test_require_replaces_a_threshold(hand_made):
    assert judge_run(hand_made.directory, ["final_distance_mean=0.009"]).verdict is Verdict.SICK
    failing = hand_made.measured(final_distance_mean=0.03)
    assert judge_run(failing).verdict is Verdict.SICK
    assert judge_run(failing, ["final_distance_mean=0.031"]).verdict is Verdict.HEALTHY
    with pytest.raises(UsageError, match=r"'final_distance'.*Did you mean final_distance_mean"):
        judge_run(failing, ["final_distance=1"])
    with pytest.raises(UsageError, match="must be a finite number"):
        judge_run(failing, ["success_rate=nan"])


def test_another_recipes_criteria(hand_made):
    strict = load_recipe("quick").with_criteria(["return_mean=-0.5"])
    assert judge_run(hand_made.directory, recipe=strict).verdict is Verdict.SICK
    assert "no passing criteria" in reason(judge_run(hand_made.directory, recipe=structs.replace(strict, criteria={})))


def test_no_directory_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="There is no file or directory"):
        judge_run(tmp_path / "nowhere")


@pytest.mark.parametrize("file", [run_directory.EVALUATION_FILE, run_directory.RUN_FILE])
def test_a_missing_file(hand_made, file):
    (hand_made.directory / file).unlink()
    assert f"has no {file}" in reason(judge_run(hand_made.directory))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b'{"a": ' + b"9" * 9999]
)
def test_an_evaluation_that_is_no_json_object(hand_made, content):
    (hand_made.directory / run_directory.EVALUATION_FILE).write_bytes(content)
    assert "evaluation" in reason(judge_run(hand_made.directory))


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("rldoctor_evaluation", None, "not written by rldoctor"),
        ("rldoctor_evaluation", 2, "not written by rldoctor"),
        ("env", "FetchPush-v4", "is of FetchPush-v4, the run was trained on FetchReachDense-v4"),
        ("episodes", [], "holds no episode"),
        ("episodes", 100, "holds no episode"),
        ("policy", None, "does not say which policy"),
        ("policy", {"file": "gone.zip"}, "gone.zip, is gone"),
        ("policy", {"file": "policy.zip"}, "stale: policy.zip has changed"),
        ("policy", {"file": "policy.zip", "sha256": "0" * 64}, "stale: policy.zip has changed"),
        ("policy", {"file": "../secret"}, "does not say which policy"),
        ("policy", {"file": "/etc/hostname"}, "does not say which policy"),
        ("policy", {"file": "\0"}, "cannot be read"),
        ("policy", {"file": "a" * 5000}, "cannot be read"),
        ("aggregate", None, "does not measure success_rate, return_mean"),
    ],
)
def test_an_evaluation_that_does_not_belong(hand_made, key, value, why):
    (hand_made.directory.parent / "secret").write_text("outside")
    hand_made.evaluation[key] = value
    assert why in reason(judge_run(hand_made.write()))


def test_a_policy_behind_a_link_out_of_the_directory(hand_made, tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"weights")
    policy = hand_made.directory / run_directory.POLICY_FILE
    policy.unlink()
    policy.symlink_to(tmp_path / "elsewhere")
    assert "does not say which policy" in reason(judge_run(hand_made.directory))


def test_a_policy_that_changed(hand_made):
    (hand_made.directory / run_directory.POLICY_FILE).write_bytes(b"other weights")
    assert "stale" in reason(judge_run(hand_made.directory))


def checkpoint_evaluated(hand_made):
    """Make the hand-made run one that was evaluated at a checkpoint, before its training was complete."""
    checkpoint = hand_made.directory / run_directory.CHECKPOINTS / "step-000000000512.zip"
    checkpoint.parent.mkdir()
    (hand_made.directory / run_directory.POLICY_FILE).rename(checkpoint)
    hand_made.evaluation["policy"]["file"] = f"{run_directory.CHECKPOINTS}/{checkpoint.name}"
    return hand_made.write(), checkpoint


def test_a_checkpoint_is_judged_until_training_goes_on(hand_made):
    directory, checkpoint = checkpoint_evaluated(hand_made)
    assert judge_run(directory).verdict is Verdict.HEALTHY
    older = checkpoint.with_name("step-000000000256.zip")
    older.write_bytes(b"older")
    assert judge_run(directory).verdict is Verdict.HEALTHY
    newer = checkpoint.with_name("step-000000001024.zip")
    newer.write_bytes(b"newer")
    assert "training has gone on since" in reason(judge_run(directory))
    newer.unlink()
    (directory / run_directory.POLICY_FILE).write_bytes(b"final")
    assert "training has gone on since" in reason(judge_run(directory))


def test_a_pipe_in_place_of_a_file_does_not_hang(hand_made):
    path = hand_made.directory / run_directory.EVALUATION_FILE
    path.unlink()
    os.mkfifo(path)
    assert "not a plain file" in reason(judge_run(hand_made.directory))


def test_a_run_without_recipe(hand_made):
    hand_made.record = {"note": "by hand"}
    assert "holds no recipe" in reason(judge_run(hand_made.write()))


def test_the_reports_numbers_are_those_of_the_evaluation(hand_made):
    subject = judge_run(hand_made.directory)
    aggregate = json.loads((hand_made.directory / run_directory.EVALUATION_FILE).read_text())["aggregate"]
    assert {result.name: result.observed for result in subject.criteria}.items() <= aggregate.items()
    assert subject.facts["aggregate"] == aggregate
    assert subject.reference == "fetch_reach_dense/quick"
