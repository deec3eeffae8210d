"""Settings files that are broken or hostile: nothing in them is executed, and what is wrong is reported."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import rldoctor
from rldoctor.settings import read_settings
from tests.settings import files
from tests.settings.files import saved_model, write

RECORDED = Path(__file__).parents[1] / "runs/sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
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


def test_numbers_that_cannot_be_are_left_out(tmp_path):
    text = "algo: ppo\nn_timesteps: 1e999\nlearning_rate: -1\ngamma: .nan\nn_steps: 2.5\nn_epochs: 123456789012345678\n"
    write(tmp_path / "config.yml", text)
    found = read_settings(tmp_path)
    assert found.total_steps is None
    # Stated and unusable is unknown, not the default.
    assert (found.learning_rate, found.gamma, found.n_steps) == (None, None, None)
    assert (found.clip_range, found.where("clip_range")) == (0.2, "by default")


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
