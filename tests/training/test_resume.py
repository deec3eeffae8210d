"""A training that is interrupted once, and goes on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import zipfile

import pytest
import torch

from rldoctor import run_directory
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs import read_run
from rldoctor.training import algorithm
from rldoctor.training.train import newest_checkpoint, resume, train
from tests.training.stopping import Interrupts, Seeds, assert_same_curves, points, record_of, state_of


@pytest.fixture(scope="module")
def interrupted_once(small, tmp_path_factory):
    directory = tmp_path_factory.mktemp("interrupted")
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    training = train(small, directory, 0, watcher=Interrupts(700))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    # 704 steps were done, 640 of them in whole rollouts that had been learned from.
    assert (training.status, training.steps) == ("interrupted", 640)
    return directory


@pytest.fixture
def interrupted(interrupted_once, tmp_path):
    return shutil.copytree(interrupted_once, tmp_path / "run")


@pytest.fixture(scope="module")
def resumed(interrupted_once, tmp_path_factory):
    directory = shutil.copytree(interrupted_once, tmp_path_factory.mktemp("resumed") / "run")
    resume(directory)
    return directory


def test_an_interrupted_run_is_saved(interrupted_once, small):
    record = record_of(interrupted_once)
    assert (record["status"], record["steps"]) == ("interrupted", 640)
    assert newest_checkpoint(interrupted_once).name == "step-000000000640.zip"
    assert not (interrupted_once / run_directory.POLICY_FILE).exists()
    state, adam = state_of(small, newest_checkpoint(interrupted_once))
    assert (state["steps"], state["updates"]) == (640, 10)
    # 5 rollouts, 2 epochs, 2 minibatches.
    assert adam == {20}


def test_a_resumed_run_ends_where_the_whole_one_does(resumed, small):
    record = record_of(resumed)
    assert (record["status"], record["steps"], record["seed"]) == ("finished", 1536, 0)
    assert record["recipe"] == small.to_json()
    state, adam = state_of(small, resumed / run_directory.POLICY_FILE)
    assert (state["steps"], state["updates"], adam) == (1536, 24, {48})


def test_the_time_of_both_parts_is_added(resumed, interrupted_once):
    first, both = record_of(interrupted_once), record_of(resumed)
    assert both["train_seconds"] > first["train_seconds"] > 0
    assert both["started"] == first["started"]


def test_the_curves_go_on(resumed, trained_once):
    whole, again = read_run(trained_once), read_run(resumed)
    assert not again.findings
    assert whole.curves["episode_return"].steps.tolist() == list(range(128, 1537, 128))
    assert_same_curves(whole, again)


def test_the_schedule_continues(resumed, trained_once):
    expected = dict(zip(*points(trained_once), strict=True))
    steps, rates = points(resumed)
    assert steps[-1] == 1536
    for step, rate in zip(steps, rates, strict=True):
        assert rate == expected[step]


def test_the_window_of_recent_episodes_continues(resumed, interrupted_once, small):
    before, _ = state_of(small, newest_checkpoint(interrupted_once))
    after, _ = state_of(small, resumed / run_directory.POLICY_FILE)
    # Of two environments: 6 whole episodes of 50 steps in the first 320, 15 in all 768.
    assert len(before["recent_episodes"]) == 12
    assert after["recent_episodes"][:12] == before["recent_episodes"]
    assert len(after["recent_episodes"]) == 30
    assert len(after["recent_successes"]) == len(after["recent_episodes"])


@pytest.mark.slow
def test_a_checkpoint_of_an_earlier_version_begins_new_episodes(interrupted, small):
    checkpoint = newest_checkpoint(interrupted)
    old = checkpoint.with_suffix(".old")
    with zipfile.ZipFile(checkpoint) as now, zipfile.ZipFile(old, "w") as then:
        for name in now.namelist():
            if name == algorithm.STATE_MEMBER:
                state = json.loads(now.read(name))
                known = ("steps", "updates", "recent_episodes", "recent_successes")
                then.writestr(name, json.dumps({key: state[key] for key in known}))
            elif name != algorithm.TENSORS_MEMBER:
                then.writestr(name, now.read(name))
    old.replace(checkpoint)
    seen = []
    assert resume(interrupted, wrap=lambda env: Seeds(env, seen)).steps == 1536
    given = [seed for seed in seen if seed is not None]
    assert len(given) == len(set(given)) == small.n_envs
    assert not set(given) & {1_000_000, 1_000_001}
    assert min(given) > 1_000_000


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("numbers", {"noted": {"train/loss": "no number"}}),
        ("numbers", {"episodes": [{"seed": 1, "random": None, "length": 3}] * 2}),
        ("numbers", {"chance": {"pos": "x", "has_gauss": 0, "gauss": 0.0}}),
        ("tensors", {"chance": torch.zeros(3, dtype=torch.uint8)}),
        ("tensors", {"numpy_chance": torch.zeros(3, dtype=torch.int64)}),
    ],
)
def test_a_checkpoint_whose_state_makes_no_sense(interrupted, small, member, content):
    checkpoint = newest_checkpoint(interrupted)
    envs = make_training_envs(small)
    model = algorithm.build(small, envs, 0)
    envs.close()
    kept = {"numbers": algorithm.load_weights(model, checkpoint), "tensors": algorithm.load_tensors(checkpoint)}
    kept[member] |= content
    algorithm.save(model, checkpoint, kept["numbers"], kept["tensors"])
    with pytest.raises(CannotJudge, match="checkpoint is damaged"):
        resume(interrupted)
    assert record_of(interrupted)["status"] == "interrupted"


@pytest.mark.slow
def test_interrupted_twice(interrupted):
    again = resume(interrupted, watcher=Interrupts(1200, number=signal.SIGTERM))
    assert (again.status, again.steps) == ("interrupted", 1152)
    assert "finished" in record_of(interrupted)
    last = resume(interrupted)
    assert (last.status, last.steps) == ("finished", 1536)
    run = read_run(interrupted)
    assert not run.findings
    assert run.curves["episode_return"].steps.tolist() == list(range(128, 1537, 128))


def test_nothing_to_resume(interrupted, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotJudge, match=r"has no run\.json"):
        resume(tmp_path / "empty")
    with pytest.raises(UsageError, match="There is no file or directory"):
        resume(tmp_path / "nowhere")
    shutil.rmtree(interrupted / run_directory.CHECKPOINTS)
    with pytest.raises(CannotJudge, match="no checkpoint"):
        resume(interrupted)


@pytest.mark.parametrize(("key", "value"), [("seed", None), ("seed", "0"), ("seed", -1), ("recipe", None)])
def test_a_record_that_lacks_something(interrupted, key, value):
    record = record_of(interrupted)
    record[key] = value
    (interrupted / run_directory.RUN_FILE).write_text(json.dumps(record))
    with pytest.raises((UsageError, CannotJudge), match=f"no {key}"):
        resume(interrupted)


def test_a_checkpoint_that_does_not_say_its_steps(interrupted, trained_once, small):
    envs = make_training_envs(small)
    algorithm.build(small, envs, 0).save(newest_checkpoint(interrupted))
    envs.close()
    with pytest.raises(CannotJudge, match="does not say its steps"):
        resume(interrupted)
    assert record_of(interrupted)["status"] == "interrupted"


@pytest.mark.slow
def test_two_processes_do_not_train_into_one_directory(interrupted, small):
    code = "import pathlib, sys; from rldoctor.training.train import resume; resume(pathlib.Path(sys.argv[1]))"

    def resume_elsewhere():
        return subprocess.run([sys.executable, "-c", code, interrupted], capture_output=True, text=True)

    with run_directory.run_lock(interrupted):
        refused = resume_elsewhere()
        assert "UsageError: Another process is training into" in refused.stderr
        with pytest.raises(UsageError, match="Another process"):
            train(small, interrupted, 0)
    assert record_of(interrupted)["status"] == "interrupted"
    # What a process that was killed leaves behind locks nobody out.
    assert (interrupted / run_directory.LOCK_FILE).exists()
    assert resume_elsewhere().returncode == 0
