"""SAC, TD3, DDPG, DQN and hindsight replay: trained, stopped, resumed to the last bit, and their buffers on disk."""

from __future__ import annotations

import io
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stable_baselines3
import torch
from msgspec import structs
from stable_baselines3.common.buffers import ReplayBuffer

from rldoctor import run_directory
from rldoctor.environments.engine import Engine
from rldoctor.environments.vec_envs import make_training_envs
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.experiments.sweep.throughput import _measure
from rldoctor.hyperparameters import ALGORITHMS, DEFAULTS
from rldoctor.logs import read_run
from rldoctor.recipe import Recipe, recipe_from_mapping
from rldoctor.sb3.arguments import algorithm_class
from rldoctor.training import algorithm, replay_file
from rldoctor.training.evaluate import evaluate
from rldoctor.training.train import newest_checkpoint, resume, train

SMALL = {"net_arch": [16], "learning_starts": 60, "batch_size": 16, "buffer_size": 150, "gradient_steps": 1}


def recipe(name: str, env: str = "Pendulum-v1", **settings: Any) -> Recipe:
    data = {"name": env, "env": env, "algorithm": name, "total_steps": 440, "n_envs": 2}
    return recipe_from_mapping({**data, "hyperparameters": {**SMALL, **settings}}, "a test")


RECIPES = {
    "sac": recipe("sac", learning_rate_schedule="linear"),
    "td3": recipe("td3", action_noise_std=0.1, n_steps=3),
    "ddpg": recipe("ddpg", train_freq=4, gradient_steps=-1),
    "dqn": recipe("dqn", "CartPole-v1", target_update_interval=20),
    "her": recipe("sac", "FetchReach-v4", her=True, ent_coef=0.1, learning_starts=120, buffer_size=300),
}


class StopAt:
    """A watcher that asks the training to stop once so many steps are done."""

    def __init__(self, steps: int) -> None:
        self.steps, self.stop = steps, threading.Event()

    def progressed(self, steps: int, _numbers: object) -> None:
        if steps >= self.steps:
            self.stop.set()


def weights(directory: Path) -> dict[str, torch.Tensor]:
    with zipfile.ZipFile(directory / run_directory.POLICY_FILE) as archive:
        found: dict[str, torch.Tensor] = torch.load(io.BytesIO(archive.read("policy.pth")), weights_only=True)
        return found


def interrupt(made: Recipe, directory: Path) -> Path:
    directory.mkdir()
    watcher = StopAt(180)
    assert train(made, directory, 0, watcher=watcher, stop=watcher.stop).status == "interrupted"
    return directory


