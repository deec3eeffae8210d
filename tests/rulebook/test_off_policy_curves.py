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


def test_evaluations_are_compared_with_training_at_the_same_steps():
    lead = case("td3", episode_return=[-1000.0] * 10, evaluation_return=[-1000.0] * 5 + [-200.0] * 5).curves
    assert lead["evaluation_lead"].values == pytest.approx([0.0] * 5 + [0.8] * 5)


def test_values_have_a_sign_where_all_returns_have_one():
    lengths = [100.0] * 10
    wrong = case(episode_return=[-100.0] * 10, episode_length=lengths, actor_loss=[-50.0] * 10)
    assert wrong.curves["signed_value"].values == pytest.approx(-0.5)
    both = case(episode_return=[-100.0] * 9 + [5.0], episode_length=lengths, actor_loss=[-50.0] * 10)
    assert "signed_value" not in both.curves
