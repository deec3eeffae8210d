"""Monitor files: beside other logs, as people have them, and what they hold."""

from __future__ import annotations

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor, ResultsWriter

import rldoctor
from rldoctor.cli.app import run as command
from rldoctor.logs import discover, read_run
from rldoctor.model import Verdict
from tests.logs.as_people_keep_them import FALLING, HOUR, RISING, monitor, progress


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