def test_a_batch_may_be_larger_than_the_buffer_as_in_sb3(tmp_path: Path) -> None:
    made = recipe("dqn", "CartPole-v1", buffer_size=10, batch_size=32)
    assert train(structs.replace(made, total_steps=100), tmp_path / "run", 0).status == "finished"


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == "dqn" else [pytest.mark.slow]) for n in RECIPES])
def test_a_resumed_training_ends_as_the_whole_one_to_the_last_bit(name: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    assert train(RECIPES[name], whole, 0).status == "finished"
    parts = interrupt(RECIPES[name], tmp_path / "parts")
    assert replay_file.file_of(newest_checkpoint(parts)).is_file()
    assert resume(parts).status == "finished"

    expected, found = weights(whole), weights(parts)
    assert all(torch.equal(found[key], value) for key, value in expected.items())
    curves, again = read_run(whole).curves, read_run(parts).curves
    # What DoctorCallback measures before its first mark after the stop has not seen the steps before it.
    learned = {metric for metric, curve in curves.items() if not curve.tag.startswith("doctor/")} - {"throughput"}
    assert len(learned) >= 3 and learned <= again.keys()
    for metric in learned:
        np.testing.assert_array_equal(again[metric].steps, curves[metric].steps, metric)
        np.testing.assert_array_equal(again[metric].values, curves[metric].values, metric)
    # A finished training keeps no buffer.
    assert not list((parts / run_directory.CHECKPOINTS).glob("*.npz"))
    assert evaluate(parts, episodes=2)["aggregate"]["n_episodes"] == 2  # type: ignore[index, call-overload]


def test_only_the_newest_checkpoint_has_a_buffer_and_its_size_is_said_before(tmp_path: Path) -> None:
    said: list[str] = []
    watcher = StopAt(180)
    train(RECIPES["dqn"], tmp_path, 0, watcher=watcher, stop=watcher.stop, say=said.append)
    assert said == ["The newest checkpoint holds the replay buffer: up to 1 MB."]
    places = list((tmp_path / run_directory.CHECKPOINTS).glob("*.npz"))
    assert places == [replay_file.file_of(newest_checkpoint(tmp_path))]


def buffer_of(made: Recipe) -> ReplayBuffer:
    envs = make_training_envs(made)
    model: Any = algorithm.build(made, envs, 0)
    envs.close()
    buffer: ReplayBuffer = model.replay_buffer
    return buffer


def filled(made: Recipe, steps: int) -> ReplayBuffer:
    buffer, draw = buffer_of(made), np.random.default_rng(0)
    for _ in range(steps):
        observations = draw.normal(size=(2, 2, 3)).astype(np.float32)
        actions, rewards = draw.normal(size=(2, 1)), draw.normal(size=2)
        buffer.add(*observations, actions, rewards, draw.random(2) < 0.1, [{"TimeLimit.truncated": True}] * 2)
    return buffer


@pytest.mark.parametrize("steps", [0, 7, 75, 100])
def test_a_buffer_that_was_written_is_the_same_when_read(steps: int, tmp_path: Path) -> None:
    before, after = filled(RECIPES["sac"], steps), buffer_of(RECIPES["sac"])
    replay_file.save(before, tmp_path / "a.npz")
    replay_file.load(after, tmp_path / "a.npz")
    assert (after.pos, after.full) == (before.pos, before.full)
    many = before.buffer_size if before.full else before.pos
    for name in ("observations", "next_observations", "actions", "rewards", "dones", "timeouts"):
        np.testing.assert_array_equal(getattr(after, name)[:many], getattr(before, name)[:many], name)
    written = (tmp_path / "a.npz").stat().st_size
    assert replay_file.largest_bytes(before, 2 * many) <= written <= replay_file.largest_bytes(before, 2 * many) + 4096


def _pickled(path: Path) -> None:
    np.savez(path, allow_pickle=True, position=np.array([{}], dtype=object), full=np.bool_(False))


def _compressed(path: Path) -> None:
    np.savez_compressed(path, position=np.int64(1), full=np.bool_(False))


def _of_another(path: Path) -> None:
    replay_file.save(buffer_of(RECIPES["sac"]), path)


def _beyond(path: Path) -> None:
    np.savez(path, position=np.int64(10**6), full=np.bool_(False))


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return interrupt(RECIPES["dqn"], tmp_path_factory.mktemp("interrupted") / "run")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"PK"), "cannot be loaded"),
        (_pickled, "cannot be loaded"),
        (_compressed, "it is compressed"),
        (_of_another, "its array"),
        (_beyond, "outside the buffer"),
    ],
)
def test_a_spoiled_buffer_is_refused_in_one_sentence(spoil: Any, said: str, interrupted: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(interrupted, tmp_path / "run")
    spoil(replay_file.file_of(newest_checkpoint(directory)))
    with pytest.raises(CannotJudge, match=said):
        resume(directory)


def test_no_room_for_the_buffer_is_said_before_a_step_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_file.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(UsageError, match=r"replay buffer needs .* MB in .*, where 1 MB are free"):
        train(RECIPES["sac"], tmp_path, 0)
    assert not list((tmp_path / run_directory.CHECKPOINTS).iterdir())


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_defaults_are_those_of_stable_baselines3(name: str) -> None:
    env = "CartPole-v1" if name in ("ppo", "dqn") else "Pendulum-v1"
    made: Any = algorithm_class(name)("MlpPolicy", env)
    plain: Any = getattr(stable_baselines3, name.upper())
    assert type(made) is plain
    # Ours, with SB3's meaning of them unset: schedules, noise, hindsight; net_arch is the policy's.
    ours = ("learning_rate_schedule", "clip_range_schedule", "action_noise_std", "net_arch", "log_std_init")
    for key, value in DEFAULTS[name].items():
        if key in ours or key.startswith("her"):
            continue
        own = getattr(made, key)
        own = own.frequency if key == "train_freq" else own(1.0) if callable(own) else own
        assert own == value or (key == "target_entropy" and value == "auto"), key
    if name != "ppo":
        assert made.policy.net_arch == DEFAULTS[name]["net_arch"]


def test_settings_are_those_of_the_algorithm() -> None:
    with pytest.raises(UsageError, match="SAC has no setting called 'clip_range'"):
        RECIPES["sac"].with_overrides(["clip_range=0.1"])
    with pytest.raises(UsageError, match="no step of 2 environments"):
        RECIPES["sac"].with_overrides(["buffer_size=1"])
    with pytest.raises(UsageError, match="n_steps above 1"):
        RECIPES["her"].with_overrides(["n_steps=3"])
    assert RECIPES["sac"].with_overrides(["ent_coef=auto_0.1"]).setting("ent_coef") == "auto_0.1"
    assert RECIPES["sac"].with_overrides(["ent_coef=0.1"]).setting("ent_coef") == 0.1
    other = RECIPES["sac"].with_overrides(["algorithm=td3", "policy_delay=3"])
    assert (other.algorithm, other.hyperparameters) == ("td3", {"policy_delay": 3})
    assert other.setting("tau") == 0.005 and other.setting("clip_range") is None


@pytest.mark.slow
def test_a_sweep_knows_how_long_off_policy_trainings_take() -> None:
    rate = _measure(lambda _: None, RECIPES["dqn"], Engine.GYMNASIUM)
    assert 0 < rate.training < rate.playing


def test_what_the_spaces_do_not_allow_is_said() -> None:
    with pytest.raises(UsageError, match="DQN cannot be built for Pendulum-v1"):
        buffer_of(structs.replace(RECIPES["dqn"], env="Pendulum-v1"))


@pytest.mark.parametrize("starts", [440, 100_000])
def test_train_says_before_it_begins_that_nothing_will_be_learned(
    starts: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from rldoctor.cli.app import run as rldoctor
    from rldoctor.recipe import write_recipe

    file = tmp_path / "recipe.toml"
    write_recipe(structs.replace(RECIPES["dqn"], total_steps=440), file)
    options = ["--recipe", str(file), "--runs", str(tmp_path / "runs"), "--set", f"learning_starts={starts}"]
    assert rldoctor(["train", *options]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"learning_starts is {starts:,}, and the training ends after 440 steps: nothing will be learned" in said
