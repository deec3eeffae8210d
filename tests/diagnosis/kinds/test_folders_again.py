"""More folders of the kinds that were once read wrongly: cases 09, 18 and 19, and what a report says of each."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from rldoctor import diagnose
from rldoctor.model import RunDiagnosis, Verdict
from tests.diagnosis.kinds.played import (
    RL_GAMES,
    RSL_RL,
    SB3,
    Episodes,
    as_events,
    as_monitor,
    as_progress,
    logged,
    play,
    recent,
    rows,
    through,
)

RISES, FALLS = through(-190, -60, 150, 220, 240), through(-100, -180, -310, -420)


def subjects(folder: Path) -> dict[str, RunDiagnosis]:
    """Return what is said of each run at or below a folder, by its path from there."""
    report = diagnose(folder)
    return {Path(one.path).relative_to(folder).as_posix(): one for one in report.subjects}


def well(**changes: object) -> Episodes:
    return play(RISES, **{"steps": 60_000, **changes})  # type: ignore[arg-type]


def ill(**changes: object) -> Episodes:
    return play(FALLS, **{"steps": 60_000, "lengths": through(100), **changes})  # type: ignore[arg-type]


class TestRunsOfMonitorFilesAlone:
    """A neighbour with other logs must not hide them."""

    def test_beside_event_files_of_another_library(self, tmp_path: Path) -> None:
        as_events(logged(well(), RSL_RL, every=600, steps=60_000), tmp_path / "logs/anymal/2024-01-01_10-00-00")
        as_monitor(ill(), tmp_path / "logs/old/baseline/7.monitor.csv")
        said = subjects(tmp_path)
        assert {name: one.verdict for name, one in said.items()} == {
            "logs/anymal/2024-01-01_10-00-00": Verdict.HEALTHY,
            "logs/old/baseline": Verdict.SICK,
        }

    def test_three_of_them_beside_two_others(self, tmp_path: Path) -> None:
        for number in range(2):
            as_progress(logged(well(seed=number), SB3, every=600, steps=60_000), tmp_path / f"sweep/{number}")
        for number in range(2, 5):
            as_monitor(ill(seed=number), tmp_path / f"sweep/{number}/train/monitor.csv")
        said = subjects(tmp_path / "sweep")
        verdicts = sorted((name[0], one.verdict is Verdict.SICK) for name, one in said.items())
        assert verdicts == [("0", False), ("1", False), ("2", True), ("3", True), ("4", True)]


class TestSeveralTrainingsInOneFolder:
    """Monitor files of different trainings are no parallel environments."""

    def test_an_hour_apart_under_names_of_environments(self, tmp_path: Path) -> None:
        as_monitor(well(), tmp_path / "0.monitor.csv", begun=1_700_000_000)
        as_monitor(ill(), tmp_path / "1.monitor.csv", begun=1_700_004_200)
        verdicts = sorted(one.verdict.value for one in subjects(tmp_path).values())
        assert verdicts == ["healthy", "sick"]

    def test_three_rewards_one_after_the_other(self, tmp_path: Path) -> None:
        for number, scale in enumerate((1.0, 0.01, 30.0)):
            played = well(seed=number)
            scaled = Episodes(played.ends, scale * played.returns, played.lengths)
            as_monitor(scaled, tmp_path / f"reward_{number}.monitor.csv", begun=1_700_000_000 + 5_000 * number)
        said = subjects(tmp_path)
        assert [one.verdict for one in said.values()] == 3 * [Verdict.HEALTHY]

    @pytest.mark.parametrize("environments", [2, 8])
    def test_environments_side_by_side_are_one(self, tmp_path: Path, environments: int) -> None:
        for number in range(environments):
            as_monitor(
                well(environments=1, seed=number), tmp_path / f"{number}.monitor.csv", begun=1_700_000_000 + number
            )
        said = subjects(tmp_path)
        assert [one.verdict for one in said.values()] == [Verdict.HEALTHY]

    def test_a_second_session_appended_is_the_same_training(self, tmp_path: Path) -> None:
        """Monitor(override_existing=False) appends; its t begins at 0 again."""
        played = well(environments=1)
        half = len(played.ends) // 2
        path = as_monitor(
            Episodes(played.ends[:half], played.returns[:half], played.lengths[:half]), tmp_path / "monitor.csv"
        )
        rest = Episodes(played.ends[half:] - played.ends[half - 1], played.returns[half:], played.lengths[half:])
        more = as_monitor(rest, tmp_path / "other" / "monitor.csv").read_text(encoding="utf-8").splitlines()[2:]
        path.write_text(path.read_text(encoding="utf-8") + "\n".join(more) + "\n", encoding="utf-8")
        (tmp_path / "other" / "monitor.csv").unlink()
        (tmp_path / "other").rmdir()
        [said] = subjects(tmp_path).values()
        assert (said.verdict, said.steps) == (Verdict.HEALTHY, int(played.lengths.sum()))


def exported(path: Path, steps: np.ndarray, values: np.ndarray) -> None:
    """Write what TensorBoard's page downloads as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("Wall time", "Step", "Value"))
        for place, (step, value) in enumerate(zip(steps, values, strict=True)):
            writer.writerow((1_700_000_000 + 2.5 * place, int(step), value))


