"""Lines as libraries print them, taken from issues and documents of public repositories; the numbers vary."""

from __future__ import annotations

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Verdict
from tests.logs.printed.texts import points, read

FPS = "fps step: 261574 fps step and policy inference: 230705 fps total: 181660 epoch: {i}/500 frames: {f}"


def test_rl_games_prints_the_best_return_alone(tmp_path):
    """OmniIsaacGymEnvs: what only rises says nothing of a fall, and is not taken for the return."""
    lines = []
    for i in range(1, 31):
        lines += [FPS.format(i=i, f=65536 * (i - 1)), f"saving next best rewards:  [{5771.39 + i}]"]
        lines += ["=> saving checkpoint '/home/midea/hyw/code/OmniIsaacGymEnvs/omniisaacgymenvs/runs/Ant/nn/Ant.pth'"]
    run = read(tmp_path, *lines)
    assert run.framework == "rl_games"
    assert "episode_return" not in run.curves
    assert "LOG109" in {finding.code for finding in run.findings}
    assert run.curves["throughput"].steps.tolist()[:2] == [0, 65536]
    said = diagnose_run(run)
    assert said.verdict is Verdict.UNJUDGED
    assert said.diagnoses[0].remedy.startswith("Name the folder")


@pytest.mark.parametrize(
    "name", ["last_Ant_ep_{i}_rew_{r}.pth", "last_Ant_ep_{i}_rew__{r}_.pth", "last_Antep={i}rew=[{r}].pth"]
)
def test_rl_games_saves_the_return_in_names(tmp_path, name):
    lines = []
    for i in range(10, 60, 10):
        lines += [FPS.format(i=i, f=65536 * (i - 1)), "saving next best rewards:  [9000.0]"]
        lines += [f"=> saving checkpoint 'runs/Ant/nn/{name.format(i=i, r=100.5 * i)}'"]
    run = read(tmp_path, *lines)
    assert points(run) == [(65536 * (i - 1), 100.5 * i) for i in range(10, 60, 10)]
    assert "LOG109" not in {finding.code for finding in run.findings}


def test_rl_games_without_frames_counts_epochs(tmp_path):
    line = "fps step: 398 fps total: 369 epoch: {i}/1000 mean reward: {r} mean lengths: 9.0"
    run = read(tmp_path, *(line.format(i=i, r=i / 2) for i in range(1, 101)))
    assert run.step_axis == "iterations"
    assert run.curves["episode_length"].values[0] == 9
    assert diagnose_run(run).summary.endswith("The run is unfinished: 10% of 1,000 iterations.")


def test_tianshou_with_its_losses(tmp_path):
    """thu-ml/tianshou, issue 449."""
    line = "Epoch #{i}: 50001it [00:40, 1244.54it/s, env_step={s}, len=200, loss=-0.562, loss/clip=-0.584, "
    line += "loss/ent=0.468, loss/vf=0.044, n/ep=7, n/st=2000, rew={r:.2f}]\n"
    line += "Epoch #{i}: test_reward: {r:.6f} ± 0.000000, best_reward: 200.000000 ± 0.000000 in #1"
    run = read(tmp_path, *(line.format(i=i, s=50000 * i, r=20 * i) for i in range(1, 6)))
    assert points(run, "evaluation_return") == [(50000 * i, 20.0 * i) for i in range(1, 6)]
    found = {name: run.curves[name].values[0] for name in ("entropy", "value_loss", "policy_loss", "loss")}
    assert found == {"entropy": 0.468, "value_loss": 0.044, "policy_loss": -0.584, "loss": -0.562}


def test_dopamine(tmp_path):
    lines = []
    for i in range(5):
        lines += [f"I0908 17:19:39.618797 1803949 run_experiment.py:446] Starting iteration {i}"]
        lines += [f"Steps executed: {n} Episode length: 200 Return: -200.0\r" for n in (200, 400)]
        lines += [f"I0908 17:19:40 180 run.py:405] Average undiscounted return per training episode: {-168.5 + i}"]
        lines += [f"I0908 17:19:45 180 run.py:427] Average undiscounted return per evaluation episode: {i}.5"]
    run = read(tmp_path, *lines)
    assert (run.framework, run.step_axis) == ("dopamine", "iterations")
    assert points(run) == [(i, -168.5 + i) for i in range(5)]
    assert points(run, "evaluation_return") == [(i, i + 0.5) for i in range(5)]


