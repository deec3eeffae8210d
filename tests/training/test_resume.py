"""A training that is stopped, in each way that it can be, and goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile

import gymnasium
import numpy as np
import pytest
import torch
from msgspec import structs
from stable_baselines3 import PPO

from rldoctor import run_directory
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.errors import CannotJudge, TrainingFailed, UsageError
from rldoctor.logs import read_run
from rldoctor.references import load_recipe
from rldoctor.training import algorithm
from rldoctor.training.train import newest_checkpoint, resume, train


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
    model = algorithm.build(recipe, envs, 0)
    envs.close()
    state = algorithm.load_weights(model, path)
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
    assert whole.curves["episode_return"].steps.tolist() == list(range(128, 1537, 128))
    assert_same_curves(whole, again)


def assert_same_curves(whole, again):
    """Everything but the clock is the same, to the last bit."""
    assert again.curves.keys() == whole.curves.keys()
    assert len(whole.curves) > 40
    for name, curve in whole.curves.items():
        np.testing.assert_array_equal(again.curves[name].steps, curve.steps, name)
        if name != "throughput":
            np.testing.assert_array_equal(again.curves[name].values, curve.values, name)


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_last_checkpoint(small, trained_once, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(small, tmp_path, 0, watcher=Interrupts(700, times=2))
    # 700 steps were done, and nothing after the checkpoint at 512 was saved.
    assert newest_checkpoint(tmp_path).name == "step-000000000512.zip"
    resume(tmp_path, threads=1)
    assert_same_curves(read_run(trained_once), read_run(tmp_path))
    assert_same_weights(small, trained_once, tmp_path)


def assert_same_weights(recipe, one, other):
    envs = make_training_envs(recipe)
    models = [algorithm.build(recipe, envs, seed) for seed in (1, 2)]
    envs.close()
    for model, directory in zip(models, (one, other), strict=True):
        algorithm.load_weights(model, directory / run_directory.POLICY_FILE)
    first, second = (model.policy.state_dict() for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


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


def test_the_schedule_continues(resumed, trained_once):
    expected = dict(zip(*points(trained_once), strict=True))
    steps, rates = points(resumed)
    assert steps[-1] == 1536
    for step, rate in zip(steps, rates, strict=True):
        assert rate == expected[step]


def points(directory):
    curve = read_run(directory).curves["learning_rate"]
    return curve.steps.tolist(), curve.values.tolist()


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
