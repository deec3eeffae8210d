"""Sample Factory 2.1.1: the tags of runner.py and learner.py, and config.json as it is saved.

PyTorch's writer stands in for tensorboardX's, whose records are the same.
"""

from __future__ import annotations

import json

from rldoctor.logs import discover, read_run

from .made_up import HEALTHY, POINTS, TOO_HIGH, advice, curve, judged, write_events

STEPS = 2_000_000
CONFIG = {
    "algo": "APPO",
    "env": "doom_basic",
    "experiment": "default_experiment",
    "seed": None,
    "num_policies": 1,
    "async_rl": True,
    "serial_mode": False,
    "num_workers": 8,
    "num_envs_per_worker": 4,
    "batch_size": 1024,
    "num_batches_per_epoch": 2,
    "num_epochs": 2,
    "rollout": 32,
    "gamma": 0.99,
    "normalize_returns": True,
    "exploration_loss_coeff": 0.003,
    "value_loss_coeff": 0.5,
    "gae_lambda": 0.95,
    "ppo_clip_ratio": 0.1,
    "ppo_clip_value": 1.0,
    "max_grad_norm": 0.0,
    "learning_rate": 0.0001,
    "lr_schedule": "constant",
    "normalize_input": True,
    "train_for_env_steps": 10000000000,
    "nonlinearity": "elu",
    "initial_stddev": 1.0,
}


def tags(curves, rate):
    returns = curves["episode_return"]
    return {
        "reward/reward": returns,
        "reward/reward_min": returns,
        "reward/reward_max": returns,
        "len/len": returns,
        "policy_stats/avg_true_objective": returns,
        "policy_stats/avg_true_objective_max": returns,
        "perf/_fps": curve(9000, 9000),
        "perf/_sample_throughput": curve(9000, 9000),
        "stats/master_process_memory_mb": curve(100, 110),
        "train/lr": [rate] * POINTS,
        "train/actual_lr": [rate] * POINTS,
        "train/entropy": curves["entropy"],
        "train/kl_divergence": curves["approx_kl"],
        "train/kl_divergence_max": curves["approx_kl"],
        "train/fraction_clipped": curves["clip_fraction"],
        "train/policy_loss": curves["policy_loss"],
        "train/value_loss": curves["value_loss"],
        "train/exploration_loss": [-0.003 * value for value in curves["entropy"]],
        "train/kl_loss": [0.0] * POINTS,
        "train/loss": curves["value_loss"],
        "train/grad_norm": curve(1, 1),
        "train/value": returns,
        "train/version_diff_avg": curve(1, 1),
        "train/ratio_mean": curve(0.05, 0.05),
        "train/adv_std": curve(1, 1),
    }


def training(folder, curves, rate=1e-4):
    write_events(folder / ".summary/0", STEPS, tags(curves, rate))
    (folder / "config.json").write_text(json.dumps(CONFIG | {"learning_rate": rate}, indent=2))
    return folder / ".summary/0"


def test_a_healthy_training(tmp_path):
    folder = training(tmp_path / "train_dir/doom", HEALTHY)
    assert discover([tmp_path]) == [folder]
    run = read_run(folder)
    assert (run.framework, run.algorithm, run.step_axis, run.last_step) == ("sample_factory", "ppo", "env_steps", STEPS)
    assert (run.unknown_tags, run.findings) == ((), ())
    assert {"episode_return", "approx_kl", "clip_fraction", "entropy", "value_loss"} <= run.curves.keys()
    assert {"throughput", "learning_rate", "measure/true_objective", "loss/exploration"} <= run.curves.keys()
    expected = {"algorithm": "ppo", "env": "doom_basic", "learning_rate": 1e-4, "n_envs": 32, "batch_size": 1024}
    expected |= {"n_epochs": 2, "clip_range": 0.1, "ent_coef": 0.003, "max_grad_norm": None, "total_steps": None}
    assert {name: getattr(run.settings, name) for name in expected} == expected
    subject = judged(folder)
    assert (subject.verdict, subject.findings) == ("healthy", ())


def test_a_learning_rate_that_is_too_high(tmp_path):
    subject = judged(training(tmp_path, TOO_HIGH, 0.03))
    assert (subject.verdict, subject.diagnoses[0].name) == ("sick", "learning-rate-too-high")
    assert "learning_rate to 0.0003 in ../../config.json" in subject.diagnoses[0].remedy
    assert "exploration_loss_coeff" in advice(subject) and "rldoctor preflight" not in advice(subject)


def test_updates_that_take_one_step_on_what_the_same_policy_collected(tmp_path):
    """Nothing is clipped and the KL divergence is 0 then, however well it learns."""
    still = {"train/kl_divergence": [0.0] * POINTS, "train/fraction_clipped": [0.0] * POINTS}
    folder = write_events(tmp_path, STEPS, tags(HEALTHY, 1e-4) | still)
    assert not {"approx_kl", "clip_fraction"} & read_run(folder).curves.keys()
    assert judged(folder).verdict == "healthy"
