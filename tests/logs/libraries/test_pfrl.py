"""PFRL: two trainings of PPO on CartPole-v1 by pfrl 0.4.0 itself, with lr=3e-4 and with lr=0.3.

An adapter gave it gymnasium's environment as gym's. The rest are tables by hand, with the columns of get_statistics.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rldoctor.logs import discover, read_run

from .made_up import POINTS, advice, curve, judged, steps_of, write_events, write_table

DATA = Path(__file__).parents[1] / "data/pfrl"


def test_a_healthy_training():
    run = read_run(DATA / "healthy")
    assert (run.framework, run.algorithm, run.step_axis, run.last_step) == ("pfrl", "ppo", "env_steps", 30_000)
    assert (run.unknown_tags, run.findings) == ((), ())
    assert run.curves["evaluation_return"].values[0] == 21.75
    # NaN before the first update is nothing that broke.
    assert run.curves["value_loss"].steps[0] == 2002
    assert (
        np.isfinite(run.curves["value_loss"].values).all()
        and np.isfinite(run.curves["explained_variance"].values).all()
    )
    expected = {
        "env": "CartPole-v1",
        "n_envs": 1,
        "n_steps": 1024,
        "n_epochs": 10,
        "batch_size": 64,
        "total_steps": 30_000,
    }
    assert {name: getattr(run.settings, name) for name in expected} == expected
    assert (run.settings.learning_rate, run.settings.where("seed")) == (3e-4, "in args.txt")
    subject = judged(DATA / "healthy")
    assert subject.verdict == "healthy"
    assert [finding.code for finding in subject.findings] == ["LOG403"]


def test_a_learning_rate_that_is_too_high():
    subject = judged(DATA / "learning-rate-high")
    assert (subject.verdict, subject.diagnoses[0].name) == ("sick", "learning-rate-too-high")
    assert "in args.txt (was 0.3)" in subject.diagnoses[0].remedy


def test_advice_is_in_the_words_of_pfrl(tmp_path):
    columns = {"steps": steps_of(90_000), "mean": curve(25, 10, 9.4, 9.4, 9.4, noise=0.01)}
    columns |= {"average_entropy": curve(0.69, 0.05, 0.01, 0.01, 0.01, noise=0.001), "average_value_loss": curve(9, 8)}
    subject = judged(write_table(tmp_path / "scores.txt", columns, "\t"))
    assert subject.verdict == "sick" and "Raise entropy_coef to 0.01 if it is lower" in advice(subject)


def test_the_same_in_tensorboard(tmp_path):
    tags = {f"eval/{name}": curve(20, 200) for name in ("mean", "median", "max", "min", "stdev")}
    tags |= {"extras/meanplusstdev": curve(30, 210), "agent/average_value": curve(0, 90)}
    tags |= {"agent/average_entropy": curve(0.69, 0.5), "agent/average_value_loss": curve(90, 9)}
    tags |= {"agent/average_policy_loss": curve(-0.02, -0.01), "agent/n_updates": curve(0, 9000)}
    run = read_run(write_events(tmp_path, 40_000, tags | {"agent/explained_variance": curve(0, 0.9)}))
    assert (run.framework, run.algorithm, run.unknown_tags) == ("pfrl", "ppo", ())
    assert {"evaluation_return", "entropy", "value_loss", "policy_loss", "explained_variance"} <= run.curves.keys()


Q_LOSSES = {"average_q_func1_loss", "average_q_func2_loss"}
AGENTS = {
    "sac": (
        {"average_q1", "average_q2", "n_updates", "average_entropy", "temperature"} | Q_LOSSES,
        {"q_value", "critic_loss", "policy_entropy", "ent_coef"},
    ),
    "td3": ({"average_q1", "average_policy_loss", "policy_n_updates"} | Q_LOSSES, {"critic_loss", "actor_loss"}),
    "dqn": ({"average_q", "average_loss", "cumulative_steps", "n_updates", "rlen"}, {"q_value", "loss"}),
    "trpo": (
        {"average_value", "average_entropy", "average_kl", "average_policy_step_size"},
        {"entropy", "kl_divergence"},
    ),
    "a2c": ({"average_actor", "average_value", "average_entropy"}, {"policy_loss", "entropy"}),
}


@pytest.mark.parametrize("algorithm", AGENTS)
def test_other_agents(tmp_path, algorithm):
    columns, metrics = AGENTS[algorithm]
    table = {"steps": steps_of(90_000), "episodes": range(POINTS), "elapsed": range(POINTS)}
    table |= {name: curve(20, 200) for name in ("mean", "median", "stdev", "max", "min")}
    folder = write_table(tmp_path / "scores.txt", table | {name: curve(1, 2) for name in sorted(columns)}, "\t")
    assert discover([tmp_path]) == [folder]
    run = read_run(folder)
    assert (run.framework, run.algorithm, run.last_step, run.unknown_tags) == ("pfrl", algorithm, 90_000, ())
    assert metrics | {"evaluation_return"} <= run.curves.keys()


def test_arguments_in_words_are_no_settings_of_pfrl(tmp_path):
    (tmp_path / "args.txt").write_text("--env CartPole-v1 --lr 0.01\n")
    write_events(tmp_path, 40_000, {"rollout/ep_rew_mean": curve(20, 200)})
    assert read_run(tmp_path).settings is None
