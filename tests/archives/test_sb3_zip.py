"""Models that model.save wrote, read without Stable-Baselines3."""

import base64
import json
import os
import zipfile

import cloudpickle
import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.utils import LinearSchedule

from rldoctor.archives.sb3_zip import read_sb3_zip
from rldoctor.errors import CannotJudge


def constant_fn(val):
    """SB3's own before version 2.6."""

    def func(_):
        return val

    return func


def get_schedule_fn(value_schedule):
    """SB3's own from 2.3 to 2.5."""
    return lambda progress: float(value_schedule(progress))


def get_linear_fn(start, end, end_fraction):
    """SB3's own before version 2.7."""

    def func(progress):
        return end if 1 - progress > end_fraction else start + (1 - progress) * (end - start) / end_fraction

    return func


def with_data(path, **entries):
    """Write an archive whose settings are these."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps(entries))
    return path


def pickled(value):
    return {":type:": str(type(value)), ":serialized:": base64.b64encode(cloudpickle.dumps(value)).decode()}


def test_ppo_with_a_schedule_and_policy_kwargs(tmp_path):
    arguments = {"net_arch": {"pi": [8], "vf": [16]}, "activation_fn": torch.nn.ReLU, "log_std_init": -1.0}
    model = PPO(
        "MlpPolicy", "Pendulum-v1", learning_rate=LinearSchedule(1e-3, 0.0, 1.0), policy_kwargs=arguments, gamma=0.9
    )
    model.save(tmp_path / "model.zip")
    saved = read_sb3_zip(tmp_path / "model.zip")
    settings = saved.settings()
    assert saved.algorithm == "ppo"
    assert saved.policy_class == "stable_baselines3.common.policies.ActorCriticPolicy"
    assert saved.steps == 0
    assert settings["learning_rate"] == {"schedule": "linear", "start": 1e-3, "end": 0.0, "end_fraction": 1.0}
    assert settings["clip_range"] == 0.2
    assert settings["policy_kwargs"] == {**arguments, "activation_fn": "torch.nn.modules.activation.ReLU"}
    assert settings["gamma"] == 0.9
    assert not {"num_timesteps", "observation_space", "_n_updates", "policy_class"} & settings.keys()


@pytest.mark.parametrize(("algorithm", "env"), [(A2C, "CartPole-v1"), (DQN, "CartPole-v1"), (TD3, "Pendulum-v1")])
def test_the_algorithm_is_told_by_the_entries(tmp_path, algorithm, env):
    more = {} if algorithm is A2C else {"buffer_size": 10}
    algorithm("MlpPolicy", env, **more).save(tmp_path / "model")
    assert read_sb3_zip(tmp_path / "model.zip").algorithm == algorithm.__name__.lower()


def test_sac_with_a_frequency_in_episodes(tmp_path):
    SAC("MlpPolicy", "Pendulum-v1", buffer_size=10, train_freq=(2, "episode")).save(tmp_path / "model")
    saved = read_sb3_zip(tmp_path / "model.zip")
    assert saved.algorithm == "sac"
    assert saved.settings()["train_freq"] == [2, "episode"]


def test_schedules_of_earlier_versions(tmp_path):
    functions = {
        "a": constant_fn(0.2),
        "b": get_schedule_fn(constant_fn(0.3)),
        "c": get_linear_fn(1.0, 0.1, 0.5),
        "d": lambda progress: progress,
    }
    path = with_data(tmp_path / "model.zip", **{key: pickled(value) for key, value in functions.items()})
    assert read_sb3_zip(path).settings() == {
        "a": 0.2,
        "b": 0.3,
        "c": {"schedule": "linear", "start": 1.0, "end": 0.1, "end_fraction": 0.5},
        "d": {"schedule": "function"},
    }


class Evil:
    def __reduce__(self):
        return os.system, ("exit 1",)


def test_an_object_is_named_and_one_that_cannot_be_read_harms_no_other(tmp_path):
    broken = {":type:": "<class 'x'>", ":serialized:": "AAAA"}
    path = with_data(tmp_path / "model.zip", evil=pickled(Evil()), broken=broken, gamma=0.9)
    saved = read_sb3_zip(path)
    assert saved.settings() == {
        "evil": {"object": f"{os.system.__module__}.system"},
        "broken": {"object": "<class 'x'>"},
        "gamma": 0.9,
    }
    assert saved.algorithm == saved.policy_class == ""
    with pytest.raises(CannotJudge, match="entry broken"):
        saved.value("broken")


def test_what_is_no_model_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(CannotJudge, match=r"There is no model"):
        read_sb3_zip(tmp_path / "gone.zip")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(CannotJudge, match="no zip archive"):
        read_sb3_zip(tmp_path / "text.zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme", "x")
    with pytest.raises(CannotJudge, match="no member 'data'"):
        read_sb3_zip(tmp_path / "other.zip")
    with zipfile.ZipFile(tmp_path / "list.zip", "w") as archive:
        archive.writestr("data", "[]")
    with pytest.raises(CannotJudge, match="no table"):
        read_sb3_zip(tmp_path / "list.zip")


@pytest.mark.parametrize("window", [10, 500])
def test_a_window_of_another_size_is_a_setting(tmp_path, window):
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, stats_window_size=window, device="cpu")
    model.save(tmp_path / "m")
    assert read_sb3_zip(tmp_path / "m.zip").settings()["stats_window_size"] == window
