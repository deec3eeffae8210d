"""Settings files of every library in one normal form, with file and line; nothing in them is executed."""

from __future__ import annotations

import inspect
import json
import math
import os
import shutil
from pathlib import Path

import pytest

import rldoctor
from rldoctor import datafile
from rldoctor.hyperparameters import DEFAULTS
from rldoctor.logs import read_run
from rldoctor.settings import find, read_settings
from rldoctor.settings.library import algorithm_of, libraries
from rldoctor.settings.yaml_file import read_yaml

from . import files
from .files import event_hparams, event_text, saved_model, write

ADAPTIVE = {"algorithm": "ppo", "learning_rate_schedule": "adaptive"}


def _rl_zoo(folder):
    write(folder / "Walker-v1/args.yml", files.ZOO_ARGS)
    write(folder / "Walker-v1/config.yml", files.ZOO_CONFIG)


def _rsl_rl(folder):
    write(folder / "params/agent.yaml", files.RSL_RL_AGENT)
    write(folder / "params/env.yaml", files.RSL_RL_ENV)


LIBRARIES = {
    "rl_zoo": (
        _rl_zoo,
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
    _rl_zoo(tmp_path)
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


# Bad input.

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
RECORDED = Path(__file__).parents[1] / "runs/sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100"
BAD_YAML = {
    "a bomb of aliases": BOMB + "algo: ppo\nlearning_rate: 0.1\n",
    "nested without end": "[" * 100_000,
    "nested in tables": "{a: " * 500,
    "an alias to itself": "a: &a [*a]\nlr: *",
    "no YAML": "a: b: c\n\t- {",
    "binary": "\x00\x01\x02",
    "huge": "a: " + "x" * 2**20,
}


@pytest.mark.parametrize("kind", BAD_YAML)
def test_bad_yaml_is_reported_and_not_used(kind, tmp_path):
    write(tmp_path / "config.yml", BAD_YAML[kind])
    found = read_settings(tmp_path)
    assert [finding.code for finding in found.findings] == ["SET001"]
    assert found.stated() == {}


@pytest.mark.parametrize(
    "call", ["!!python/object/apply:os.system [touch WITNESS]", "!!python/object/new:os.system [touch WITNESS]"]
)
def test_python_tags_are_read_as_data(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "config.yml", f"algo: ppo\nn_timesteps: 1e5\nevil: {call}\nlearning_rate: 0.1\n")
    found = read_settings(tmp_path)
    assert found.learning_rate == 0.1 and not (tmp_path / "WITNESS").exists()
    assert found.entries["evil"] == ["touch WITNESS"]


def test_an_expression_is_not_evaluated(tmp_path):
    text = (
        "algo: ppo\nn_timesteps: 10\npolicy_kwargs: \"dict(net_arch=[__import__('os').getpid()], log_std_init=-2)\"\n"
    )
    write(tmp_path / "config.yml", text)
    found = read_settings(tmp_path)
    assert found.log_std_init == -2.0
    # A text that is no number of units.
    assert found.net_arch is None


def test_a_saved_model_is_never_unpickled(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "WITNESS",))

    import base64
    import pickle

    pickled = {":type:": "<class 'dict'>", ":serialized:": base64.b64encode(pickle.dumps(Evil())).decode()}
    saved_model(tmp_path / "model.zip", {**files.SB3_PPO, "policy_kwargs": pickled, "learning_rate": pickled})
    found = read_settings(tmp_path)
    assert found.n_steps == 256 and not (tmp_path / "WITNESS").exists()
    assert found.learning_rate is None and found.net_arch is None


def test_broken_and_foreign_zips(tmp_path):
    (tmp_path / "model.zip").write_bytes(b"PK\x03\x04 and then nothing")
    assert [finding.code for finding in read_settings(tmp_path).findings] == ["SET001"]
    import zipfile

    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("code.py", "x = 1")
    assert read_settings(tmp_path) is None


def test_files_that_disagree_are_reported_and_not_used(tmp_path):
    saved_model(tmp_path / "model.zip")
    event_text(tmp_path / "events.out.tfevents.1.a", "hyperparameters", files.CLEANRL_TEXT)
    found = read_settings(tmp_path)
    assert found.gamma is None and found.max_grad_norm == 0.5
    assert "gamma" in {finding.evidence["setting"] for finding in found.findings}
    assert {finding.code for finding in found.findings} == {"SET002"}


@pytest.mark.parametrize("shown", [0.0003, 0.3])
def test_settings_of_another_run_are_reported_and_not_used(shown, tmp_path):
    saved_model(tmp_path / "model.zip")
    rows = "".join(f"{i * 2048},{i},{shown},0.01\n" for i in range(30))
    write(
        tmp_path / "progress.csv",
        f"time/total_timesteps,rollout/ep_rew_mean,train/learning_rate,train/approx_kl\n{rows}",
    )
    run = read_run(tmp_path)
    codes = [finding.code for finding in run.findings if finding.code.startswith("SET")]
    assert codes == ([] if shown == 0.0003 else ["SET003"])
    assert (run.settings.learning_rate is None) == (shown == 0.3)


@pytest.mark.parametrize(("trained", "ours"), [("Walker-v1", True), ("Hopper-v4", False), ("None", True)])
def test_settings_of_another_environment_are_reported_and_not_used(trained, ours, tmp_path):
    _rl_zoo(tmp_path)
    rows = "".join(f"{-200 + i},200,{2.0 * i}\n" for i in range(30))
    write(tmp_path / "0.monitor.csv", f'#{{"t_start": 1600000000.0, "env_id": "{trained}"}}\nr,l,t\n{rows}')
    run = read_run(tmp_path)
    assert [f.code for f in run.findings if f.code.startswith("SET")] == ([] if ours else ["SET003"])
    assert run.algorithm == ("sac" if ours else "")


def test_a_training_that_went_on_with_another_rate_is_the_same_run(tmp_path):
    saved_model(tmp_path / "model.zip")
    rows = "".join(f"{i * 2048},{i},{0.001 if i < 15 else 0.0003}\n" for i in range(30))
    write(tmp_path / "progress.csv", f"time/total_timesteps,rollout/ep_rew_mean,train/learning_rate\n{rows}")
    assert read_run(tmp_path).settings.learning_rate == 0.0003


def test_numbers_that_cannot_be_are_left_out(tmp_path):
    text = "algo: ppo\nn_timesteps: 1e999\nlearning_rate: -1\ngamma: .nan\nn_steps: 2.5\nn_epochs: 123456789012345678\n"
    write(tmp_path / "config.yml", text)
    found = read_settings(tmp_path)
    assert found.total_steps is None
    # Stated and unusable is unknown, not the default.
    assert (found.learning_rate, found.gamma, found.n_steps) == (None, None, None)
    assert (found.clip_range, found.where("clip_range")) == (0.2, "by default")


def test_nothing_to_read(tmp_path):
    assert read_settings(tmp_path) is None
    assert read_settings(tmp_path / "missing") is None


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


def test_a_folder_that_runs_share_is_listed_once_until_it_changes(tmp_path, monkeypatch):
    listed = []
    monkeypatch.setattr(find.os, "scandir", lambda folder, scan=os.scandir: listed.append(str(folder)) or scan(folder))
    for number in range(3):
        (tmp_path / f"run-{number}").mkdir()
    os.utime(tmp_path, (1, 1))
    for number in range(3):
        assert read_settings(tmp_path / f"run-{number}") is None
    assert listed.count(str(tmp_path)) == 1
    (tmp_path / "config.yaml").write_text(
        "params:\n  algo:\n    name: a2c_continuous\n  config:\n    learning_rate: 1e-3\n"
    )
    os.utime(tmp_path, (2, 2))
    assert find.Finder(tmp_path / "run-0").find("../config.yaml", ()) == tmp_path / "config.yaml"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("config.yml", b"a: [1, 2\nb: {", "is not YAML (line 2)"),
        ("params.json", b'{"a": 1,', "is not JSON (line 1)"),
        ("hparams.yaml", b"\xff\xfe\x00\x9f", "is not UTF-8 text"),
        ("config.yaml", b"- 1\n- 2\n", "holds no settings: no table of names and values"),
        ("args.json", b"", "is empty"),
        ("config.json", None, "is not a plain file"),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_told_where_settings_are_missed(name, content, problem, tmp_path):
    shutil.copy(next(RECORDED.glob("events*")), tmp_path)
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    (said,) = rldoctor.diagnose(tmp_path).subjects
    assert f"{name} {problem}" in next(one.message for one in said.findings if one.code == "SET001")
    (settings,) = [witness for witness in said.witnesses if witness.name == "settings"]
    assert (settings.said, settings.command) == ("not readable", f"fix {name}, which {problem}")


def test_a_settings_file_without_permission_is_told(tmp_path, monkeypatch):
    (tmp_path / "params.json").write_text('{"lr": 0.1, "gamma": 0.9}')

    def denied(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    (found,) = read_settings(tmp_path).findings
    assert found.message == "params.json cannot be read: permission denied: its settings are not used."


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("pattern", ["../config.yaml", "../.hydra/config.yaml", "../params/agent.yaml"])
def test_a_file_above_is_found_whether_its_folder_has_just_changed_or_not(tmp_path, settled, pattern):
    run = tmp_path / "run-0"
    run.mkdir()
    wanted = tmp_path / pattern.removeprefix("../")
    finder = find.Finder(run)
    assert finder.find(pattern, ()) is None
    wanted.parent.mkdir(exist_ok=True)
    wanted.write_text("seed: 1\n")
    if settled:
        for folder in (tmp_path, wanted.parent):
            os.utime(folder, (1.0, 1.0))
    assert find.Finder(run).find(pattern, ()) == wanted
