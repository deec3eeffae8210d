"""What a training printed, read back: tables with a frame, lines of libraries, and which texts are runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stable_baselines3.common.logger import configure

from rldoctor.logs import discover, read_run
from rldoctor.logs.discovery import no_run_below
from rldoctor.logs.formats.printed.lines import styles
from rldoctor.logs.frameworks import find_tag_mapping
from tests.logs.printed.texts import DATA, kept, read, returns

ESCAPE = "\x1b[1m"


def sb3_logs(folder: Path, formats: list[str], count: int = 12) -> None:
    """Let Stable-Baselines3's own logger write rows of an off-policy and an on-policy kind."""
    logger = configure(str(folder), formats)
    rng = np.random.default_rng(0)
    for row in range(1, count + 1):
        logger.record("rollout/ep_rew_mean", float(rng.normal(20 * row, 1)))
        logger.record("rollout/ep_len_mean", 200.0)
        logger.record("time/fps", 512)
        logger.record("time/total_timesteps", 2048 * row)
        if row > 1:
            logger.record("train/approx_kl", float(rng.uniform(1e-3, 2e-2)))
            logger.record("train/value_loss", float(rng.uniform(1e3, 1e5)))
            logger.record("train/policy_gradient_loss", -float(rng.uniform(1e-3, 1e-2)))
        logger.dump(row)
    logger.close()


def test_what_stable_baselines3_prints_is_what_it_logs(tmp_path):
    sb3_logs(tmp_path / "a", ["log", "csv"])
    (tmp_path / "b").mkdir()
    (tmp_path / "a/log.txt").rename(tmp_path / "b/log.txt")
    logged, printed = read_run(tmp_path / "a"), read_run(tmp_path / "b")
    assert printed.framework == "sb3"
    assert set(printed.curves) == set(logged.curves) >= {"episode_return", "approx_kl", "value_loss", "policy_loss"}
    for name, curve in logged.curves.items():
        assert printed.curves[name].steps.tolist() == curve.steps.tolist()
        # It prints three digits.
        np.testing.assert_allclose(printed.curves[name].values, curve.values, rtol=6e-3)


def test_the_printed_log_beside_other_logs_is_none_of_its_own(tmp_path):
    sb3_logs(tmp_path / "run", ["log", "csv"])
    kept(tmp_path, "| time/total_timesteps | 100 |", "| rollout/ep_rew_mean | 3 |", "-" * 40, name="nohup.out")
    assert discover([tmp_path]) == [tmp_path / "run"]
    assert discover([tmp_path / "nohup.out"]) == [tmp_path / "nohup.out"]
    assert read_run(tmp_path / "run").curves["episode_return"].values[0] != 3


def test_a_folder_of_printed_logs_is_a_run_for_each(tmp_path):
    for name in ("slurm-1.out", "slurm-2.out"):
        kept(tmp_path, *(f"global_step={10 * i}, episodic_return=[{i}.]" for i in range(1, 6)), name=name)
    kept(tmp_path, "numpy==2.4", "step = 3, and nothing else", name="requirements.txt")
    assert [path.name for path in discover([tmp_path])] == ["slurm-1.out", "slurm-2.out"]


def test_two_trainings_in_one_text_are_told_apart(tmp_path):
    for name in "ab":
        sb3_logs(tmp_path / name, ["log", "csv"])
    text = (tmp_path / "a/log.txt").read_text() + (tmp_path / "b/log.txt").read_text()
    run = read(tmp_path, text)
    assert "LOG201" in {finding.code for finding in run.findings}
    assert len(run.curves["episode_return"]) == 12


def test_two_trainings_in_one_table_are_told_apart(tmp_path):
    file = tmp_path / "metrics.csv"
    rows = [f"{100 * i},{i}.0,0.01" for i in range(1, 9)]
    file.write_text("\n".join(["step,episode_return,approx_kl", *rows, *rows]) + "\n")
    run = read_run(file)
    assert "LOG201" in {finding.code for finding in run.findings}
    assert set(run.curves) == {"episode_return", "approx_kl"}
    assert all(len(curve) == 8 for curve in run.curves.values())


def test_where_no_run_is_found_the_text_is_named(tmp_path):
    kept(tmp_path, "Episode 1: reward = 3.0", "Episode 2: reward = 4.0", name="train.log")
    assert discover([tmp_path]) == []
    assert str(tmp_path / "train.log") in str(no_run_below([tmp_path]).cure)


def test_a_table_among_what_others_print(tmp_path):
    lines = []
    for row in range(1, 4):
        lines += ["-" * 40, "| rollout/             |      |", "UserWarning: something | else"]
        lines += [f"(worker pid=7) |    ep_rew_mean       | {row}e+02 |", "| time/ |   |"]
        lines += [f"{ESCAPE}|    total_timesteps   | {row * 100} |\x1b[0m", "-" * 40, "Saving to best_model"]
    run = read(tmp_path, "Using cpu device", *lines)
    assert (run.framework, returns(run)) == ("sb3", [100, 200, 300])
    assert run.curves["episode_return"].steps.tolist() == [100, 200, 300]