class TestExportsOfTensorBoard:
    """Its own CSV and JSON: one tag a file, the tag in the file's name."""

    @pytest.mark.parametrize(
        "name",
        ["run-PPO_1-tag-rollout_ep_rew_mean.csv", "run-.-tag-rollout_ep_rew_mean.csv", "rollout_ep_rew_mean.csv"],
    )
    @pytest.mark.parametrize(("played", "verdict"), [(well(), Verdict.HEALTHY), (ill(), Verdict.SICK)])
    def test_one_tag_of_a_run(self, tmp_path: Path, name: str, played: Episodes, verdict: Verdict) -> None:
        at, gained, _ = recent(played, rows(60_000, 1200))
        exported(tmp_path / name, at, gained)
        [said] = diagnose(tmp_path / name).subjects
        assert said.verdict is verdict

    def test_two_runs_in_one_folder_are_two(self, tmp_path: Path) -> None:
        for name, played in (("PPO_1", well()), ("PPO_2", ill())):
            at, gained, took = recent(played, rows(60_000, 1200))
            exported(tmp_path / f"run-{name}-tag-rollout_ep_rew_mean.csv", at, gained)
            exported(tmp_path / f"run-{name}-tag-rollout_ep_len_mean.csv", at, took)
        verdicts = sorted(one.verdict.value for one in diagnose(tmp_path).subjects)
        assert verdicts == ["healthy", "sick"]

    def test_of_rl_games(self, tmp_path: Path) -> None:
        for tag, (steps, values) in logged(well(), RL_GAMES, every=600, steps=60_000).items():
            exported(tmp_path / f"run-Ant-tag-{tag.replace('/', '_')}.csv", steps, values)
        [said] = diagnose(tmp_path).subjects
        assert said.verdict is Verdict.HEALTHY

    def test_as_json(self, tmp_path: Path) -> None:
        at, gained, _ = recent(ill(), rows(60_000, 1200))
        points = [[1_700_000_000.5 + i, int(s), float(v)] for i, (s, v) in enumerate(zip(at, gained, strict=True))]
        (tmp_path / "run-PPO_1-tag-rollout_ep_rew_mean.json").write_text(json.dumps(points), encoding="utf-8")
        [said] = diagnose(tmp_path).subjects
        assert said.verdict is Verdict.SICK


class TestValuesThatCannotBe:
    """Case 15: the unit is named where it is plain, and the run is judged by the rest."""

    @pytest.mark.parametrize(
        ("metric", "factor"),
        [("clip_fraction", 100.0), ("clip_fraction", 32.0), ("explained_variance", 100.0), ("approx_kl", -64.0)],
    )
    @pytest.mark.parametrize("library", ["events", "progress"])
    def test_a_metric_in_another_unit(self, tmp_path: Path, metric: str, factor: float, library: str) -> None:
        table = logged(well(), SB3, every=600, steps=60_000)
        steps, values = table[SB3[metric]]
        table[SB3[metric]] = steps, factor * values
        (as_events if library == "events" else as_progress)(table, tmp_path / "run")
        [said] = subjects(tmp_path).values()
        assert said.verdict is Verdict.HEALTHY, said.summary
        aside = [found for found in said.findings if found.code == "LOG203"]
        assert [metric in found.message for found in aside] == [True]
        assert not [found for found in said.findings if found.code.startswith(("UPD", "VAL"))]

    @pytest.mark.parametrize("last", [88.0, 100.0, 47.0])
    def test_a_success_rate_in_per_cent_is_read_as_such(self, tmp_path: Path, last: float) -> None:
        table: Mapping[str, tuple[np.ndarray, np.ndarray]] = logged(well(), SB3, every=600, steps=60_000)
        steps = table[SB3["return"]][0]
        share = np.interp(steps, (0, 30_000, 60_000), (0.0, 0.4 * last, last))
        as_events({**table, "rollout/success_rate": (steps, share)}, tmp_path / "run")
        [said] = subjects(tmp_path).values()
        assert said.verdict is Verdict.HEALTHY, said.summary
        of_logs = [found.message for found in said.findings if found.code.startswith("LOG")]
        assert any("%" in message or "per cent" in message for message in of_logs)


