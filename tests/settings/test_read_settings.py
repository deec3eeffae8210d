"""Settings files of every library in one normal form, with file and line."""

from __future__ import annotations

import inspect
import json
import math
from pathlib import Path

import pytest

from rldoctor import datafile
from rldoctor.hyperparameters import DEFAULTS
from rldoctor.logs import read_run
from rldoctor.settings import read_settings
from rldoctor.settings.library import algorithm_of, libraries
from rldoctor.settings.yaml_file import read_yaml
from tests.settings import files
from tests.settings.files import event_hparams, event_text, saved_model, write

ADAPTIVE = {"algorithm": "ppo", "learning_rate_schedule": "adaptive"}


def _rsl_rl(folder):
    write(folder / "params/agent.yaml", files.RSL_RL_AGENT)
    write(folder / "params/env.yaml", files.RSL_RL_ENV)


LIBRARIES = {
    "rl_zoo": (
        files.write_rl_zoo,
        {"algorithm": "sac", "env": "Walker-v1", "learning_rate": 7.3e-4, "learning_rate_schedule": "linear"}
        | {"total_steps": 500_000, "log_std_init": -3.0, "net_arch": (400, 300), "activation": "relu", "seed": 42}
        | {"normalize_observations": True, "normalize_rewards": False, "use_sde": True, "ent_coef": None},
        ("learning_rate", "Walker-v1/config.yml", 6),
    ),
    "rsl_rl": (
        _rsl_rl,
        {**ADAPTIVE, "learning_rate": 1e-3, "n_steps": 24, "n_envs": 4096, "batch_size": 24 * 4096 // 4, "n_epochs": 5}
        | {"total_steps": 1500 * 24 * 4096, "log_std_init": 0.0, "net_arch": (512, 256, 128), "ent_coef": 0.005},
        ("learning_rate", "params/agent.yaml", 21),
    ),
    "skrl": (
        lambda folder: write(folder / "params/agent.yaml", files.SKRL_AGENT),
        {**ADAPTIVE, "n_steps": 32, "n_epochs": 8, "gamma": 0.99, "gae_lambda": 0.95, "clip_range": 0.2}
        | {"max_grad_norm": None, "target_kl": None, "normalize_observations": True, "activation": "elu"},
        ("gamma", "params/agent.yaml", 17),
    ),
    "rl_games": (
        lambda folder: write(folder / "params/agent.yaml", files.RL_GAMES_AGENT),
        {**ADAPTIVE, "n_steps": 16, "n_envs": 512, "batch_size": 8192, "gae_lambda": 0.95, "learning_rate": 3e-4},
        ("clip_range", "params/agent.yaml", 25),
    ),
    "rllib": (
        lambda folder: write(folder / "params.json", json.dumps(files.RLLIB, indent=2)),
        {"algorithm": "ppo", "env": "CartPole-v1", "n_steps": 500, "n_envs": 8, "batch_size": 128, "n_epochs": 30}
        | {"net_arch": (256, 256), "activation": "tanh", "max_grad_norm": None, "normalize_observations": True},
        ("learning_rate", "params.json", 3),
    ),
    "cleanrl": (
        lambda folder: event_text(folder / "events.out.tfevents.1.a", "hyperparameters", files.CLEANRL_TEXT),
        {"algorithm": "ppo", "env": "Hopper-v4", "learning_rate_schedule": "linear", "batch_size": 256}
        | {"total_steps": 1_000_000, "normalize_advantage": True, "target_kl": None},
        ("n_epochs", "events.out.tfevents.1.a", None),
    ),
    "tianshou": (
        lambda folder: event_text(folder / "events.out.tfevents.1.a", "args", files.TIANSHOU_TEXT),
        {"algorithm": "ppo", "env": "Ant-v4", "n_steps": 256, "n_envs": 8, "n_epochs": 10, "batch_size": 64}
        | {"normalize_rewards": True, "learning_rate_schedule": "linear", "net_arch": (64, 64)},
        ("learning_rate", "events.out.tfevents.1.a", None),
    ),
    "sb3": (
        lambda folder: saved_model(folder / "model.zip"),
        {"algorithm": "ppo", "n_steps": 256, "n_envs": 8, "clip_range": 0.2, "clip_range_schedule": "constant"}
        | {"net_arch": (128, 64), "activation": "relu", "log_std_init": -1.0, "total_steps": 100_000},
        ("gamma", "model.zip", None),
    ),
    "plain": (
        lambda folder: write(folder / ".hydra/config.yaml", files.HYDRA),
        {"algorithm": "ppo", "env": "Hopper-v4", "learning_rate": 3e-4, "gamma": 0.995, "net_arch": (128, 128)},
        ("learning_rate", ".hydra/config.yaml", 7),
    ),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_settings_in_the_normal_form_with_their_place(library, tmp_path):
    make, expected, (name, file, line) = LIBRARIES[library]
    make(tmp_path)
    found = read_settings(tmp_path)
    assert found.library == library and found.findings == ()
    stated = {key: getattr(found, key) for key in expected}
    assert stated == {
        key: pytest.approx(value) if isinstance(value, float) else value for key, value in expected.items()
    }
    assert (found.places[name].file, found.places[name].line) == (file, line)


def test_weights_and_biases_keeps_each_setting_under_value(tmp_path):
    write(tmp_path / "files/config.yaml", files.WANDB)
    found = read_settings(tmp_path)
    assert (found.algorithm, found.env, found.learning_rate, found.gamma) == ("ppo", "Pendulum-v1", 0.003, 0.9)
    assert found.where("learning_rate") == "in files/config.yaml, line 9"


def test_tensorboards_hparams(tmp_path):
    event_hparams(tmp_path / "1700000000.1/events.out.tfevents.1.a", {"lr": 0.01, "gamma": 0.9, "algo": "DQN"})
    found = read_settings(tmp_path)
    assert (found.algorithm, found.learning_rate, found.gamma) == ("dqn", 0.01, 0.9)


def test_a_recorded_run_states_everything_with_the_defaults_of_stable_baselines3():
    run = Path("tests/runs/sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100")
    found = read_settings(Path(__file__).parents[2] / run)
    assert (found.learning_rate, found.where("learning_rate")) == (0.1, "in run.json, line 20")
    assert (found.vf_coef, found.where("vf_coef")) == (0.5, "by default")


def test_defaults_are_those_of_the_recipes():
    [sb3] = [library for library in libraries() if library.library == "sb3"]
    ours = {key: value for key, value in sb3.defaults["ppo"].items() if key in DEFAULTS["ppo"]}
    assert ours == {key: DEFAULTS["ppo"][key] for key in ours} and len(ours) > 12


@pytest.mark.slow
@pytest.mark.parametrize("name", ["PPO", "A2C", "SAC", "TD3", "DQN"])
def test_defaults_are_those_of_stable_baselines3(name):
    import stable_baselines3

    [sb3] = [library for library in libraries() if library.library == "sb3"]
    signature = inspect.signature(getattr(stable_baselines3, name)).parameters
    ours = {key: value for key, value in sb3.defaults[name.lower()].items() if key in signature}
    assert ours == {key: signature[key].default for key in ours} and len(ours) > 3


def test_the_algorithm_comes_from_the_settings_where_only_monitor_files_were_kept(tmp_path):
    files.write_rl_zoo(tmp_path)
    rows = "".join(f"{-200 + i},200,{2.0 * i}\n" for i in range(300))
    write(tmp_path / "0.monitor.csv", f'#{{"t_start": 1600000000.0, "env_id": "Walker-v1"}}\nr,l,t\n{rows}')
    run = read_run(tmp_path)
    assert (run.algorithm, run.framework) == ("sac", "sb3")


@pytest.mark.parametrize(
    ("word", "algorithm"),
    [
        ("MaskablePPO", "ppo"),
        ("MAPPO", "ppo"),
        ("ppo_atari_lstm", "ppo"),
        ("QRDQN", "dqn"),
        ("TQC", "sac"),
        ("my_run", ""),
    ],
)
def test_names_of_algorithms(word, algorithm):
    assert algorithm_of(word) == algorithm


def test_yaml_as_people_write_it():
    tree = read_yaml("base: &b {lr: 3e-4, on: yes, none: ~, t: !!python/tuple [1, 2]}\nmine:\n  <<: *b\n  lr: 1_000\n")
    mine = {key: node.value for key, node in tree.value["mine"].value.items()}
    assert mine["lr"] == 1000 and mine["none"] is None
    assert tree.value["base"].value["lr"].value == 3e-4
    assert [node.value for node in mine["t"]] == [1, 2]


def test_every_list_of_settings_says_its_source():
    folder = datafile.folder("checks") / "settings" / "libraries"
    assert {path.stem for path in folder.rglob("*.toml")} == {library.library for library in libraries()}
    assert all(library.source and library.files for library in libraries())
    assert not any(math.isnan(value) for library in libraries() for values in library.off.values() for value in values)
