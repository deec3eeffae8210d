"""Which folders and files are runs, and which of their files are of one training."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor, ResultsWriter
from torch.utils.tensorboard import SummaryWriter

import rldoctor
from rldoctor.cli.app import run as command
from rldoctor.logs import discover, read_run
from rldoctor.model import Verdict

HOUR = 3600.0


def monitor(path, returns, begun=1.7e9, length=10, seconds=1.0, header=True, extra=()):
    """Write a monitor file of episodes that end every ``seconds``; ``extra`` is a fourth column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{value},{length},{seconds * (i + 1):.6f}" for i, value in enumerate(returns)]
    rows = [f"{row},{cell}" for row, cell in zip(rows, extra, strict=True)] if extra else rows
    head = [f'#{{"t_start": {begun}, "env_id": "None"}}', "r,l,t" + (",is_success" if extra else "")]
    path.write_text("\n".join([*(head if header else []), *rows]) + "\n")
    return path


def progress(folder, returns):
    folder.mkdir(parents=True)
    rows = [f"{2048 * (i + 1)},{value}" for i, value in enumerate(returns)]
    (folder / "progress.csv").write_text("\n".join(["time/total_timesteps,rollout/ep_rew_mean", *rows]) + "\n")


RISING, FALLING = np.linspace(-100, -10, 400), np.linspace(-100, -400, 400)


class TestMonitorFilesBesideOtherRuns:
    def test_a_run_of_monitor_files_alone_is_judged_beside_one_with_a_table(self, tmp_path, capsys):
        progress(tmp_path / "runs/a", RISING[::10])
        monitor(tmp_path / "runs/b/0.monitor.csv", FALLING)
        report = rldoctor.diagnose(tmp_path / "runs")
        verdicts = {subject.path.rsplit("/", 1)[1]: subject.verdict for subject in report.subjects}
        assert verdicts.keys() == {"a", "b"}
        assert verdicts["b"] is Verdict.SICK
        assert command(["diagnose", str(tmp_path / "runs")]) == 1
        assert "return-falls" in capsys.readouterr().out

    def test_it_is_found_beside_event_files_at_any_depth(self, tmp_path, make):
        make.curve(tmp_path / "tb/PPO_1", range(0, 1000, 100))
        monitor(tmp_path / "other/deep/monitor.csv", FALLING)
        assert discover([tmp_path]) == [tmp_path / "other/deep", tmp_path / "tb/PPO_1"]

    def test_monitor_files_above_or_below_a_run_belong_to_it(self, tmp_path, make):
        make.curve(tmp_path / "logs/PPO_1", range(0, 1000, 100), begun=1_700_000_001)
        monitor(tmp_path / "logs/0.monitor.csv", RISING)
        monitor(tmp_path / "logs/PPO_1/monitors/0.monitor.csv", RISING)
        assert discover([tmp_path]) == [tmp_path / "logs/PPO_1"]

    def test_monitor_files_above_or_below_a_run_of_another_day_do_not(self, tmp_path, make):
        make.curve(tmp_path / "logs/PPO_1", range(0, 1000, 100), begun=1_700_000_001)
        monitor(tmp_path / "logs/0.monitor.csv", FALLING, 1.7e9 - 24 * HOUR)
        monitor(tmp_path / "logs/PPO_1/more/0.monitor.csv", FALLING, 1.7e9 + 24 * HOUR)
        assert discover([tmp_path]) == [tmp_path / "logs", tmp_path / "logs/PPO_1", tmp_path / "logs/PPO_1/more"]

    def test_tables_do_not_tell_the_time_so_that_monitor_files_above_them_belong_to_them(self, tmp_path):
        progress(tmp_path / "logs/a", RISING[::10])
        monitor(tmp_path / "logs/0.monitor.csv", RISING)
        assert discover([tmp_path]) == [tmp_path / "logs/a"]

    def test_a_folder_of_evaluations_is_no_run_beside_others(self, tmp_path, make):
        make.curve(tmp_path / "PPO_1", range(0, 1000, 100))
        (tmp_path / "eval").mkdir()
        np.savez(tmp_path / "eval/evaluations.npz", timesteps=np.arange(3), results=np.zeros((3, 5)))
        assert discover([tmp_path]) == [tmp_path / "PPO_1"]

    def test_names_that_only_begin_alike_are_not_above_each_other(self, tmp_path, make):
        make.curve(tmp_path / "run-1", range(0, 1000, 100))
        monitor(tmp_path / "run/monitor.csv", RISING)
        assert discover([tmp_path]) == [tmp_path / "run", tmp_path / "run-1"]


