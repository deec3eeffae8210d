"""Which folders and files are runs, and which of their files are of one training."""

from __future__ import annotations

import os

from torch.utils.tensorboard import SummaryWriter

import rldoctor
from rldoctor.logs import discover, read_run
from rldoctor.model import Verdict
from tests.logs.as_people_keep_them import FALLING, HOUR, RISING, monitor


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
