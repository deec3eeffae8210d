"""garage 2021.3: progress.csv as dowel writes it, by hand.

The columns are those of log_performance, log_diagnostics, torch/algos/vpg.py, sac.py and td3.py.
"""

from __future__ import annotations

from rldoctor.logs import read_run

from .made_up import HEALTHY, POINTS, TOO_HIGH, advice, curve, judged, steps_of, write_events, write_table

STEPS = 500_000


def performance(returns):
    return {
        "Evaluation/AverageDiscountedReturn": returns,
        "Evaluation/AverageReturn": returns,
        "Evaluation/Iteration": range(POINTS),
        "Evaluation/MaxReturn": returns,
        "Evaluation/MinReturn": returns,
        "Evaluation/NumEpisodes": [20] * POINTS,
        "Evaluation/StdReturn": [3.0] * POINTS,
        "Evaluation/TerminationRate": [0.9] * POINTS,
        "TotalEnvSteps": steps_of(STEPS),
    }


def ppo(curves):
    return performance(curves["episode_return"]) | {
        "GaussianMLPPolicy/Entropy": curves["entropy"],
        "GaussianMLPPolicy/KL": curves["approx_kl"],
        "GaussianMLPPolicy/KLBefore": [0.0] * POINTS,
        "GaussianMLPPolicy/LossAfter": curves["policy_loss"],
        "GaussianMLPPolicy/LossBefore": [1e-9] * POINTS,
        "GaussianMLPPolicy/dLoss": curve(0.01, 0.01),
        "GaussianMLPValueFunction/LossAfter": curve(3, -1),
        "GaussianMLPValueFunction/LossBefore": curve(3.1, -0.9),
        "GaussianMLPValueFunction/dLoss": curve(0.1, 0.1),
    }


def test_a_healthy_training(tmp_path):
    folder = write_table(tmp_path / "progress.csv", ppo(HEALTHY))
    run = read_run(folder)
    # PPO, TRPO and VPG log the same.
    assert (run.framework, run.algorithm, run.step_axis, run.last_step) == ("garage", "", "env_steps", STEPS)
    assert (run.unknown_tags, run.findings) == ((), ())
    # The value function's loss is a negative log-likelihood.
    assert "value_loss" not in run.curves and "loss/GaussianMLPValueFunction" in run.curves
    subject = judged(folder)
    assert (subject.verdict, subject.findings) == ("healthy", ())


def test_the_same_in_tensorboard(tmp_path):
    tags = {name: [float(value) for value in values] for name, values in ppo(HEALTHY).items()}
    run = read_run(write_events(tmp_path, STEPS, tags))
    assert (run.framework, run.last_step, run.unknown_tags) == ("garage", STEPS, ())
    assert run.curves["episode_return"].tag == "Evaluation/AverageReturn"


def test_a_learning_rate_that_is_too_high(tmp_path):
    subject = judged(write_table(tmp_path / "progress.csv", ppo(TOO_HIGH)))
    assert (subject.verdict, subject.diagnoses[0].name) == ("sick", "learning-rate-too-high")
    assert "OptimizerWrapper" in subject.diagnoses[0].remedy and "learning_rate" not in advice(subject)


def test_off_policy_methods_evaluate(tmp_path):
    sac = performance(curve(-1500, -200)) | {"Average/TrainAverageReturn": curve(-1500, -250)}
    sac |= {"AlphaTemperature/mean": curve(1, 0.1), "Policy/Loss": curve(0, 90), "QF/Qf1Loss": curve(9, 3)}
    sac |= {"QF/Qf2Loss": curve(9, 3), "ReplayBuffer/buffer_size": steps_of(STEPS)}
    run = read_run(write_table(tmp_path / "sac/progress.csv", sac))
    assert (run.algorithm, run.unknown_tags) == ("sac", ())
    assert run.curves["evaluation_return"].tag == "Evaluation/AverageReturn"
    assert run.curves["episode_return"].tag == "Average/TrainAverageReturn"
    td3 = performance(curve(-1500, -200)) | {
        "Policy/AveragePolicyLoss": curve(0, 90),
        "QFunction/AverageQ": curve(0, -90),
    }
    td3 |= {"QFunction/AverageQFunctionLoss": curve(9, 3), "QFunction/MaxY": curve(0, 9), "Epoch": range(POINTS)}
    run = read_run(write_table(tmp_path / "td3/progress.csv", td3))
    assert run.algorithm == "td3" and "evaluation_return" in run.curves and "episode_return" not in run.curves
