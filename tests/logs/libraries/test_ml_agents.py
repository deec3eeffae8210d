"""ML-Agents: the tags of mlagents 0.28, compared with what its StatsReporter and TensorboardWriter wrote.

The event files are written by PyTorch's writer, which TensorboardWriter uses; configuration.yaml is laid out as
``write_run_options`` does it.
"""

from __future__ import annotations

import numpy as np

from rldoctor.logs import read_run

from .made_up import HEALTHY, POINTS, TOO_HIGH, advice, curve, judged, write_events

STEPS = 500_000
CONFIGURATION = """\
default_settings: null
behaviors:
  Walker:
    trainer_type: ppo
    hyperparameters:
      batch_size: 2048
      buffer_size: 20480
      learning_rate: {rate}
      beta: 0.005
      epsilon: 0.2
      lambd: 0.95
      num_epoch: 3
      learning_rate_schedule: linear
      beta_schedule: linear
      epsilon_schedule: linear
    network_settings:
      normalize: true
      hidden_units: 256
      num_layers: 3
    reward_signals:
      extrinsic:
        gamma: 0.995
        strength: 1.0
    max_steps: 500000
    time_horizon: 1000
  Goalie:
    trainer_type: sac
    hyperparameters:
      learning_rate: 0.001
env_settings:
  env_path: null
  seed: -1
engine_settings:
  time_scale: 20
checkpoint_settings:
  run_id: walk
debug: false
"""


def ppo(curves, rate=3e-4):
    returns = curves["episode_return"]
    return {
        "Environment/Cumulative Reward": returns,
        "Environment/Episode Length": returns,
        "Losses/Policy Loss": [abs(value) for value in curves["policy_loss"]],
        "Losses/Value Loss": curves["value_loss"],
        "Policy/Entropy": curves["entropy"],
        "Policy/Learning Rate": np.linspace(rate, rate / 300, POINTS).tolist(),
        "Policy/Epsilon": np.linspace(0.2, 0.1, POINTS).tolist(),
        "Policy/Beta": np.linspace(5e-3, 1e-5, POINTS).tolist(),
        "Policy/Extrinsic Value Estimate": returns,
        "Policy/Extrinsic Reward": returns,
        "Policy/Curiosity Reward": curve(3.0, 0.5),
        "Losses/Curiosity Forward Loss": curve(0.2, 0.05),
        "Environment/Lesson Number/wall_height": curve(0.0, 3.0, noise=0.0),
    }


def training(folder, curves, rate):
    (folder / "configuration.yaml").write_text(CONFIGURATION.format(rate=rate))
    return write_events(folder / "Walker", STEPS, ppo(curves, rate))


def test_a_healthy_training(tmp_path):
    folder = training(tmp_path, HEALTHY, 3e-4)
    run = read_run(folder)
    assert (run.framework, run.algorithm, run.step_axis, run.last_step) == ("ml_agents", "ppo", "env_steps", STEPS)
    assert (run.unknown_tags, run.findings) == ((), ())
    assert run.curves["entropy"].values[0] > 0
    # The absolute value of the policy loss says nothing by its sign.
    assert "policy_loss" not in run.curves and "loss/absolute_policy_loss" in run.curves
    assert {"measure/Curiosity Reward", "loss/Curiosity Forward Loss", "curriculum/wall_height"} <= run.curves.keys()
    subject = judged(folder)
    assert subject.verdict == "healthy"
    assert [finding.code for finding in subject.findings] == ["LOG403"]


def test_each_behaviour_has_its_own_settings(tmp_path):
    found = read_run(training(tmp_path, HEALTHY, 3e-4)).settings
    expected = {"algorithm": "ppo", "learning_rate_schedule": "linear", "n_epochs": 3, "batch_size": 2048}
    expected |= {"clip_range": 0.2, "gamma": 0.995, "gae_lambda": 0.95, "ent_coef": 0.005, "total_steps": STEPS}
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.seed, found.normalize_observations, found.normalize_advantage) == (None, True, True)
    assert found.where("clip_range") == "in ../configuration.yaml, line 10"
    write_events(tmp_path / "Goalie", STEPS, ppo(HEALTHY))
    # Its own configuration says SAC, which the tags contradict.
    assert read_run(tmp_path / "Goalie").algorithm == "ppo"


def test_a_learning_rate_that_is_too_high(tmp_path):
    subject = judged(training(tmp_path, TOO_HIGH, 0.03))
    assert (subject.verdict, subject.diagnoses[0].name) == ("sick", "learning-rate-too-high")
    assert subject.diagnoses[0].remedy.startswith(
        "Set learning_rate to 0.0003 in ../configuration.yaml, line 8 (was 0.03)."
    )


def test_advice_is_in_the_words_of_ml_agents(tmp_path):
    collapsed = TOO_HIGH | {"entropy": curve(1.4, 0.1, 0.01, 0.01, 0.01, 0.01, noise=0.001)}
    subject = judged(write_events(tmp_path / "Walker", STEPS, ppo(collapsed)))
    text = advice(subject)
    assert subject.verdict == "sick" and "Raise beta to 0.01 if it is lower" in text
    assert "rldoctor preflight" not in text and "ent_coef" not in text and "n_epochs" not in text


def test_the_reward_of_a_group_counts_where_there_is_one(tmp_path):
    tags = ppo(HEALTHY) | {"Environment/Cumulative Reward": [0.0] * POINTS, "Losses/Baseline Loss": curve(0.1, 0.05)}
    group = {"Environment/Group Cumulative Reward": HEALTHY["episode_return"]}
    run = read_run(write_events(tmp_path / "grouped", STEPS, tags | group))
    assert run.curves["episode_return"].tag == "Environment/Group Cumulative Reward"
    # POCA writes zeros where nobody gives rewards to the group.
    run = read_run(write_events(tmp_path / "alone", STEPS, ppo(HEALTHY) | {name: [0.0] * POINTS for name in group}))
    assert run.curves["episode_return"].tag == "Environment/Cumulative Reward"


def test_with_self_play_rewards_do_not_say_how_good_a_policy_is(tmp_path):
    tags = ppo(HEALTHY) | {"Environment/Cumulative Reward": curve(0.0, 0.01, -0.01), "Self-play/ELO": curve(1200, 1500)}
    folder = write_events(tmp_path / "Striker", STEPS, tags)
    assert "episode_return" not in read_run(folder).curves
    subject = judged(folder)
    assert subject.verdict == "unjudged" and "Self-play/ELO" in subject.diagnoses[0].remedy


def test_sac(tmp_path):
    tags = {name: values for name, values in ppo(HEALTHY).items() if name not in ("Policy/Epsilon", "Policy/Beta")}
    tags |= {"Losses/Q1 Loss": curve(0.5, 0.1), "Losses/Q2 Loss": curve(0.5, 0.1)}
    tags |= {"Policy/Continuous Entropy Coeff": curve(1.0, 0.05), "Policy/Discrete Entropy Coeff": curve(1.0, 0.05)}
    run = read_run(write_events(tmp_path / "Walker", STEPS, tags))
    assert (run.algorithm, run.unknown_tags) == ("sac", ())
    assert {"actor_loss", "critic_loss", "ent_coef", "loss/value_network"} <= run.curves.keys()
    assert not {"policy_loss", "value_loss"} & run.curves.keys()
