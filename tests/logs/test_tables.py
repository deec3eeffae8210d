"""Logs that are no event files: written by Stable-Baselines3 itself, or by hand as people have them."""

from __future__ import annotations

import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import configure

import rldoctor
from rldoctor.cli.app import run as command
from rldoctor.errors import CannotJudge
from rldoctor.logs import discover, read_run
from rldoctor.logs.formats.monitor import recent_mean
from rldoctor.training.algorithm import one_thread


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A real training of plain Stable-Baselines3, logged in every way that it has."""
    folder = tmp_path_factory.mktemp("logged")
    envs = make_vec_env("CartPole-v1", 2, seed=0, monitor_dir=str(folder))
    looked_at = make_vec_env("CartPole-v1", 1, seed=9)
    model = PPO("MlpPolicy", envs, n_steps=128, seed=0, device="cpu")
    model.set_logger(configure(str(folder), ["tensorboard", "csv", "json"]))
    evaluate = EvalCallback(looked_at, eval_freq=256, n_eval_episodes=3, log_path=str(folder), verbose=0)
    with one_thread():
        model.learn(2048, callback=evaluate)
    model.logger.close()
    envs.close()
    return folder


def only(logged, tmp_path, *wanted):
    """Return a copy of the run with only those of its files whose name holds one of ``wanted``."""
    folder = tmp_path / "run"
    folder.mkdir()
    for file in logged.iterdir():
        if any(word in file.name for word in wanted):
            shutil.copy(file, folder)
    return folder


@pytest.mark.parametrize("name", ["progress.csv", "progress.json"])
def test_the_tables_hold_what_the_event_file_holds(logged, tmp_path, name):
    events = read_run(only(logged, tmp_path, "tfevents"))
    (tmp_path / "other").mkdir()
    table = read_run(only(logged, tmp_path / "other", name))
    assert (table.framework, table.findings) == ("sb3", ())
    # The number of updates is kept from TensorBoard.
    assert table.curves.keys() == events.curves.keys() | {"n_updates"}
    assert len(table.curves) > 12
    for metric, curve in events.curves.items():
        np.testing.assert_array_equal(table.curves[metric].steps, curve.steps)
        np.testing.assert_allclose(table.curves[metric].values, curve.values, rtol=1e-6)
    assert table.curves["entropy"].values[0] > 0


def test_event_files_come_first_and_nothing_is_read_twice(logged, tmp_path):
    whole, events = read_run(logged), read_run(only(logged, tmp_path, "tfevents"))
    assert whole.findings == ()
    assert whole.curves.keys() == events.curves.keys()
    for metric, curve in events.curves.items():
        np.testing.assert_array_equal(whole.curves[metric].values, curve.values)
    assert discover([logged]) == [logged]


def test_monitor_files_tell_what_the_logger_would_have(logged, tmp_path):
    monitors = read_run(only(logged, tmp_path, "monitor.csv"))
    assert monitors.findings == ()
    assert monitors.curves.keys() == {"episode_return", "episode_length"}
    # The logger's last word is the mean of the last 100 episodes, as of the last rollout.
    logger = read_run(logged).curves["episode_return"]
    mine = monitors.curves["episode_return"]
    at = np.interp(logger.steps[2:], mine.steps, mine.values)
    np.testing.assert_allclose(at, logger.values[2:], rtol=0.15)
    assert mine.steps[-1] <= 2048


def test_evaluations_tell_what_the_callback_logged(logged, tmp_path):
    evaluations = read_run(only(logged, tmp_path, "evaluations.npz"))
    expected = read_run(logged)
    for metric in ("evaluation_return", "evaluation_length"):
        np.testing.assert_array_equal(evaluations.curves[metric].steps, expected.curves[metric].steps)
        np.testing.assert_allclose(evaluations.curves[metric].values, expected.curves[metric].values, rtol=1e-6)


def test_what_lies_beside_fills_in_what_is_missing(logged, tmp_path):
    folder = only(logged, tmp_path, "monitor.csv", "evaluations.npz")
    rows = (logged / "progress.csv").read_text().splitlines()
    kept = [i for i, name in enumerate(rows[0].split(",")) if not name.startswith(("rollout/", "eval/"))]
    (folder / "progress.csv").write_text("\n".join(",".join(row.split(",")[i] for i in kept) for row in rows))
    run = read_run(folder)
    assert {"approx_kl", "episode_return", "evaluation_return"} <= run.curves.keys()


def test_what_lies_beside_a_run_is_no_run_of_its_own(logged, tmp_path):
    shutil.copytree(logged, tmp_path / "logs/PPO_1")
    for name in ("0.monitor.csv", "evaluations.npz"):
        shutil.copy(logged / name, tmp_path / "logs")
    assert discover([tmp_path / "logs"]) == [tmp_path / "logs/PPO_1"]
    shutil.rmtree(tmp_path / "logs/PPO_1")
    assert discover([tmp_path / "logs"]) == [tmp_path / "logs"]


def test_a_table_is_diagnosed_on_the_command_line(logged, capsys):
    assert command(["diagnose", str(logged / "progress.csv"), "--format", "json"]) in (0, 1, 3)
    (subject,) = json.loads(capsys.readouterr().out)["subjects"]
    assert (subject["path"], subject["framework"], subject["steps"]) == (str(logged), "sb3", 2048)


def table(path, header, rows):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_plain_table_with_our_names_of_metrics(tmp_path):
    rows = [f"{1000 * i},{10 * i},0.0{i % 10},0.1" for i in range(1, 31)]
    path = table(tmp_path / "curves.csv", "step,episode_return,approx_kl,clip_fraction", rows)
    run = read_run(path)
    assert (run.framework, run.findings, run.path) == ("plain", (), str(path))
    assert run.curves["episode_return"].values.tolist() == [10.0 * i for i in range(1, 31)]
    assert run.last_step == 30_000
    report = rldoctor.diagnose(path)
    assert report.subjects[0].kind == "run"
    assert report.subjects[0].path == str(path)


def test_an_exported_table_with_another_frameworks_tags(tmp_path):
    # As Weights & Biases exports a history: its own _step beside the framework's global_step.
    rows = [f"{i},{2048 * i},{-i},0.01" for i in range(1, 20)]
    path = table(tmp_path / "history.csv", "_step,global_step,rollout/ep_rew_mean,train/approx_kl", rows)
    run = read_run(path)
    assert run.framework == "sb3"
    assert run.curves["approx_kl"].steps.tolist() == [2048 * i for i in range(1, 20)]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "LOG103", "has no rows"),
        ("step,approx_kl\n1,2\n2\n3,4\n", "LOG102", "has a row of 1 cells under 2"),
        ("step,approx_kl\n1,2\n2\n", "LOG101", "has a row of 1 cells under 2"),
    ],
)
def test_tables_that_are_damaged(tmp_path, text, code, said):
    path = tmp_path / "progress.csv"
    path.write_text(text)
    (finding,) = read_run(tmp_path).findings
    assert finding.code == code
    assert said in finding.message
    assert "byte" not in finding.message and "event file" not in finding.message and "event" not in finding.name


def test_rows_without_a_step_are_taken_in_their_order(tmp_path):
    rows = [f"{-100 + i},0.01" for i in range(30)]
    run = read_run(table(tmp_path / "log.csv", "episode_return,approx_kl", rows))
    assert run.curves["episode_return"].steps.tolist() == list(range(30))
    assert (run.step_axis, [finding.code for finding in run.findings]) == ("iterations", ["LOG211"])
    assert "global_step" in run.findings[0].remedy


def test_json_lines_whose_first_has_no_step(tmp_path):
    lines = ['{"approx_kl": 9}', *(f'{{"step": {100 * i}, "approx_kl": 0.01}}' for i in range(20))]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    run = read_run(tmp_path / "log.jsonl")
    assert run.curves["approx_kl"].steps.tolist() == [100 * i for i in range(20)]


def test_a_short_row_costs_no_other_row(tmp_path):
    path = table(
        tmp_path / "progress.csv", "\ufefftime/total_timesteps,train/approx_kl", ["1,1", "2", "3,3", "4,4", "5"]
    )
    run = read_run(tmp_path)
    assert path.read_text().startswith("\ufeff")
    assert run.curves["approx_kl"].steps.tolist() == [1, 3, 4]
    assert {finding.code for finding in run.findings} == {"LOG101", "LOG102"}


@pytest.mark.parametrize("name", ["evaluations.npz", "0.monitor.csv", "progress.csv", "progress.json"])
def test_a_pipe_under_a_tables_name_blocks_nothing(tmp_path, name):
    os.mkfifo(tmp_path / name)
    (finding,) = read_run(tmp_path).findings
    assert finding.code == "LOG104"
    assert "not a plain file" in finding.message


def test_damaged_json_lines_keep_what_can_be_read(tmp_path):
    good = [json.dumps({"time/total_timesteps": i, "train/approx_kl": i / 100}) for i in range(1, 6)]
    (tmp_path / "progress.json").write_text("\n".join([*good[:3], "[1, 2", *good[3:], '{"time/total']))
    run = read_run(tmp_path)
    assert run.curves["approx_kl"].steps.tolist() == [1, 2, 3, 4, 5]
    assert {finding.code for finding in run.findings} == {"LOG101", "LOG102", "LOG301"} - (
        {"LOG301"} if not run.unknown_tags else set()
    )


@pytest.mark.parametrize(
    "cells",
    ["nan,1", "-5,1", "1e300,1", "x,1", ",1", "inf,1", "9" * 400 + ",1", "1,x", "1,", "1,=1+1"],
)
def test_cells_that_hold_no_number_are_passed_over(tmp_path, cells):
    table(tmp_path / "progress.csv", "time/total_timesteps,train/approx_kl", ["10,0.5", cells, "30,0.25"])
    run = read_run(tmp_path)
    assert run.curves["approx_kl"].values.tolist() == [0.5, 0.25]


def test_numbers_that_are_not_finite_are_kept(tmp_path):
    table(tmp_path / "progress.csv", "time/total_timesteps,train/approx_kl", ["10,nan", "20,inf", "30,1"])
    assert np.array_equal(read_run(tmp_path).curves["approx_kl"].values, [np.nan, np.inf, 1.0], equal_nan=True)


def test_success_in_monitor_files(tmp_path):
    head = '#{"t_start": 100.0, "env_id": "x"}\nr,l,t,is_success\n'
    (tmp_path / "0.monitor.csv").write_text(head + "1.0,10,1.0,True\n3.0,10,3.0,False\n")
    (tmp_path / "1.monitor.csv").write_text(head + "2.0,20,2.0,True\n")
    run = read_run(tmp_path)
    # In the order in which the episodes ended, whichever environment they were of.
    assert run.curves["episode_return"].steps.tolist() == [10, 30, 40]
    assert run.curves["episode_return"].values.tolist() == [1.0, 1.5, 2.0]
    assert run.curves["success_rate"].values == pytest.approx([1.0, 1.0, 2 / 3])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "LOG103"),
        ("r,l,t\n", "LOG102"),
        ("1,2.5,3\n", "LOG102"),
        ("cpu,memory,time\n1,2,3\n", "LOG102"),
        ('#{"t_start": "x"}\nr,l,t\n', "LOG102"),
        ('#{"t_start": 1}\nr,l,t\n', "LOG103"),
        ('#{"t_start": 1}\na,b,c\n1,2,3\n', "LOG101"),
        ('#{"t_start": ' + "9" * 400 + "}\nr,l,t\n1,2,3\n", "LOG102"),
        ('#{"t_start": 1}\nr,l,t\n1,inf,3\n', "LOG101"),
    ],
)
def test_monitor_files_that_are_damaged(tmp_path, text, code):
    (tmp_path / "monitor.csv").write_text(text)
    run = read_run(tmp_path)
    assert [finding.code for finding in run.findings] == [code]
    assert not run.curves


def test_evaluations_are_not_unpickled(tmp_path):
    class Plants:
        def __reduce__(self):
            return (open, (str(tmp_path / "planted"), "w"))

    np.savez(tmp_path / "evaluations.npz", timesteps=np.array([Plants()], dtype=object), results=np.zeros((1, 1)))
    (finding,) = read_run(tmp_path).findings
    assert finding.code == "LOG102"
    assert not (tmp_path / "planted").exists()


def test_evaluations_that_are_damaged(tmp_path):
    path = tmp_path / "evaluations.npz"
    np.savez(path, timesteps=np.arange(3), results=np.zeros((2, 5)))
    assert "2 evaluations at 3 steps" in read_run(tmp_path).findings[0].message
    np.savez(path, results=np.zeros((2, 5)))
    assert read_run(tmp_path).findings[0].code == "LOG102"
    path.write_bytes(b"no archive")
    assert read_run(tmp_path).findings[0].code == "LOG102"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("timesteps.npy", "w") as member:
        for _ in range(300):
            member.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    assert "claims" in read_run(tmp_path).findings[0].message


def test_recent_mean_as_a_slow_one_has_it():
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    for window in (1, 2, 3, 10):
        slow = [np.mean(values[max(0, i - window + 1) : i + 1]) for i in range(5)]
        assert recent_mean(values, window) == pytest.approx(slow)


def test_nothing_at_all(tmp_path):
    (tmp_path / "notes.csv").write_text("step,approx_kl\n1,2\n")
    # A table somewhere in a folder may be anything; named itself, it is meant.
    with pytest.raises(CannotJudge, match="no run below"):
        rldoctor.diagnose(tmp_path)
    assert read_run(tmp_path / "notes.csv").curves


def test_a_table_in_a_folder_is_pointed_at(tmp_path):
    (tmp_path / "lab").mkdir()
    table(tmp_path / "lab" / "log.csv", "step,episode_return", ["1,2"])
    with pytest.raises(CannotJudge, match="no log of a known format") as caught:
        rldoctor.diagnose(tmp_path)
    assert str(tmp_path / "lab" / "log.csv") in caught.value.cure