def test_a_table_without_sections(tmp_path):
    rows = [
        ["-" * 39, f"| AverageEpRet | {20.0 * i} |", f"| TotalEnvInteracts | {4000 * i} |", "| KL | 0.01 |", "-" * 39]
        for i in (1, 2)
    ]
    run = read(tmp_path, *(line for row in rows for line in row))
    assert (run.framework, returns(run)) == ("spinup", [20, 40])
    assert run.curves["approx_kl"].steps.tolist() == [4000, 8000]


def test_rsl_rl_prints_what_it_logs():
    """The first twelve iterations of rsl_rl 5.5.1 on Pendulum-v1; its event file holds the numbers below."""
    run = read_run(DATA / "rsl_rl-5.5.log")
    assert (run.framework, run.algorithm, run.step_axis) == ("rsl_rl", "ppo", "iterations")
    assert run.curves["episode_return"].steps.tolist()[0] == 3
    assert returns(run)[0] == pytest.approx(-1135.65332031, abs=0.01)
    assert run.curves["value_loss"].values[:3].tolist() == pytest.approx([1538.0109, 1112.3391, 852.1377], abs=1e-3)
    assert run.curves["std"].values[:2].tolist() == pytest.approx([1.00246072, 0.99145228], abs=6e-3)
    assert run.curves["throughput"].values[:2].tolist() == [959, 990]


def test_rsl_rl_of_earlier_versions_and_terms_of_the_reward(tmp_path):
    lines = []
    for i in range(1, 4):
        lines += ["#" * 80, f"{ESCAPE} Learning iteration {i}/1500 \x1b[0m", ""]
        lines += ["  Computation: 95367 steps/s (collection: 0.9s, learning 0.1s)", "  Value function loss: 0.0123"]
        lines += ["  Mean action noise std: 0.99", f"  Mean reward: {i}.21", "  Mean episode length: 45.00"]
        lines += [f"  Episode_Reward/track_lin_vel_xy_exp: 0.0{i}", "  Mean episode rew_torques: -0.01", "-" * 80]
    run = read(tmp_path, *lines)
    assert (run.framework, returns(run)) == ("rsl_rl", [1.21, 2.21, 3.21])
    assert run.curves["throughput"].values[0] == 95367
    assert run.curves["term/track_lin_vel_xy_exp"].values.tolist() == [0.01, 0.02, 0.03]


def test_ml_agents_with_two_behaviours(tmp_path):
    lines = ["[INFO] Walker. Step: 500. Time Elapsed: 9 s. No episode was completed since last summary. Training."]
    for i in range(1, 4):
        for who, reward in (("Walker", i), ("Crawler", -i)):
            lines.append(
                f"[INFO] {who}. Step: {1000 * i}. Time Elapsed: 1.5 s. Mean Reward: {reward}.000. "
                "Std of Reward: 0.500. Training."
            )
    run = read(tmp_path, *lines)
    assert (run.framework, returns(run)) == ("ml_agents", [1, 2, 3])
    assert run.unknown_tags == ("Crawler: Environment/Cumulative Reward",)


def test_other_libraries(tmp_path):
    run = read(
        tmp_path,
        "[2024-01-01 10:00:00][00123] Fps is (10 sec: 8192.0). Total num frames: 4096. Throughput: 0: 1.0.",
        "[2024-01-01 10:00:00][00123] Avg episode reward: [(0, '4.380')]",
        "[2024-01-01 10:00:05][00123] Fps is (10 sec: 8192.0). Total num frames: 8192. Throughput: 0: 1.0.",
        "[2024-01-01 10:00:05][00123] Avg episode reward: [(0, '5.000')]",
    )
    assert (run.framework, returns(run)) == ("sample_factory", [4.38, 5.0])
    assert run.curves["episode_return"].steps.tolist() == [4096, 8192]
    run = read(
        tmp_path,
        "INFO:pfrl.experiments.train_agent:outdir:results/a step:12 episode:0 R:12.0",
        "INFO:pfrl.experiments.train_agent:statistics:[('average_q', nan), ('average_loss', 0.5), ('n_updates', 3)]",
        "INFO:pfrl.experiments.train_agent:outdir:results/a step:40 episode:1 R:28.0",
    )
    assert (run.framework, returns(run)) == ("pfrl", [12, 28])
    assert run.curves["loss"].values.tolist() == [0.5]
    run = read(tmp_path, *(f"Epoch #{i}: test_reward: {i}.5 ± 0.1, best_reward: 9.0 ± 0.1 in #2" for i in (1, 2)))
    assert run.curves["evaluation_return"].values.tolist() == [1.5, 2.5]


def test_styles_name_tags_that_their_libraries_log():
    for style in styles():
        mapping = find_tag_mapping(style.framework)
        for line in style.lines:
            assert all(mapping.knows(tag) for tag in line.tags.values()), (style.framework, line.tags)
            assert set(line.tags) <= set(line.compiled.groupindex)
