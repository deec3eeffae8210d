"""A training that is stopped, in each way that it can be, and goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO

from rldoctor import run_directory
from rldoctor.errors import CannotJudge, TrainingFailed, UsageError
from rldoctor.logs import read_run
from rldoctor.training import ppo
from rldoctor.training.envs import make_training_envs
from rldoctor.training.train import newest_checkpoint, resume, total_steps_of, train


class Interrupts:
    """A watcher that presses Ctrl-C once so many steps are done."""

    def __init__(self, at, times=1, number=signal.SIGINT):
        self.at, self.times, self.number = at, times, number

    def progressed(self, steps, numbers):
        if steps >= self.at:
            self.at = 2**62
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)


class Seeds(gymnasium.Wrapper):
    def __init__(self, env, seen):
        super().__init__(env)
        self.seen = seen

    def reset(self, *, seed=None, options=None):
        self.seen.append(seed)
        return self.env.reset(seed=seed, options=options)


def record_of(directory):
    return json.loads((directory / run_directory.RUN_FILE).read_text())


def state_of(recipe, path):
    """Return what a saved policy says, and the steps of its Adam."""
    envs = make_training_envs(recipe)
    model = ppo.build(recipe, envs, 0)
    envs.close()
    state = ppo.load_weights(model, path)
    return state, {int(entry["step"]) for entry in model.policy.optimizer.state_dict()["state"].values()}


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
    assert again.curves.keys() == whole.curves.keys()
    for name, curve in again.curves.items():
        assert (np.diff(curve.steps) > 0).all(), name
        assert curve.steps[-1] == 1536
    np.testing.assert_array_equal(again.curves["episode_return"].steps, whole.curves["episode_return"].steps)
    # Up to the interruption they are the same run.
    np.testing.assert_array_equal(again.curves["episode_return"].values[:5], whole.curves["episode_return"].values[:5])


def test_the_schedule_goes_on(resumed, trained_once):
    expected = dict(zip(*points(trained_once), strict=True))
    steps, rates = points(resumed)
    assert steps[-1] == 1536
    for step, rate in zip(steps, rates, strict=True):
        assert rate == expected[step]


def points(directory):
    curve = read_run(directory).curves["learning_rate"]
    return curve.steps.tolist(), curve.values.tolist()


def test_the_window_of_recent_episodes_goes_on(resumed, interrupted_once, small):
    before, _ = state_of(small, newest_checkpoint(interrupted_once))
    after, _ = state_of(small, resumed / run_directory.POLICY_FILE)
    # 6 whole episodes an environment in the first 320 steps of each (the window also holds what the dropped rollout
    # finished), 8 in the other 448.
    assert len(before["recent_episodes"]) in (12, 14)
    assert after["recent_episodes"][: len(before["recent_episodes"])] == before["recent_episodes"]
    assert len(after["recent_episodes"]) == len(before["recent_episodes"]) + 16
    assert len(after["recent_successes"]) == len(after["recent_episodes"])


def test_a_resumed_run_begins_new_episodes(interrupted, small):
    seen = []
    resume(interrupted, wrap=lambda env: Seeds(env, seen))
    given = [seed for seed in seen if seed is not None]
    assert len(given) == len(set(given)) == small.n_envs
    assert not set(given) & {1_000_000, 1_000_001}
    assert min(given) > 1_000_000


def test_interrupted_twice(interrupted):
    again = resume(interrupted, watcher=Interrupts(1200, number=signal.SIGTERM))
    assert (again.status, again.steps) == ("interrupted", 1152)
    assert "finished" in record_of(interrupted)
    last = resume(interrupted)
    assert (last.status, last.steps) == ("finished", 1536)
    run = read_run(interrupted)
    assert not run.findings
    assert run.curves["episode_return"].steps.tolist() == list(range(128, 1537, 128))


def test_interrupted_before_anything_was_learned(small, tmp_path):
    recipe = replace(small, total_steps=256)
    training = train(recipe, tmp_path, 0, watcher=Interrupts(1))
    assert (training.status, training.steps) == ("interrupted", 0)
    assert resume(tmp_path).steps == 256
    assert read_run(tmp_path).curves["episode_return"].steps.tolist() == [128, 256]


@pytest.mark.parametrize(("total", "status"), [(256, "finished"), (512, "interrupted")])
def test_a_stop_during_an_update_keeps_that_update(small, tmp_path, monkeypatch, total, status):
    learn = PPO.train

    def learn_and_press(model):
        learn(model)
        if model.num_timesteps == 256:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(PPO, "train", learn_and_press)
    training = train(replace(small, total_steps=total), tmp_path, 0)
    assert (training.status, training.steps) == (status, 256)
    assert (tmp_path / run_directory.POLICY_FILE).exists() == (status == "finished")
    state, adam = state_of(small, run_directory.find_policy(tmp_path))
    assert (state["steps"], adam) == (256, {8})


def test_a_second_ctrl_c_ends_at_once(small, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(small, tmp_path, 0, watcher=Interrupts(700, times=2))
    assert signal.getsignal(signal.SIGINT) is before
    assert record_of(tmp_path)["status"] == "running"
    assert newest_checkpoint(tmp_path).name == "step-000000000512.zip"


class BreaksOnce(gymnasium.Wrapper):
    left = 350

    def step(self, action):
        self.left -= 1
        if not self.left:
            raise ZeroDivisionError
        return self.env.step(action)


def test_a_failed_run_goes_on_and_forgets_the_error(small, tmp_path):
    with pytest.raises(TrainingFailed):
        train(small, tmp_path, 0, wrap=BreaksOnce)
    assert record_of(tmp_path)["error"]
    # 640 steps had been learned from; the newest checkpoint is at 512, and the points after it are overtaken.
    assert resume(tmp_path).steps == 1536
    record = record_of(tmp_path)
    assert record["status"] == "finished"
    assert "error" not in record
    run = read_run(tmp_path)
    assert not run.findings
    assert run.curves["episode_return"].steps.tolist() == list(range(128, 1537, 128))


def test_a_finished_run_is_not_resumed(trained_once):
    before = sorted(trained_once.rglob("*"))
    with pytest.raises(UsageError, match=r"is complete \(1536 steps\)"):
        resume(trained_once)
    assert sorted(trained_once.rglob("*")) == before


def test_nothing_to_resume(interrupted, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotJudge, match=r"has no run\.json"):
        resume(tmp_path / "empty")
    with pytest.raises(UsageError, match="There is no directory"):
        resume(tmp_path / "nowhere")
    shutil.rmtree(interrupted / run_directory.CHECKPOINTS)
    with pytest.raises(CannotJudge, match="no checkpoint"):
        resume(interrupted)


@pytest.mark.parametrize(("key", "value"), [("seed", None), ("seed", "0"), ("seed", -1), ("recipe", None)])
def test_a_record_that_lacks_something(interrupted, key, value):
    record = record_of(interrupted)
    record[key] = value
    (interrupted / run_directory.RUN_FILE).write_text(json.dumps(record))
    with pytest.raises(UsageError, match=f"no {key}"):
        resume(interrupted)


def test_a_checkpoint_that_does_not_say_its_steps(interrupted, trained_once, small):
    envs = make_training_envs(small)
    ppo.build(small, envs, 0).save(newest_checkpoint(interrupted))
    envs.close()
    with pytest.raises(CannotJudge, match="does not say its steps"):
        resume(interrupted)
    assert record_of(interrupted)["status"] == "interrupted"


def test_total_steps(interrupted_once):
    assert total_steps_of(interrupted_once) == 1536