class TestSeveralTrainingsInOneFolder:
    def test_two_rewards_one_after_the_other_are_judged_apart(self, tmp_path):
        plain = monitor(tmp_path / "plain_monitor.csv", FALLING)
        shaped = monitor(tmp_path / "shaped_monitor.csv", RISING, 1.7e9 + HOUR)
        assert discover([tmp_path]) == [plain, shaped]
        report = rldoctor.diagnose(tmp_path)
        assert [subject.path for subject in report.subjects] == [str(plain), str(shaped)]
        assert report.subjects[0].verdict is Verdict.SICK
        assert report.subjects[1].verdict is not Verdict.SICK
        assert read_run(shaped).curves["episode_return"].steps[-1] == 4000
        assert discover([shaped]) == [shaped]

    def test_the_same_names_an_hour_later_are_another_training(self, tmp_path):
        for rank in range(4):
            monitor(tmp_path / f"{rank}.monitor.csv", RISING[:100], 1.7e9 + rank / 10 + HOUR * (rank >= 2))
        assert discover([tmp_path]) == [tmp_path / "0.monitor.csv", tmp_path / "2.monitor.csv"]
        assert read_run(tmp_path / "2.monitor.csv").curves["episode_return"].steps[-1] == 2 * 100 * 10

    def test_two_trainings_at_the_same_time_are_told_apart_by_their_names(self, tmp_path):
        for name in ("seed_1_monitor.csv", "seed_2_monitor.csv", "eval.monitor.csv"):
            monitor(tmp_path / name, RISING)
        assert len(discover([tmp_path])) == 3

    def test_parallel_environments_are_one_training(self, tmp_path):
        for rank in range(12):
            monitor(tmp_path / f"{rank}.monitor.csv", RISING[:50], 1.7e9 + rank / 10)
        monitor(tmp_path / "12.monitor.csv", [], 1.7e9 + 1.2)
        assert discover([tmp_path]) == [tmp_path]
        assert discover([tmp_path / "3.monitor.csv"]) == [tmp_path]
        assert read_run(tmp_path).curves["episode_return"].steps[-1] == 12 * 50 * 10

    def test_a_folder_that_is_read_as_one_run_says_that_it_is_not(self, tmp_path):
        monitor(tmp_path / "plain_monitor.csv", FALLING)
        monitor(tmp_path / "shaped_monitor.csv", RISING, 1.7e9 + HOUR)
        run = read_run(tmp_path)
        assert [finding.code for finding in run.findings] == ["LOG201"]
        assert run.curves["episode_return"].values[-1] > -100

    def test_event_files_are_joined_by_their_own_training_alone(self, tmp_path, make):
        make.curve(tmp_path, range(0, 4000, 100), begun=1_700_003_600, tags=["train/approx_kl"])
        monitor(tmp_path / "0.monitor.csv", FALLING)
        monitor(tmp_path / "1.monitor.csv", RISING, 1.7e9 + HOUR - 2)
        monitor(tmp_path / "eval.monitor.csv", FALLING * 9, 1.7e9 + HOUR - 2)
        run = read_run(tmp_path)
        assert (run.findings, run.curves.keys()) == ((), {"approx_kl", "episode_return", "episode_length"})
        assert run.curves["episode_return"].values[-1] > -60


