"""OpenAI Baselines and Stable-Baselines 2: tables as their loggers write them, by hand.

Both need TensorFlow 1. The columns are those that ppo2.py, deepq.py, trpo_mpi.py and sac.py give to CSVOutputFormat
(stable-baselines 2.10.2).
"""

from __future__ import annotations

import pytest

from rldoctor.logs import read_run

from .made_up import HEALTHY, POINTS, TOO_HIGH, advice, curve, judged, steps_of, write_events, write_table

STEPS = 500_000


def ppo2(curves):
    """The columns since 2018, in their order."""
    return {
        "eplenmean": curves["episode_return"],
        "eprewmean": curves["episode_return"],
        "fps": [1000] * POINTS,
        "loss/approxkl": curves["approx_kl"],
        "loss/clipfrac": curves["clip_fraction"],
        "loss/policy_entropy": curves["entropy"],
        "loss/policy_loss": curves["policy_loss"],
        "loss/value_loss": [value / 2 for value in curves["value_loss"]],
        "misc/explained_variance": curves["explained_variance"],
        "misc/nupdates": range(1, POINTS + 1),
        "misc/serial_timesteps": steps_of(STEPS // 8),
        "misc/time_elapsed": range(POINTS),
        "misc/total_timesteps": steps_of(STEPS),
    }


def earlier(curves, returns="eprewmean", lengths="eplenmean", updates="nupdates"):
    """The columns before that, which Stable-Baselines 2 kept but for those of the episodes."""
    names = {"eprewmean": returns, "eplenmean": lengths, "nupdates": updates}
    plain = {name.rpartition("/")[2]: values for name, values in ppo2(curves).items()}
    return {names.get(name, name): values for name, values in plain.items()}


def sb2(curves):
    return earlier(curves, "ep_reward_mean", "ep_len_mean", "n_updates")


@pytest.mark.parametrize(("columns", "framework"), [(ppo2, "baselines"), (earlier, "baselines"), (sb2, "sb2")])
def test_healthy_and_sick(tmp_path, columns, framework):
    folder = write_table(tmp_path / "healthy/progress.csv", columns(HEALTHY))
    run = read_run(folder)
    assert (run.framework, run.algorithm, run.step_axis, run.last_step) == (framework, "ppo", "env_steps", STEPS)
    assert (run.unknown_tags, run.findings) == ((), ())
    for metric in ("approx_kl", "clip_fraction", "entropy", "explained_variance", "policy_loss", "value_loss"):
        assert run.curves[metric].values.tolist() == pytest.approx(HEALTHY[metric]), metric
    subject = judged(folder)
    assert (subject.verdict, subject.findings) == ("healthy", ())
    subject = judged(write_table(tmp_path / "sick/progress.csv", columns(TOO_HIGH)))
    assert (subject.verdict, subject.diagnoses[0].name) == ("sick", "updates-too-aggressive")
    assert "cliprange" in subject.diagnoses[0].remedy and "noptepochs" in subject.diagnoses[0].remedy
    assert "n_epochs" not in advice(subject)


def test_tensorboard_files_of_the_logger_count_lines(tmp_path):
    tags = {name: [float(value) for value in values] for name, values in ppo2(HEALTHY).items()}
    run = read_run(write_events(tmp_path, POINTS, tags))
    assert (run.framework, run.step_axis, run.last_step) == ("baselines", "env_steps", STEPS)


def test_stable_baselines_2_in_tensorboard(tmp_path):
    tags = {
        "loss/approximate_kullback-leibler": HEALTHY["approx_kl"],
        "loss/clip_factor": HEALTHY["clip_fraction"],
        "loss/entropy_loss": HEALTHY["entropy"],
        "loss/policy_gradient_loss": HEALTHY["policy_loss"],
        "loss/value_function_loss": [value / 2 for value in HEALTHY["value_loss"]],
        "loss/loss": HEALTHY["value_loss"],
        "input_info/learning_rate": [3e-4] * POINTS,
        "input_info/clip_range": [0.2] * POINTS,
        "input_info/advantage": [0.0] * POINTS,
        "input_info/discounted_rewards": HEALTHY["episode_return"],
        "input_info/old_neglog_action_probability": HEALTHY["entropy"],
        "input_info/old_value_pred": HEALTHY["episode_return"],
        "episode_reward": HEALTHY["episode_return"],
    }
    folder = write_events(tmp_path / "PPO2_1", STEPS, tags)
    run = read_run(folder)
    assert (run.framework, run.algorithm, run.unknown_tags, run.findings) == ("sb2", "ppo", (), ())
    assert run.curves["clip_fraction"].tag == "loss/clip_factor" and run.curves["clip_range"].values[
        0
    ] == pytest.approx(0.2)
    assert run.curves["entropy"].values.min() > 0
    assert judged(folder).verdict == "healthy"
    # PPO1 calls the range a factor, and its weighted penalty the entropy's loss.
    del tags["input_info/old_value_pred"], tags["input_info/old_neglog_action_probability"]
    run = read_run(write_events(tmp_path / "PPO1_1", STEPS, tags))
    assert run.algorithm == "ppo" and not {"clip_fraction", "entropy"} & run.curves.keys()


def test_episodes_that_are_written_environment_by_environment(tmp_path, make):
    """total_episode_reward_logger: the episodes of the first environment of a rollout, then those of the second."""
    events = [make.start]
    for rollout in range(30):
        at = 2048 * rollout
        events += [make.scalars(at, {"loss/loss": 1.0, "loss/policy_gradient_loss": -0.01})]
        events += [make.scalars(at + done, {"episode_reward": float(at + done)}) for done in (300, 900, 200, 700)]
    events += [make.scalars(2048 * 30, {"loss/loss": 1.0, "loss/policy_gradient_loss": -0.01})]
    make.file(tmp_path / "events.out.tfevents.1.a", events)
    run = read_run(tmp_path)
    # None of the rollouts is taken for a run of its own.
    assert run.findings == () and len(run.curves["episode_return"]) > 100
    assert (run.curves["episode_return"].steps[-4:] - 2048 * 29).tolist() == [200, 300, 700, 900]


def test_trpo_and_ppo1_of_both(tmp_path):
    both = {"EpLenMean": curve(20, 200), "EpRewMean": curve(20, 200), "EpThisIter": [9] * POINTS}
    both |= {"EpisodesSoFar": range(POINTS), "TimeElapsed": range(POINTS), "TimestepsSoFar": steps_of(STEPS)}
    trpo = {"optimgain": curve(0.01, 0.01), "meankl": curve(0.009, 0.009), "entloss": [0.0] * POINTS}
    trpo |= {"surrgain": curve(0.01, 0.01), "entropy": curve(1.4, 0.9), "ev_tdlam_before": curve(0.0, 0.9)}
    run = read_run(write_table(tmp_path / "trpo/progress.csv", trpo | both))
    assert (run.framework, run.algorithm, run.last_step, run.unknown_tags) == ("baselines", "trpo", STEPS, ())
    assert {"kl_divergence", "entropy", "explained_variance", "episode_return"} <= run.curves.keys()
    ppo1 = {"loss_pol_surr": curve(-0.01, -0.01), "loss_pol_entpen": [0.0] * POINTS, "loss_vf_loss": curve(9, 3)}
    ppo1 |= {"loss_kl": curve(0.01, 0.01), "loss_ent": curve(1.4, 0.9), "ev_tdlam_before": curve(0.0, 0.9)}
    run = read_run(write_table(tmp_path / "ppo1/progress.csv", ppo1 | both))
    assert (run.algorithm, run.unknown_tags) == ("ppo", ()) and "approx_kl" in run.curves


def test_off_policy_methods(tmp_path):
    deepq = {"% time spent exploring": [100, 50, 2] * 20, "episodes": range(POINTS), "steps": steps_of(STEPS)}
    deepq |= {"mean 100 episode reward": curve(20, 200)}
    run = read_run(write_table(tmp_path / "deepq/progress.csv", deepq))
    assert (run.framework, run.algorithm, run.last_step) == ("baselines", "dqn", STEPS)
    assert run.curves["exploration_rate"].values[:3].tolist() == [1.0, 0.5, 0.02]
    sac = {
        "current_lr": [3e-4] * POINTS,
        "ent_coef": curve(1, 0.1),
        "ent_coef_loss": curve(-1, 0),
        "entropy": curve(1, 0),
    }
    sac |= {
        "ep_rewmean": curve(-1500, -200),
        "eplenmean": [200] * POINTS,
        "episodes": range(POINTS),
        "fps": [90] * POINTS,
    }
    sac |= {"mean 100 episode reward": curve(-1500, -200), "n_updates": range(POINTS), "policy_loss": curve(0, 100)}
    sac |= {"qf1_loss": curve(9, 3), "qf2_loss": curve(9, 3), "time_elapsed": range(POINTS), "value_loss": curve(9, 3)}
    run = read_run(write_table(tmp_path / "sac/progress.csv", sac | {"total timesteps": steps_of(STEPS)}))
    assert (run.framework, run.algorithm, run.last_step, run.unknown_tags) == ("sb2", "sac", STEPS, ())
    assert {"actor_loss", "critic_loss", "ent_coef", "episode_return"} <= run.curves.keys()
    assert not {"policy_loss", "value_loss", "entropy"} & run.curves.keys()


def test_hindsight_experience_replay(tmp_path):
    her = {"epoch": range(POINTS), "train/success_rate": curve(0, 0.9), "test/success_rate": curve(0, 1)}
    her |= {"test/mean_Q": curve(-3, -1), "train/episode": range(POINTS), "test/episode": range(POINTS)}
    run = read_run(
        write_table(tmp_path / "progress.csv", her | {"stats_o/mean": curve(0, 1), "stats_g/std": curve(1, 1)})
    )
    assert (run.framework, run.algorithm, run.step_axis, run.unknown_tags) == ("baselines", "td3", "iterations", ())
    assert {"success_rate", "evaluation_success_rate", "q_value"} == run.curves.keys()
