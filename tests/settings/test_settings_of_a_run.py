"""Which settings files are those of a run: files that disagree, of other runs, and of folders above."""

from __future__ import annotations

import os

import pytest

from rldoctor.logs import read_run
from rldoctor.settings import find, read_settings
from tests.settings import files
from tests.settings.files import event_text, saved_model, write, write_rl_zoo


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
    write_rl_zoo(tmp_path)
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


def test_nothing_to_read(tmp_path):
    assert read_settings(tmp_path) is None
    assert read_settings(tmp_path / "missing") is None


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