class TestMonitorFilesAsPeopleHaveThem:
    def test_a_second_session_continues_behind_the_first(self, tmp_path):
        path = monitor(tmp_path / "monitor.csv", range(200))
        with path.open("a") as file:
            file.writelines(f"{200 + i},10,{i + 0.5}\n" for i in range(200))
        run = read_run(tmp_path)
        assert run.findings == ()
        assert (np.diff(run.curves["episode_return"].values) > 0).all()

    def test_sessions_of_parallel_environments_follow_each_other(self, tmp_path):
        for rank in range(3):
            path = monitor(tmp_path / f"{rank}.monitor.csv", range(100), 1.7e9 + rank, seconds=1.0 + rank / 9)
            with path.open("a") as file:
                file.writelines(f"{100 + i},10,{i + 0.5}\n" for i in range(100))
        curve = read_run(tmp_path).curves["episode_return"]
        assert curve.values[:300].max() < 100 < curve.values[400:].min()
        assert curve.steps[-1] == 6000

    def test_what_stable_baselines3_itself_appends(self, tmp_path):
        for session in range(2):
            for first in (True, False):
                header = {"t_start": 1.7e9, "env_id": "x"}
                name = str(tmp_path / ("a" if first else "b") / Monitor.EXT)
                (tmp_path / ("a" if first else "b")).mkdir(exist_ok=True)
                # The second folder never gets a header.
                writer = ResultsWriter(name, header, override_existing=first and not session)
                for i in range(50):
                    writer.write_row({"r": 50.0 * session + i, "l": 10, "t": i + 0.25})
                writer.close()
        for folder in "ab":
            run = read_run(tmp_path / folder)
            assert run.findings == ()
            assert run.curves["episode_return"].steps[-1] == 1000
            assert (np.diff(run.curves["episode_return"].values) > 0).all()

    @pytest.mark.parametrize("text", ["r,l,t\n1,10,2\n3,10,3\n", "1,10,2\n3,10,3\n", "1,10,2,x\n3,10,3,y\n"])
    def test_files_without_a_header_are_read(self, tmp_path, text):
        (tmp_path / "monitor.csv").write_text(text)
        run = read_run(tmp_path)
        assert (run.findings, run.curves["episode_return"].values.tolist()) == ((), [1.0, 2.0])

    @pytest.mark.parametrize("words", [("1.0", "0.0"), ("True", "False"), ("1", "0"), ("true", "false")])
    @pytest.mark.parametrize("header", [True, False])
    def test_success_in_whatever_way_it_was_written(self, tmp_path, words, header):
        monitor(tmp_path / "monitor.csv", [1, 2, 3, 4], extra=[words[0], words[1]] * 2, header=header)
        assert read_run(tmp_path).curves["success_rate"].values.tolist() == [1, 1 / 2, 2 / 3, 1 / 2]

    def test_success_that_is_no_truth_value_is_none(self, tmp_path):
        monitor(tmp_path / "monitor.csv", [1, 2], extra=["0.5", "1"])
        assert "success_rate" not in read_run(tmp_path).curves


def exported(path, values, begun=1.7e9, every=2048):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{begun + 40 * i},{every * (i + 1)},{value}" for i, value in enumerate(values)]
    path.write_text("\n".join(["Wall time,Step,Value", *rows]) + "\n")
    return path


