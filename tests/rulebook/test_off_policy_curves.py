"""What follows from the curves that off-policy methods log."""

from __future__ import annotations

import numpy as np
import pytest

from rldoctor.logs.read import read_run
from rldoctor.model import Curve, Run
from rldoctor.rulebook.case import Case

STEPS = np.arange(1, 11, dtype=np.int64) * 1_000


def case(algorithm: str = "sac", **curves: list[float]) -> Case:
    made = {name: Curve(name, STEPS[: len(values)], np.array(values, float), name) for name, values in curves.items()}
    return Case(Run("run", "sb3", made, algorithm=algorithm))


def test_progress_csv_tells_how_often_there_is_an_update(tmp_path):
    rows = [
        "time/total_timesteps,rollout/ep_rew_mean,rollout/ep_len_mean,rollout/exploration_rate,train/loss,train/n_updates"
    ]
    rows += [f"{step},{step / 100},200,0.05,0.1,{step // 200}" for step in STEPS.tolist()]
    (tmp_path / "progress.csv").write_text("\n".join(rows) + "\n")
    run = read_run(tmp_path)
    assert run.algorithm == "dqn"
    assert Case(run).curves["updates_per_step"].values == pytest.approx(1 / 200)


def test_what_the_callback_measured_is_not_computed_again():
    measured = case(n_updates=[100.0 * i for i in range(10)], updates_per_step=[0.5] * 10)
    assert measured.curves["updates_per_step"].values == pytest.approx(0.5)
    assert "updates_per_step" not in case("ppo", n_updates=[100.0 * i for i in range(10)]).curves


def test_the_loss_of_the_temperature_tells_the_entropy():
    temperatures = np.array([1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01])
    above = np.array([1.7, 1.7, 1.7, 1.6, 1.2, 0.8, 0.4, 0.1, 0.0, 0.0])
    kept = case(ent_coef=temperatures.tolist(), ent_coef_loss=(above * np.log(temperatures)).tolist())
    # The first row, a temperature of 1, tells nothing.
    assert kept.curves["entropy_kept"].values == pytest.approx(above[1:] / 1.7)


@pytest.mark.parametrize("each", [0.5, 0.02])
def test_how_fast_the_temperature_moves_tells_how_often_there_is_an_update(each):
    # Adam moves its logarithm by the learning rate in each update, until the entropy is where it should be.
    fallen = np.exp(-1e-4 * each * STEPS)
    told = case(ent_coef=fallen.tolist(), learning_rate=[1e-4] * 10).curves["updates_per_step"]
    assert told.values == pytest.approx(each)
    rested = np.r_[fallen[:5], np.full(5, fallen[4])]
    told = case(ent_coef=rested.tolist(), learning_rate=[1e-4] * 10).curves["updates_per_step"]
    assert told.values == pytest.approx(each)


@pytest.mark.parametrize(
    "temperatures",
    [[0.2] * 10, [1.0] * 10, [0.05 * 0.9**i for i in range(10)], [1.0, 0.99, 1.01, 0.99] * 2 + [1.0] * 2],
)
def test_a_temperature_that_rests_or_is_fixed_tells_nothing_of_updates(temperatures):
    assert "updates_per_step" not in case(ent_coef=temperatures, learning_rate=[1e-4] * 10).curves


def test_values_are_compared_with_one_reward_and_the_loss_with_itself():
    of_one = case("td3", episode_return=[-200.0] * 10, episode_length=[100.0] * 10, actor_loss=[3.0] * 10)
    assert of_one.curves["value_per_reward"].values == pytest.approx(1.5)
    losses = case("dqn", loss=[9.0] + [2.0] * 9)
    assert losses.curves["critic_loss_over_median"].values == pytest.approx([4.5] + [1.0] * 9)
    assert "critic_loss_over_median" not in case("dqn", loss=[0.0] * 10).curves


def test_evaluations_are_compared_with_training_at_the_same_steps():
    lead = case("td3", episode_return=[-1000.0] * 10, evaluation_return=[-1000.0] * 5 + [-200.0] * 5).curves
    assert lead["evaluation_lead"].values == pytest.approx([0.0] * 5 + [0.8] * 5)


def test_values_have_a_sign_where_all_returns_have_one():
    lengths = [100.0] * 10
    wrong = case(episode_return=[-100.0] * 10, episode_length=lengths, actor_loss=[-50.0] * 10)
    assert wrong.curves["signed_value"].values == pytest.approx(-0.5)
    both = case(episode_return=[-100.0] * 9 + [5.0], episode_length=lengths, actor_loss=[-50.0] * 10)
    assert "signed_value" not in both.curves
