"""What RLlib and Tune print, in each of their forms, taken from issues of public repositories; the numbers vary."""

from __future__ import annotations

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Verdict
from tests.logs.printed.texts import points, read

# ray-project/ray 1.x, as in a log of DeepCoMP; lists of episodes are items of YAML.
RESULT = """Result for PPO_MobileEnv_{name}:
  custom_metrics: {{}}
  date: 2022-04-25_09-27-25
  episode_len_mean: 100.0
  episode_reward_max: 99.0
  episode_reward_mean: {r}
  hist_stats:
    episode_reward:
    - 15.0
    - 16.0
  info:
    learner:
      ue:
        learner_stats:
          cur_lr: 4.999999873689376e-05
          entropy: 0.66
          kl: 0.0127845896780490875
          vf_explained_var: 0.5
          vf_loss: 8.89241886138916
    num_steps_sampled: {s}
  node_ip: 10.0.3.106
  timesteps_total: {s}
  training_iteration: {i}
  trial_id: af4f5_00000

"""
STATUS = """== Status ==
Memory usage on this node: 3.9/7.6 GiB
Number of trials: 2/2 (2 RUNNING)
+-------------------+----------+------------------+--------+------------------+------+----------+
| Trial name        | status   | loc              |   iter |   total time (s) |   ts |   reward |
|-------------------+----------+------------------+--------+------------------+------+----------|
| PPO_CartPole_a    | RUNNING  | 10.0.3.106:10454 |    {i:3d} |          43.3781 | {s} | {r:8.4f} |
| PPO_CartPole_b    | PENDING  |                  |        |                  |      |          |
+-------------------+----------+------------------+--------+------------------+------+----------+
"""
BOX = """
Trial PPO_CartPole-v1_{name} finished iteration {i} at 2024-09-24 14:59:16. Total running time: 5s
╭────────────────────────────────────────────────────────────────────────╮
│ Trial PPO_CartPole-v1_{name} result                                    │
├────────────────────────────────────────────────────────────────────────┤
│ env_runners/episode_len_mean                                   20.3333 │
│ env_runners/episode_return_mean                                {r:7.4f} │
│ num_env_steps_sampled_lifetime                                 {s} │
╰────────────────────────────────────────────────────────────────────────╯
"""
NEW = """
Trial status: 2 RUNNING
╭──────────────────────────────────────────────────────────────────────────────────────────────╮
│ Trial name                     status       iter     total time (s)       ts          reward │
├──────────────────────────────────────────────────────────────────────────────────────────────┤
│ APPO_CartPole-v1_29116_00000   RUNNING      {i:4d}            30.3035    {s}    {r:10.4f} │
│ APPO_CartPole-v1_29116_00001   RUNNING      {i:4d}            10.1083    {s}       25.9221 │
╰──────────────────────────────────────────────────────────────────────────────────────────────╯
"""


@pytest.mark.parametrize("text", [RESULT, STATUS, BOX, NEW], ids=["yaml", "status", "box", "new"])
def test_rllib(tmp_path, text):
    run = read(tmp_path, *(text.format(i=i, s=4000 * i, r=20.5 * i, name="a") for i in range(1, 6)))
    assert (run.framework, run.step_axis) == ("rllib", "env_steps")
    assert points(run) == [(4000 * i, 20.5 * i) for i in range(1, 6)]
    if text is RESULT:
        assert run.algorithm == "ppo"
        assert run.curves["approx_kl"].values[0] == 0.0127845896780490875
        assert run.curves["explained_variance"].values[0] == 0.5


def test_rllib_that_somebody_printed(tmp_path):
    """ray-project/ray, issue 3908: pretty_print, Ray 0.6."""
    block = "custom_metrics: {{}}\ndate: 2019-01-31_21-56-10\nepisode_len_mean: 26.19\nepisode_reward_mean: {r}\n"
    block += (
        "info:\n  default:\n    cur_lr: 4.99e-05\n    kl: 0.0194\n    vf_loss: 15966464.0\n  grad_time_ms: 2551.39\n"
    )
    block += "timesteps_total: {s}\ntraining_iteration: {i}\n\n"
    run = read(tmp_path, *(block.format(r=-9299.5 + i, s=4000 * i, i=i) for i in range(1, 6)))
    assert points(run)[0] == (4000, -9298.5)
    assert run.curves["approx_kl"].values[0] == 0.0194
    assert run.algorithm == "ppo"


def test_results_of_rllib_in_words_of_ones_own(tmp_path):
    block = "training_iteration: {i}\ndate:  2019-01-31_21-56-10\nepisode_len_mean: 26.193103\n"
    block += "episode_reward_min: -11999.000000\nepisode_reward_mean: {r:f}\nepisode_reward_max: -556.000000\n\n\n"
    run = read(tmp_path, *(block.format(i=i, r=-9000 + i) for i in range(1, 6)))
    assert (run.framework, run.step_axis) == ("rllib", "iterations")
    assert points(run) == [(i, -9000.0 + i) for i in range(1, 6)]
    line = "iteration [{i}] => episode_reward_mean: {r}, episode_len_mean: {r}, "
    run = read(tmp_path, *(line.format(i=i, r=20.5 * i) for i in range(1, 6)))
    assert run.curves["episode_return"].values.tolist() == [20.5 * i for i in range(1, 6)]


@pytest.mark.parametrize("text", [RESULT, BOX, NEW], ids=["yaml", "box", "new"])
def test_of_several_trials_one_is_read(tmp_path, text):
    lines = [
        text.format(i=i, s=4000 * i, r=r * i, name=name) for i in range(1, 6) for name, r in (("a", 2.0), ("b", 3.0))
    ]
    run = read(tmp_path, *lines)
    said = [finding.message for finding in run.findings if finding.code == "LOG108"]
    assert len(said) == 1
    assert "2 trainings or processes" in said[0]
    if text is not NEW:
        assert points(run) == [(4000 * i, 2.0 * i) for i in range(1, 6)]


def test_ray_train_is_no_rllib(tmp_path):
    box = "╭────────────────────────────╮\n│ Training result            │\n├────────────────────────────┤\n"
    box += "│ time_total_s        24.684 │\n│ training_iteration  {i:6d} │\n│ loss               0.51455 │\n"
    box += "╰────────────────────────────╯\n"
    run = read(tmp_path, *(box.format(i=i) for i in range(1, 20)))
    assert not run.curves
    assert diagnose_run(run).verdict is Verdict.UNJUDGED