class TestTensorBoardsOwnCsv:
    def test_a_folder_of_tags_is_one_run(self, tmp_path):
        first = exported(tmp_path / "rollout-ep_rew_mean.csv", RISING[::10])
        exported(tmp_path / "train-approx_kl.csv", [0.01] * 40)
        run = read_run(tmp_path)
        assert (run.framework, run.findings) == ("sb3", ())
        assert run.curves.keys() == {"episode_return", "approx_kl"}
        assert run.last_step == 40 * 2048
        assert discover([tmp_path]) == [tmp_path] == discover([first])
        assert rldoctor.diagnose(first).subjects[0].verdict is not Verdict.UNJUDGED

    @pytest.mark.parametrize(
        ("name", "framework", "metric"),
        [
            ("run-PPO_1-tag-rollout_ep_rew_mean.csv", "sb3", "episode_return"),
            ("run-.-tag-train_explained_variance (1).csv", "sb3", "explained_variance"),
            ("run-a-tag-b_2-tag-charts_episodic_return.csv", "cleanrl", "episode_return"),
            ("run-x-tag-Reward _ Total reward (mean).csv", "skrl", "episode_return"),
            ("ray_tune_env_runners_episode_return_mean.csv", "rllib", "episode_return"),
            ("clip_fraction.csv", "plain", "clip_fraction"),
        ],
    )
    def test_the_tag_is_told_from_the_name(self, tmp_path, name, framework, metric):
        exported(tmp_path / name, range(1, 30))
        run = read_run(tmp_path)
        assert (run.framework, list(run.curves)) == (framework, [metric])

    def test_a_name_that_is_no_tag_is_an_unknown_one(self, tmp_path):
        exported(tmp_path / "my best run.csv", range(1, 30))
        run = read_run(tmp_path)
        assert (run.curves, run.unknown_tags) == ({}, ("my best run",))
        assert "Value" not in run.findings[0].message

    def test_runs_are_told_apart_by_the_default_name(self, tmp_path):
        for name in ("PPO_1", "PPO_2"):
            for tag in ("rollout_ep_rew_mean", "train_approx_kl"):
                exported(tmp_path / f"run-{name}-tag-{tag}.csv", range(1, 30))
        found = discover([tmp_path])
        assert found == [tmp_path / f"run-PPO_{n}-tag-rollout_ep_rew_mean.csv" for n in (1, 2)]
        assert [read_run(path).curves.keys() for path in found] == [{"episode_return", "approx_kl"}] * 2

    def test_other_tables_beside_it_are_none(self, tmp_path):
        exported(tmp_path / "rollout_ep_rew_mean.csv", range(1, 30))
        other = tmp_path / "notes.csv"
        other.write_text("step,approx_kl\n" + "".join(f"{i},0.1\n" for i in range(9)))
        assert read_run(tmp_path).curves.keys() == {"episode_return"}
        assert discover([other]) == [other]
        assert read_run(other).curves.keys() == {"approx_kl"}

    def test_half_a_row_at_the_end(self, tmp_path):
        path = exported(tmp_path / "train_approx_kl.csv", range(1, 30))
        path.write_text("\ufeff" + path.read_text() + "170000")
        run = read_run(tmp_path)
        assert len(run.curves["approx_kl"]) == 29
        assert [finding.code for finding in run.findings] == ["LOG101"]


class TestWhatIsNoRunOfItsOwn:
    def test_what_add_hparams_writes(self, tmp_path):
        writer = SummaryWriter(str(tmp_path / "run"))
        for step in range(0, 1000, 100):
            writer.add_scalar("charts/episodic_return", step, step)
        writer.add_hparams({"lr": 3e-4}, {"hparam/return": 900.0})
        writer.add_hparams({"lr": 3e-4}, {"hparam/return": 900.0}, run_name="mine")
        writer.close()
        assert len(list(tmp_path.rglob("*tfevents*"))) == 3
        assert discover([tmp_path]) == [tmp_path / "run"]

    def test_a_run_below_a_run_that_logs_its_settings_is_one(self, tmp_path):
        for name in ("run", "run/below"):
            writer = SummaryWriter(str(tmp_path / name))
            writer.add_hparams({"lr": 3e-4}, {"hparam/return": 900.0}, run_name=".")
            for step in range(0, 1000, 100):
                writer.add_scalar("charts/episodic_return", step, step)
            writer.close()
        assert discover([tmp_path]) == [tmp_path / "run", tmp_path / "run/below"]

    def test_links_to_the_logs_of_another_run(self, tmp_path, make):
        log = make.curve(tmp_path / "runs/b", range(0, 1000, 100))
        (tmp_path / "runs/a").mkdir()
        (tmp_path / "runs/a" / log.name).symlink_to(log)
        (tmp_path / "runs/latest").symlink_to(tmp_path / "runs/b")
        assert discover([tmp_path]) == [tmp_path / "runs/b"]
        assert discover([tmp_path / "runs/latest", tmp_path / "runs"]) == [tmp_path / "runs/latest"]
        assert discover([tmp_path / "runs/a"]) == [tmp_path / "runs/a"]

    def test_a_copy_of_hard_links_is_a_run_of_its_own(self, tmp_path, make):
        log = make.curve(tmp_path / "runs/b", range(0, 1000, 100))
        (tmp_path / "runs/c").mkdir()
        os.link(log, tmp_path / "runs/c" / log.name)
        assert discover([tmp_path]) == [tmp_path / "runs/b", tmp_path / "runs/c"]

    def test_links_in_one_folder_are_read_once(self, tmp_path):
        file = monitor(tmp_path / "0.monitor.csv", RISING)
        (tmp_path / "1.monitor.csv").symlink_to(file)
        assert read_run(tmp_path).curves["episode_return"].steps[-1] == 4000

    def test_broken_links_are_reported(self, tmp_path):
        (tmp_path / "events.out.tfevents.1.x").symlink_to(tmp_path / "gone")
        assert discover([tmp_path]) == [tmp_path]
        assert [finding.code for finding in read_run(tmp_path).findings] == ["LOG104"]


