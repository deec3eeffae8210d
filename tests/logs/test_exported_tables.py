"""Tables that other programs write: TensorBoard's own CSV, RLlib's results."""

from __future__ import annotations

import json

import pytest

import rldoctor
from rldoctor.logs import discover, read_run
from rldoctor.model import Verdict
from tests.logs.as_people_keep_them import RISING


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
