"""What a training printed, read back: tables with a frame, lines of libraries, and lines of loops of one's own."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3.common.logger import configure

from rldoctor.cli.app import run as command
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import UsageError
from rldoctor.logs import discover, read_run
from rldoctor.logs.discovery import no_run_below
from rldoctor.logs.formats.printed.lines import styles
from rldoctor.logs.frameworks import find_tag_mapping
from rldoctor.model import Run, Verdict

DATA = Path(__file__).parents[1] / "data" / "printed"
ESCAPE = "\x1b[1m"


def kept(place: Path, *lines: str, name: str = "train.log") -> Path:
    file = place / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def read(place: Path, *lines: str) -> Run:
    return read_run(kept(place, *lines))


def returns(run: Run) -> list[float]:
    return run.curves["episode_return"].values.tolist()


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


def test_what_is_piped_in(tmp_path, monkeypatch, capsys):
    text = "\n".join([*EPISODES, *NAN]).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert command(["diagnose", "-", "--quiet"]) == 1
    assert capsys.readouterr().out.startswith("sick  -  ")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no numbers")))
    assert command(["diagnose", "-", "--quiet"]) == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert command(["diagnose", "-", "--quiet"]) == 2
    assert "Nothing was piped in" in capsys.readouterr().err
    for binary in (gzip.compress(text), bytes(range(256))):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(binary)))
        assert command(["diagnose", "-", "--quiet"]) == 2
        said = capsys.readouterr().err
        assert "What was piped in is no text." in said and "standard-input" not in said
    assert command(["diagnose", "-", "--cache"]) == 2
    assert "Leave out --parquet, --cache" in capsys.readouterr().err


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


LOOPS = {
    "episode: {i}/300, score: {value}, e: 0.9": "episode_return",
    "\rEpisode {i}\tAverage Score: {value}": "episode_return",
    "Episode {i}\tLast reward: 7.00\tAverage reward: {value}": "episode_return",
    "[TRAINING] Step: {step} / 8000000  |  Reward: {value}  |  Loss: 0.200": "episode_return",
    "2024-01-01 12:00:07,123 - INFO - iter {i} | ep_reward_mean: {value} | policy_loss=-0.01": "episode_return",
    "Ep {i} Return {value} Length 200 eps 0.95": "episode_return",
    "step={step:,} eval_reward=[{value}] best=900": "evaluation_return",
    "{{'loss': 0.1, 'episode': {i}, 'mean_return': {value}}}": "episode_return",
    '{{"global_step": {step}, "win_rate": {value}}}': "success_rate",
    "Update {i}, KL {value}, Total reward 3": "approx_kl",
    "episode {i} score {value} avg loss -3.5": "episode_return",
    "Episode {i} | Avg Reward (last 10): {value} | Score: 0": "episode_return",
    "episode: {i}, episode steps: 9, episode reward: {value}, mean reward: 1.0 [1.0, 1.0]": "episode_return",
    "Step: {step} | Avg Score (100): {value} | Epsilon: 0.9": "episode_return",
    "Episode：{i}，Reward：{value}": "episode_return",
    "Ep {i}: the average episode reward is {value} now": "episode_return",
}


@pytest.mark.parametrize("line", LOOPS)
def test_the_lines_of_a_loop_of_ones_own(tmp_path, line):
    values = [0.25, 0.5, 0.75, 0.5]
    lines = [line.format(i=i, step=1000 * i, value=value) for i, value in enumerate(values, 1)]
    run = read(tmp_path, "Loading model from a/b, version = 3", *lines, "Done in 3 minutes: 4 episodes")
    assert run.curves[LOOPS[line]].values.tolist() == values
    steps = run.curves[LOOPS[line]].steps.tolist()
    assert steps == ([1000, 2000, 3000, 4000] if "{step" in line else [1, 2, 3, 4])


def test_steps_that_go_up_and_down_are_the_length_of_an_episode(tmp_path):
    run = read(tmp_path, *(f"Episode {i}: reward = {i}.0, steps = {length}" for i, length in enumerate((9, 7, 12, 3))))
    assert run.curves["episode_length"].values.tolist() == [9, 7, 12, 3]
    assert run.step_axis == "episodes"


def test_negative_returns_are_read_without_a_colon(tmp_path):
    values = [-123.5, -60.0, 10.0, -5.25]
    lines = [f"{i}: done 3 games, reward {value}, eps 0.9" for i, value in enumerate(values)]
    assert returns(read(tmp_path, *lines)) == values
    run = read(tmp_path, *(f"episode {i} score {value} average_score {i}.5" for i, value in enumerate(values)))
    assert returns(run) == [0.5, 1.5, 2.5, 3.5]
    assert run.unknown_tags == ("other/score",)


LONG = 2**14


@pytest.mark.parametrize(
    "line",
    [
        *(
            "a" * LONG,
            " " * LONG + "x",
            "a " * (LONG // 2),
            "(" * LONG,
            "[a" * (LONG // 2),
            "9" * LONG,
            "-" * LONG + "x",
        ),
        *("step " * (LONG // 5), "step 1" + "9" * (LONG - 10) + "/x", "is " * (LONG // 3), "a:" * (LONG // 2)),
        *("step 1/" + "9" * 6000, "\x1b]" * (LONG // 2), "a" + " " * LONG + "b"),
    ],
    ids=lambda line: f"{line[:8].strip()!r}",
)
def test_what_is_long_is_read_like_the_rest(tmp_path, line):
    """With a search that begins anywhere in a line, some of these would take hours."""
    for printed in (EPISODES, [f"Episode {i} reward: {i % 7}.0" for i in range(1, 60)]):
        alone = read(tmp_path, *printed)
        run = read(tmp_path, *([line] * 20), *printed, *([line] * 20))
        assert len(returns(run)) == len(EPISODES)
        assert returns(run) == returns(alone)


def test_a_number_of_iterations_that_no_training_has_is_none(tmp_path):
    lines = [line for i in range(5) for line in (f"Learning iteration {i}/{'9' * 6000}", f"  Mean reward: {i}.0")]
    assert read(tmp_path, *lines).planned == 0


def test_a_number_in_each_line(tmp_path):
    lines = []
    for i in (1, 2, 3):
        lines += [f"-------- Iteration #{i} --------", "Average Episodic Length: 200.0"]
        lines += [f"Average Episodic Return: {-100.5 * i}", f"Timesteps So Far: {2200 * i}", ""]
    run = read(tmp_path, *lines)
    assert returns(run) == [-100.5, -201, -301.5]
    assert run.curves["episode_length"].values.tolist() == [200, 200, 200]


def test_lines_between_those_with_steps_are_at_the_last_step(tmp_path):
    lines = [
        line
        for i in range(1, 6)
        for line in (f"step: {1000 * i}, loss: 0.5", f"eval: episode_return {i}.5, episode_length 10")
    ]
    run = read(tmp_path, *lines)
    assert run.curves["episode_return"].steps.tolist() == [1000, 2000, 3000, 4000, 5000]


def test_a_counter_of_episodes_tells_two_trainings_apart(tmp_path):
    twice = [f"Episode {i}/40 reward: {i}.0" for _ in "ab" for i in range(1, 41)]
    run = read(tmp_path, *twice)
    assert "LOG201" in {finding.code for finding in run.findings}
    assert len(run.curves["episode_return"]) == 40


def test_the_lines_of_a_summary_are_no_returns(tmp_path):
    rows = [f"Episode {i}: total reward = {i}.0, avg loss = 0.1" for i in range(1, 31)]
    run = read(
        tmp_path, *rows, "Final: avg reward = 900.0, win rate = 98.0%", "Final: avg reward = 901.0, win rate = 1%"
    )
    assert returns(run) == list(range(1, 31))


def test_what_a_step_did_is_no_episode(tmp_path):
    run = read(tmp_path, *(f"Step: {i}, Action: 1, Reward: -1.0, Total Reward: {-i}.0, Done: False" for i in range(9)))
    assert not run.curves


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_windows_writes(tmp_path, encoding):
    file = tmp_path / "train.log"
    file.write_bytes("\r\n".join(EPISODES).encode(encoding))
    assert discover([file]) == [file]
    assert len(read_run(file).curves["episode_return"]) == len(EPISODES)


@pytest.mark.parametrize(
    "line",
    [
        "Epoch {i} | loss 0.93 | val loss 0.87 | test score 0.8{i}",
        "[CV {i}/5] END C=10, gamma=0.1;, score=0.901 total time= 0.1s",
        "day: {i} | return: 0.123% | total return: 5.30%",
        "game {i}: win rate: 43%, length: 63",
        "INFO: {i} requests in 0.{i} s, status = 200",
    ],
)
def test_other_programs_learn_nothing_by_reinforcement(tmp_path, line):
    run = read(tmp_path, *(line.format(i=i) for i in range(1, 40)))
    assert not {"episode_return", "evaluation_return", "success_rate"} & run.curves.keys()
    assert diagnose_run(run).verdict is Verdict.UNJUDGED


def test_no_finished_episode_is_no_nan(tmp_path):
    """Stable-Baselines 2 prints NaN as the mean return until an episode ends."""
    lines = []
    for i in range(1, 13):
        lines += ["-" * 40, "| ep_reward_mean | nan |", "| eplenmean | nan |", f"| approxkl | 0.0{i} |"]
        lines += [f"| total_timesteps | {128 * i} |", "| clipfrac | 0.1 |", "-" * 40]
    said = diagnose_run(read(tmp_path, *lines))
    assert said.cause is None or said.cause.name != "non-finite-values"


def test_how_much_of_its_plan_it_has_done(tmp_path):
    assert "9% of 120 iterations" in diagnose_run(read_run(DATA / "rsl_rl-5.5.log")).summary
    run = read(tmp_path, *(f"[TRAINING] Step: {100 * i} / 8,000 | Reward: {i}" for i in range(1, 21)))
    assert diagnose_run(run).summary.endswith("The run is unfinished: 25% of 8,000 steps.")
    run = read(tmp_path, *(f"[TRAINING] Step: {100 * i} / 2,000 | Reward: {i}" for i in range(1, 21)))
    assert "unfinished" not in diagnose_run(run).summary


def test_units_behind_numbers(tmp_path):
    run = read(tmp_path, *(f"Step: {i}.5k, success rate: {10 * i}%, reward: 1.0" for i in (1, 2, 3)))
    assert run.curves["success_rate"].values.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert run.curves["success_rate"].steps.tolist() == [1500, 2500, 3500]


EPISODES = [f"global_step={100 * i}, episodic_return={i % 7}.0" for i in range(1, 60)]
NAN = [
    "Traceback (most recent call last):",
    '  File "ppo.py", line 12, in <module>',
    "    probs = Normal(action_mean, action_std)",
    "ValueError: Expected parameter loc of distribution Normal to satisfy Real(), but found invalid values:",
    "tensor([[nan, nan]])",
]


def test_the_error_at_the_end_is_heard(tmp_path):
    said = diagnose_run(read(tmp_path, *EPISODES, *NAN))
    assert said.verdict is Verdict.SICK
    assert said.cause is not None
    assert said.cause.name == "non-finite-values"
    [text] = [finding.message for finding in said.findings if finding.code == "NUM103"]
    assert "found invalid values: tensor([[nan, nan]])" in text


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (["slurmstepd: error: *** JOB 7 ON node CANCELLED AT 2024-01-01T00:00:00 DUE TO TIME LIMIT ***"], "failed"),
        (["Traceback (most recent call last):", '  File "a.py", line 1', "KeyboardInterrupt"], "interrupted"),
        (["Training finished."], ""),
    ],
)
def test_how_it_ended(tmp_path, last, status):
    assert read(tmp_path, *EPISODES, *last).record.get("status", "") == status


def test_an_error_alone_is_heard(tmp_path):
    said = diagnose_run(read(tmp_path, "Learning rate: 0.3 of 5 stages", *NAN))
    assert said.verdict is Verdict.SICK
    assert said.cause is not None
    assert said.cause.name == "non-finite-values"


def test_rows_of_a_language_model_are_in_their_order(tmp_path):
    rows = [
        str({"loss": 0.1, "grad_norm": 1.0, "learning_rate": 1e-6, "kl": 0.01 * i, "epoch": i / 50}) for i in range(40)
    ]
    assert len(read(tmp_path, *rows).curves["approx_kl"]) == 40


def test_an_error_after_which_training_went_on_is_none(tmp_path):
    assert not read(tmp_path, *EPISODES[:9], *NAN, *EPISODES[9:]).record


@pytest.mark.parametrize("text", ["", "Nothing but words.\n", "a = 4\n", "\ufeff\n\n"])
def test_a_text_without_numbers_is_never_healthy(tmp_path, text):
    file = tmp_path / "notes.txt"
    file.write_text(text)
    said = diagnose_run(read_run(file))
    assert said.verdict is Verdict.UNJUDGED
    assert "LOG107" in {finding.code for finding in said.findings}


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "page.html").write_text("<pre>" + "\n".join(EPISODES) + "</pre>")
    assert len(read_run(*discover([tmp_path / "page.html"])).curves["episode_return"]) == len(EPISODES)
    (tmp_path / "model.log").write_bytes(b"PK\x03\x04\0\0\0")
    with pytest.raises(UsageError, match="is a file, not a directory"):
        discover([tmp_path / "model.log"])


def test_styles_name_tags_that_their_libraries_log():
    for style in styles():
        mapping = find_tag_mapping(style.framework)
        for line in style.lines:
            assert all(mapping.knows(tag) for tag in line.tags.values()), (style.framework, line.tags)
            assert set(line.tags) <= set(line.compiled.groupindex)
