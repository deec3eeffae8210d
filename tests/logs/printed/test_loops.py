"""Lines of loops of one's own: returns, steps, counters, and what is none of them."""

from __future__ import annotations

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import discover, read_run
from rldoctor.model import Verdict
from tests.logs.printed.texts import DATA, EPISODES, read, returns

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