class TestStepsThatAreAllZero:
    def test_points_are_taken_in_their_order_and_it_is_said(self, tmp_path):
        writer = SummaryWriter(str(tmp_path))
        for value in range(50):
            writer.add_scalar("charts/episodic_return", value)
            writer.add_scalar("losses/approx_kl", 0.01)
        writer.close()
        run = read_run(tmp_path)
        assert run.curves["episode_return"].values[-1] > 40
        assert (run.last_step, run.step_axis) == (49, "iterations")
        assert [finding.code for finding in run.findings] == ["LOG211"]
        assert "100 points are at step 0" in run.findings[0].message

    def test_in_several_files_and_in_a_table(self, tmp_path, make):
        for begun in (1000, 2000):
            make.curve(tmp_path / "events", [0] * 20, begun=begun)
        assert read_run(tmp_path / "events").last_step == 39
        rows = "".join(f"0,{i}\n" for i in range(20))
        (tmp_path / "x.csv").write_text("step,episode_return\n" + rows)
        assert read_run(tmp_path / "x.csv").curves["episode_return"].values.tolist() == list(range(20))

    def test_one_point_or_one_step_is_enough_to_leave_them_alone(self, tmp_path, make):
        make.curve(tmp_path / "a", [0])
        make.curve(tmp_path / "b", [0, 0, 5])
        for name, points in (("a", 1), ("b", 2)):
            run = read_run(tmp_path / name)
            assert len(run.curves["episode_return"]) == points
            assert "LOG211" not in [finding.code for finding in run.findings]


def result(i, prefix=None):
    """Return a result of RLlib's new API stack as Ray Tune's JSON logger writes it."""
    row = {
        "env_runners": {"episode_return_mean": float(i), "episode_len_mean": 10.0, "num_episodes": 3},
        "learners": {"default_policy": {"mean_kl_loss": 0.01, "entropy": 1.0, "vf_explained_var": 0.5}},
        "num_env_steps_sampled_lifetime": 4000 * i,
        "training_iteration": i,
        "timestamp": 1_700_000_000 + i,
        "pid": 7,
        "config": {"lr": 3e-4, "train_batch_size": 4000},
        "date": "today",
    }
    if i == 1:
        del row["env_runners"]["episode_return_mean"]
    return row


