"""AgileRL: curves made up under the tags that agilerl 2.58.0 wrote in a training of PPO on CartPole-v1."""

from __future__ import annotations

from rldoctor.logs import read_run

from .made_up import POINTS, curve, judged, rising, steps_of, write_events

TOTAL = 120_000


def written(folder, returns, **losses):
    """Write what PPO logs, with a population of two; losses are divided by the batch size, 64."""
    steps = [float(step) for step in steps_of(TOTAL)]
    tags = {"train/global_step": steps, "train/steps_per_second": curve(900, 900), "eval/mean_fitness": returns}
    tags |= {"eval/best_fitness": returns, "train/mean_score": returns}
    tags["train/mean_entropy_loss"] = curve(-0.0108, -0.006)
    tags |= {f"train/mean_{name}": values for name, values in losses.items()}
    for agent in range(2):
        tags |= {f"eval/agent_{agent}/fitness": returns, f"train/agent_{agent}/score": returns}
        tags |= {f"train/agent_{agent}/local_steps": steps, f"train/agent_{agent}/batch_size": [64.0] * POINTS}
    return write_events(folder, TOTAL, tags)


def test_returns_are_read_and_losses_without_a_scale_are_not(tmp_path):
    run = read_run(written(tmp_path / "run", rising(), value_loss=curve(0.7, 1.5), policy_loss=curve(-1e-5, -1e-5)))
    assert (run.framework, run.algorithm, run.step_axis, run.last_step) == ("agilerl", "ppo", "env_steps", TOTAL)
    assert run.unknown_tags == ()
    assert set(run.curves) == {"episode_return", "evaluation_return", "throughput", "value_loss"}
    assert judged(tmp_path / "run").verdict == "healthy"


def test_a_fresh_policy_is_not_called_collapsed(tmp_path):
    # Its entropy is 0.69, of which AgileRL logs 0.0108.
    subject = judged(written(tmp_path / "run", curve(20, 24, 22, 23, 22), value_loss=curve(0.7, 0.7)))
    assert "policy-collapsed" not in [one.name for one in subject.diagnoses[:1]]