class TestWhatWritersLeaveBesideRuns:
    """Kind 11: what belongs to a run is none of its own, and what only looks broken is read."""

    @pytest.mark.parametrize("runs", [1, 3])
    def test_settings_that_were_written_above_the_runs(self, tmp_path: Path, runs: int) -> None:
        """SummaryWriter(root).add_hparams() leaves a file without a point in root, and the settings below it."""
        for number in range(runs):
            as_events(logged(well(seed=number), SB3, every=600, steps=60_000), tmp_path / f"run{number}")
        as_events({}, tmp_path)
        point = (np.array([0.0]), np.array([1.0]))
        as_events({"_hparams_/session_start_info": point, "hparam/score": point}, tmp_path / "1700000600.1")
        report = diagnose(tmp_path)
        assert [Path(one.path).name for one in report.subjects] == [f"run{number}" for number in range(runs)]
        assert report.exit_code == 0

    def test_a_file_without_a_point_alone_is_a_run_without_points(self, tmp_path: Path) -> None:
        as_events({}, tmp_path)
        [said] = diagnose(tmp_path).subjects
        assert said.verdict is Verdict.UNJUDGED

    @pytest.mark.parametrize("kept", [0, 1, 2], ids=["both header lines", "the columns", "none"])
    @pytest.mark.parametrize("second", [well, ill])
    def test_monitor_files_put_one_behind_the_other(self, tmp_path: Path, kept: int, second: object) -> None:
        first = as_monitor(well(environments=1), tmp_path / "monitor.csv")
        more = as_monitor(second(environments=1, seed=3), tmp_path / "other/m.csv", begun=1_700_100_000)  # type: ignore[operator]
        lines = more.read_text(encoding="utf-8").splitlines(keepends=True)[kept:]
        first.write_text(first.read_text(encoding="utf-8") + "".join(lines), encoding="utf-8")
        [said] = subjects(tmp_path).values()
        assert [found.code for found in said.findings if found.code == "LOG102"] == []
        assert (said.steps, said.verdict is Verdict.SICK) == (120_000, second is ill)

    @pytest.mark.parametrize(
        "name", ["run_PPO_1-tag-{}.csv", "run_.-tag-{}.csv", "run_PPO_1,tag_{}.csv", "PPO_1-tag-{}.csv"]
    )
    def test_exports_of_earlier_tensorboards(self, tmp_path: Path, name: str) -> None:
        for tag, (steps, values) in logged(ill(), SB3, every=600, steps=60_000).items():
            exported(tmp_path / name.format(tag.replace("/", "_")), steps, values)
        [said] = diagnose(tmp_path).subjects
        assert (said.verdict, said.diagnoses[0].name) == (Verdict.SICK, "update-direction-wrong")

    @pytest.mark.parametrize("empty", [1, 4, 20])
    @pytest.mark.parametrize("form", ["csv", "json"])
    def test_means_before_the_first_episode_are_no_fault(self, tmp_path: Path, form: str, empty: int) -> None:
        """RLlib writes NaN until an episode has ended."""
        at, gained, took = recent(well(), rows(60_000, 600))
        gained[:empty] = took[:empty] = np.nan
        found = [
            {
                "training_iteration": place + 1,
                "timesteps_total": int(step),
                "episode_reward_mean": g,
                "episode_len_mean": t,
            }
            for place, (step, g, t) in enumerate(zip(at, gained.tolist(), took.tolist(), strict=True))
        ]
        if form == "json":
            text = "".join(json.dumps(row) + "\n" for row in found)
            (tmp_path / "result.json").write_text(text, encoding="utf-8")
        else:
            with (tmp_path / "progress.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(found[0]))
                writer.writeheader()
                writer.writerows(found)
        [said] = subjects(tmp_path).values()
        assert (said.framework, said.verdict) == ("rllib", Verdict.HEALTHY), said.summary
        assert "NUM101" not in [found.code for found in said.findings]

    def test_nan_that_comes_later_is(self, tmp_path: Path) -> None:
        table = logged(well(), SB3, every=600, steps=60_000)
        table[SB3["return"]][1][40:] = np.nan
        as_progress(table, tmp_path)
        [said] = subjects(tmp_path).values()
        assert said.verdict is not Verdict.HEALTHY and "NUM101" in [found.code for found in said.findings]