class TestRllibsTables:
    def test_nested_results_are_read_at_environment_steps(self, tmp_path):
        (tmp_path / "result.json").write_text("".join(json.dumps(result(i)) + "\n" for i in range(1, 31)))
        assert discover([tmp_path]) == [tmp_path]
        for run in (read_run(tmp_path), read_run(tmp_path / "result.json")):
            assert (run.framework, run.algorithm, run.findings) == ("rllib", "ppo", ())
            assert run.curves["episode_return"].values.tolist() == list(range(2, 31))
            assert (run.last_step, run.step_axis) == (120_000, "env_steps")
            assert {"approx_kl", "entropy", "explained_variance", "episode_length"} <= run.curves.keys()
            assert not any("config" in tag or "pid" in tag for tag in run.unknown_tags)

    def test_the_old_api_stack(self, tmp_path):
        rows = [
            {
                "episode_reward_mean": float(i),
                "info": {"learner": {"default_policy": {"learner_stats": {"kl": 0.01, "entropy": 1.0}}}},
                "timesteps_total": 4000 * i,
                "training_iteration": i,
            }
            for i in range(1, 31)
        ]
        (tmp_path / "result.json").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"episode_rew')
        run = read_run(tmp_path)
        assert (run.framework, run.last_step) == ("rllib", 120_000)
        assert {"episode_return", "approx_kl", "entropy"} <= run.curves.keys()
        assert [finding.code for finding in run.findings] == ["LOG101"]

    def test_progress_csv_is_read_and_result_json_comes_first(self, tmp_path):
        header = "env_runners/episode_len_mean,learners/default_policy/mean_kl_loss,learners/default_policy/vf_loss,"
        header += "num_env_steps_sampled_lifetime,training_iteration,config/lr,hostname"
        rows = [f"10.0,0.01,{1 / i},{4000 * i},{i},0.0003,here" for i in range(1, 31)]
        (tmp_path / "progress.csv").write_text("\n".join([header, *rows]) + "\n")
        run = read_run(tmp_path)
        assert (run.framework, run.findings, run.last_step) == ("rllib", (), 120_000)
        assert run.curves.keys() == {"episode_length", "approx_kl", "value_loss"}
        (tmp_path / "result.json").write_text("".join(json.dumps(result(i)) + "\n" for i in range(1, 31)))
        assert "episode_return" in read_run(tmp_path).curves

    def test_another_result_json_is_no_run(self, tmp_path):
        (tmp_path / "result.json").write_text('{"accuracy": 1}\n')
        assert discover([tmp_path]) == []

    def test_objects_nested_beyond_reason(self, tmp_path):
        deep = '{"a":' * 900 + "1" + "}" * 900
        (tmp_path / "x.jsonl").write_text(f'{{"step": 1, "approx_kl": 0.1, "b": {deep}}}\n')
        assert len(read_run(tmp_path / "x.jsonl").curves["approx_kl"]) == 1


class TestWhatMonitorFilesHold:
    @pytest.mark.parametrize("content", ["", "\n\n", '#{"t_start": 1.0, "env_id": "x"}\nr,l,t\n'])
    def test_a_file_without_an_episode_is_empty_and_not_too_short(self, content, tmp_path):
        (tmp_path / "monitor.csv").write_text(content)
        (said,) = rldoctor.diagnose(tmp_path).subjects
        assert [finding.name for finding in said.findings] == ["empty-log-file"]
        assert said.summary == "The logs hold no point yet: there is nothing to judge."
        assert said.cause.remedy.startswith("Let the training log something first")

    @pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
    def test_a_return_that_is_no_number_is_a_fault_of_the_training(self, odd, tmp_path):
        returns = RISING.copy()
        returns[120:140] = odd
        monitor(tmp_path / "monitor.csv", returns)
        (said,) = rldoctor.diagnose(tmp_path).subjects
        assert "non-finite-values" in [cause.name for cause in said.diagnoses[:1]]
        assert not [finding for finding in said.findings if finding.code == "LOG102"]

    @pytest.mark.parametrize(("reached", "per_cent"), [("100", True), ("100.0", True), ("1", False), ("true", False)])
    def test_success_in_per_cent_is_read_and_told(self, reached, per_cent, tmp_path):
        monitor(tmp_path / "monitor.csv", RISING, extra=["0", reached] * 200)
        (said,) = rldoctor.diagnose(tmp_path).subjects
        told = [finding.message for finding in said.findings if finding.code == "LOG203"]
        assert [("per cent" in message) for message in told] == [True] * per_cent
        [seen] = [row.seen for row in said.table if row.metric == "success_rate"]
        assert (seen == "set aside") is per_cent and seen != "not logged"
