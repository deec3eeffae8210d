"""What stands before each line, who printed it, and several processes in one text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Verdict
from tests.logs.printed.texts import read


def table(i: int) -> list[str]:
    lines = ["-" * 40, "| rollout/             |      |", f"|    ep_rew_mean       | {20.5 * i} |", "| time/ |   |"]
    return [*lines, f"|    total_timesteps   | {2048 * i} |", "| train/ |  |", "|    approx_kl | 0.0085 |", "-" * 40]


TABLES = ["Using cuda device", "", *(line for i in range(1, 9) for line in table(i))]
OWN = [f"Episode {i}\tScore: {i}.5\tAverage: {i}.25\tloss: 0.0{i}" for i in range(1, 40)]
# What docker, kubectl, journald, srun, mpirun, torchrun, Ray and logging write, by the number of the line.
PREFIXES: dict[str, Callable[[int], str]] = {
    "compose": lambda k: "trainer-1  | ",
    "docker -t": lambda k: f"2024-01-15T10:00:{k % 60:02d}.123456789Z ",
    "kubectl": lambda k: "[pod/train-7f9c/trainer] ",
    "kubectl with times": lambda k: f"[pod/train-7f9c/trainer] 2024-01-15T10:00:{k % 60:02d}.1Z ",
    "journald": lambda k: f"Nov 30 12:00:{k % 60:02d} gpu01 python[4242]: ",
    "srun": lambda k: "0: ",
    "mpirun": lambda k: "[1,0]<stdout>:",
    "torchrun": lambda k: "[rank0]:",
    "ray": lambda k: "\x1b[36m(train_fn pid=81233, ip=10.0.0.4)\x1b[0m ",
    "logging": lambda k: f"2024-01-15 10:00:{k % 60:02d},123 - root - INFO - ",
    "clock": lambda k: f"[10:00:{k % 60:02d}] ",
}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_what_stands_before_each_line_changes_nothing(tmp_path, prefix, end):
    for lines in (TABLES, OWN):
        bare = read(tmp_path, *lines)
        run = read(tmp_path, *(PREFIXES[prefix](k) + line for k, line in enumerate(lines)), end=end)
        assert set(run.curves) == set(bare.curves) >= {"episode_return"}
        for name, curve in bare.curves.items():
            assert run.curves[name].steps.tolist() == curve.steps.tolist()
            assert run.curves[name].values.tolist() == curve.values.tolist()
        assert "LOG108" not in {finding.code for finding in run.findings}


def test_a_number_before_a_line_is_no_process(tmp_path):
    lines = [f"{i}: done 3 games, reward {i}.5, eps 0.9" for i in range(1, 40)]
    assert read(tmp_path, *lines).curves["episode_return"].values.tolist() == [i + 0.5 for i in range(1, 40)]


@pytest.mark.parametrize("who", ["(train pid=1{p}) ", "{p}: ", "[1,{p}]<stdout>:", "[rank{p}]:", "worker-{p}  | "])
def test_of_several_processes_one_is_read(tmp_path, who):
    """Two trainings that print their episodes in turns."""
    lines = []
    for i in range(1, 41):
        for p in (0, 1):
            lines.append(who.format(p=p) + f"global_step={500 * i}, episodic_return={100 * p + i}.0")
    run = read(tmp_path, *lines)
    assert run.curves["episode_return"].values.max() <= 40
    [finding] = [finding for finding in run.findings if finding.code == "LOG108"]
    assert "2 trainings or processes" in finding.message


def test_what_other_processes_print_is_no_training(tmp_path):
    lines = []
    for i in range(1, 21):
        lines += [
            f"(RolloutWorker pid=7{i % 3}) loaded {i} of 20 shards in 0.{i} s",
            f"(Trainer pid=1) step: {i * 10} reward: {i}.5",
        ]
    run = read(tmp_path, *lines)
    assert run.curves["episode_return"].values.tolist() == [i + 0.5 for i in range(1, 21)]
    assert "LOG108" not in {finding.code for finding in run.findings}


def test_two_trainings_without_names_are_mixed(tmp_path):
    """Two started with nohup in one shell: their episodes go up side by side, one ahead of the other at times."""
    order = [(k, p) for k in range(1, 60) for p in (0, 1)]
    order.sort(key=lambda both: both[0] + (2.5 if both[1] and both[0] % 7 < 3 else 0))
    lines = [f"Episode {k} | reward: {k * (1 + p)}.5 | loss: 0.1" for k, p in order]
    run = read(tmp_path, *lines)
    assert "LOG201" in {finding.code for finding in run.findings}
    assert diagnose_run(run).verdict in (Verdict.SUSPECT, Verdict.UNJUDGED)


def test_columns_under_their_names(tmp_path):
    values = [-187.25, -20.5, 31.75, 80.5]
    for header, row in (
        ("Episode   Reward    AvgReward  Epsilon  Loss", "{i:7d}  {v:8.2f}  {v:8.2f}  0.950   0.1000"),
        ("| Episode | Reward | Epsilon |\n|---------|--------|---------|", "| {i} | {v} | 0.95 |"),
        ("│ Episode │ Total Reward │ Loss │", "│ {i}/500 │ {v} │ 0.5 │"),
        ("iter steps ep_ret ep_len", "{i:4d} {s:8d} {v:8.2f} 200"),
        ("   episode  reward  length", "{i:<3d}  {i:6d}  {v:6.2f}     200"),
    ):
        lines = [row.format(i=i, s=2048 * i, v=value) for i, value in enumerate(values, 1)]
        run = read(tmp_path, "Device: cuda", header, *lines, "Done in 3 minutes")
        assert run.curves["episode_return"].values.tolist() == values
        assert run.curves["episode_return"].steps[0] == (2048 if "steps" in header else 1)


def test_a_learning_rate_that_is_rounded_away_is_not_zero(tmp_path):
    line = "Update {i}/300, Mean reward: {i}.5, KL: 0.011, lr: {lr}"
    assert "learning_rate" not in read(tmp_path, *(line.format(i=i, lr="0.000") for i in range(9))).curves
    assert read(tmp_path, *(line.format(i=i, lr="0.003") for i in range(9))).curves["learning_rate"].values[0] == 0.003


def test_a_mean_reward_that_nothing_counts_is_read_in_its_order(tmp_path):
    run = read(tmp_path, *(f"Average reward: {i}.5, buffer: 1000" for i in range(1, 9)))
    assert run.curves["episode_return"].values.tolist() == [i + 0.5 for i in range(1, 9)]


def test_actions_of_an_episode_are_counted(tmp_path):
    line = "Episode: {i}, Actions: 2351, reward: -18, Avg. reward: -{i}.967, Time: 4.28, T/A: 1.82ms"
    run = read(tmp_path, *(line.format(i=i) for i in range(1, 9)))
    assert run.curves["episode_return"].values[0] == -1.967


@pytest.mark.parametrize(
    "line",
    [
        "I0930 10:00:{i:02d}.123456 4242 server.cc:88] request {i}: score=0.5 steps=3",
        "tests/test_env.py::test_reward[{i}-score={i}.0] PASSED                    [ {i}%]",
        "step {i}0/19560 | train loss 6.{i} | norm 1.2 | lr 6.00e-04 | 1810.22 ms | 57.1% bf16 MFU | 289543 tok/s",
        "iter {i}0: loss 4.{i}, time 132.11ms, mfu 12.81%",
        "[{i}]\ttrain-logloss:0.{i}\ttrain-error:0.1",
        '10.0.0.{i} - - [30/Nov/2026:12:00:00 +0000] "GET /episode/{i}?reward=3 HTTP/1.1" 200 5{i}',
        "{{'loss': 0.{i}, 'grad_norm': 3.1, 'learning_rate': 5e-07, 'rewards/chosen': 0.1, 'epoch': 0.1}}",
        "[{i}.000123] usb 1-1: new high-speed USB device number {i} using xhci_hcd",
        "  Downloading pkg{i}-1.{i}.0-py3-none-any.whl ({i}.5 MB)",
        "Epoch    GPU_mem   box_loss   cls_loss\n{i}        2.61       0.{i}        1.2",
        "2024-01-15 10:00:{i:02d} INFO quest completed: reward={i} gold=10{i} player=3",
        "INFO [11-30|12:00:{i:02d}.123] Imported chain segment number={i} txs=7 reward=2.{i}",
        "campaign clicks: {i} ctr: 0.0{i} total reward: 10{i}",
        "{{'loss': 0.{i}, 'grad_norm': 2, 'learning_rate': 1, 'mean_reward': 0.{i}, 'accuracy': 0.6, 'epoch': 0.1}}",
        "step {i}: reward model loss 0.{i}, reward accuracy 0.6, lr 1e-5",
        "Algorithm   Reward   Std\nalgo{i}   {i}.0   1.5",
        "| Method | Mean Reward | Success |\n|---|---|---|\n| method{i} | {i}.0 | 0.{i} |",
    ],
)
def test_what_other_programs_print_is_not_judged(tmp_path, line):
    said = diagnose_run(read(tmp_path, *(line.format(i=i) for i in range(10, 60))))
    assert said.verdict is Verdict.UNJUDGED