def test_acme(tmp_path):
    before = "I0706 16:26:12.100667 139610159986432 terminal.py:91] "
    lines = []
    for i in range(1, 6):
        lines += [f"{before}[Actor] Actor Episodes = 8 | Actor Steps = {300 * i} | Episode Return = -{i}.5"]
        lines += [f"{before}[Evaluator] Episode Length = 300 | Episode Return = {i}.25 | Evaluator Steps = 120000"]
        lines += [f"{before}[Learner] Critic Loss = 36.8 | Learner Steps = {i} | Policy Loss = 0.3"]
    run = read(tmp_path, *lines)
    assert points(run) == [(300 * i, -(i + 0.5)) for i in range(1, 6)]
    assert points(run, "evaluation_return") == [(300 * i, i + 0.25) for i in range(1, 6)]
    assert run.curves["critic_loss"].values[0] == 36.8


def test_lerobot_is_judged_by_its_evaluations(tmp_path):
    train = "INFO 2024-06-23 17:14:09 step:{i}K smpl:8K ep:20 epch:20.02 loss:0.053 grdn:10.005"
    evaluated = "INFO 2024-06-23 17:20:39 step:{i}K smpl:8K ep:20 epch:20.02 ∑rwrd:{r:.3f} success:{p:.1f}%"
    lines = [line for i in range(1, 9) for line in (train.format(i=i), evaluated.format(i=i, r=14.88 * i, p=10 * i))]
    run = read(tmp_path, *lines)
    assert points(run, "evaluation_return")[-1] == (8000, pytest.approx(119.04))
    assert run.curves["evaluation_success_rate"].values[-1] == pytest.approx(0.8)
    # Losses and learning rates of imitation are none of reinforcement learning.
    assert set(run.curves) == {"evaluation_return", "evaluation_success_rate"}
    alone = read(tmp_path, *(train.format(i=i) for i in range(1, 40)))
    assert diagnose_run(alone).verdict is Verdict.UNJUDGED


def test_playground(tmp_path):
    lines = ["PPO Training Parameters:", "num_timesteps: 60000000"]
    lines += [f"{4915200 * i}: reward={1.25 + i:.3f}" for i in range(6)]
    run = read(tmp_path, *lines, "Done training.", "Time to JIT compile: 64.1", "Time to train: 512.2")
    assert (run.framework, run.step_axis) == ("brax", "env_steps")
    assert points(run, "evaluation_return") == [(4915200 * i, 1.25 + i) for i in range(6)]


def test_the_logger_of_drqv2_and_of_sac_ae(tmp_path):
    line = "| \x1b[33mtrain\x1b[0m | F: {f} | S: {s} | E: 1 | L: 1000 | R: {r:.4f} | FPS: 95.1 | T: 0:00:07"
    run = read(
        tmp_path,
        *(line.format(f=2000 * i, s=1000 * i, r=i) for i in range(1, 6)),
        "| \x1b[32meval\x1b[0m  | F: 10000 | S: 5000 | E: 5 | L: 1000 | R: 9.0000 | T: 0:01:00",
    )
    assert (run.framework, points(run)[0]) == ("drqv2", (2000, 1.0))
    assert points(run, "evaluation_return") == [(10000, 9.0)]
    older = "| train | E: {i} | S: {s} | D: 25.1 s | R: {r:.4f} | BR: 0.5 | A_LOSS: -3.1 | CR_LOSS: 0.2"
    run = read(tmp_path, *(older.format(i=i, s=1000 * i, r=i) for i in range(1, 6)))
    assert points(run) == [(1000 * i, float(i)) for i in range(1, 6)]
