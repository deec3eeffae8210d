"""Trainings that are killed, stopped early or late, or fail, and go on from their last checkpoint."""

from __future__ import annotations

import json
import os
import signal

import gymnasium
import numpy as np
import pytest
from msgspec import structs
from stable_baselines3 import PPO

from rldoctor import run_directory
from rldoctor.errors import TrainingFailed, UsageError
from rldoctor.logs import read_run
from rldoctor.references import load_recipe
from rldoctor.training.train import newest_checkpoint, resume, train
from tests.training.stopping import Interrupts, assert_same_curves, assert_same_weights, record_of, state_of


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_last_checkpoint(small, trained_once, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(small, tmp_path, 0, watcher=Interrupts(700, times=2))
    # 700 steps were done, and nothing after the checkpoint at 512 was saved.
    assert newest_checkpoint(tmp_path).name == "step-000000000512.zip"
    resume(tmp_path, threads=1)
    assert_same_curves(read_run(trained_once), read_run(tmp_path))
    assert_same_weights(small, trained_once, tmp_path)


@pytest.mark.slow
def test_a_run_whose_points_are_several_rollouts_apart(tmp_path):
    recipe = load_recipe("cartpole/zoo").with_overrides(["total_steps=4096"])
    assert recipe.log_interval > 1
    runs = [tmp_path / name for name in ("whole", "killed")]
    for directory in runs:
        directory.mkdir()
    train(recipe, runs[0], 0)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, runs[1], 0, watcher=Interrupts(2500, times=2))
    resume(runs[1])
    assert_same_curves(*map(read_run, runs))
    # Asked to stop in a rollout of 256 that ends in no point, it goes on to the next that does.
    (tmp_path / "stopped").mkdir()
    stopped = train(recipe, tmp_path / "stopped", 0, watcher=Interrupts(1300))
    assert (stopped.status, stopped.steps) == ("interrupted", 2048)
    resume(tmp_path / "stopped")
    assert_same_curves(read_run(runs[0]), read_run(tmp_path / "stopped"))


def test_killed_between_the_last_checkpoint_and_the_policy(trained):
    record = record_of(trained)
    (trained / run_directory.POLICY_FILE).unlink()
    (trained / run_directory.RUN_FILE).write_text(json.dumps({**record, "status": "running"}))
    again = resume(trained)
    assert (again.status, again.steps) == ("finished", 1536)
    assert (trained / run_directory.POLICY_FILE).is_file()
    assert record_of(trained)["train_seconds"] >= record["train_seconds"]
    assert record_of(trained)["steps_per_second"] > 0
    # The second part had nothing to log.
    assert [finding.code for finding in read_run(trained).findings] == ["LOG103"]


class HasItsOwnChance(gymnasium.Wrapper):
    """Ends episodes by chance that is not the environment's ``np_random``."""

    chance = np.random.default_rng(0)

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated or self.chance.random() < 0.2, truncated, info


@pytest.mark.slow
def test_an_environment_that_cannot_be_restored_begins_new_episodes(small, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(small, tmp_path, 0, wrap=HasItsOwnChance, watcher=Interrupts(700, times=2))
    assert resume(tmp_path, wrap=HasItsOwnChance).steps == 1536
    assert not read_run(tmp_path).findings


def test_interrupted_before_anything_was_learned(small, tmp_path):
    recipe = structs.replace(small, total_steps=256)
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
    training = train(structs.replace(small, total_steps=total), tmp_path, 0)
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


@pytest.mark.slow
def test_a_failed_run_resumes_and_forgets_the_error(small, tmp_path):
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
