"""Texts that are odd: printed twice, resumed, with the numbers of other countries and compilers, or with NaN."""

from __future__ import annotations

import gzip
import math
import os

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import UsageError
from rldoctor.logs import discover, read_run
from rldoctor.model import Verdict
from rldoctor.render.answer import answer
from tests.logs.printed.texts import read

NOISE = np.random.default_rng(0).normal(0, 3, 400)


def table(row: int, value: float) -> list[str]:
    lines = ["-" * 40, "| rollout/             |      |", f"|    ep_rew_mean       | {value:.3g} |", "| time/ |   |"]
    return [*lines, f"|    total_timesteps   | {2048 * row} |", "| train/ |  |", "|    approx_kl | 0.0085 |", "-" * 40]


def tables(first: int, last: int, more: float = 0.0) -> list[str]:
    return [line for row in range(first, last + 1) for line in table(row, 500 - 480 * math.exp(-row / 10) + more)]


OWN = "Episode {i} | Reward: {r} | Epsilon: 0.950"


@pytest.mark.parametrize(
    "write",
    [
        lambda value: f"{value:,.2f}",
        lambda value: f"{value:,.2f}".replace(",", "'"),
        lambda value: f"{value:,.2f}".replace(",", " "),
        lambda value: f"{value:,.2f}".replace(",", "\u202f"),
        lambda value: f"{value:.2e}".upper(),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_thousands_may_be_set_apart(tmp_path, write, sign):
    values = [sign * 120.0 * i for i in range(1, 60)]
    run = read(tmp_path, *(OWN.format(i=i, r=write(value)) for i, value in enumerate(values, 1)))
    np.testing.assert_allclose(run.curves["episode_return"].values, values, rtol=5e-3)


def test_decimal_commas(tmp_path):
    values = [120.25 * i for i in range(1, 60)]
    lines = [OWN.format(i=i, r=f"{value:,.2f}") for i, value in enumerate(values, 1)]
    run = read(tmp_path, *(line.translate(str.maketrans(",.", ".,")) for line in lines))
    assert run.curves["episode_return"].values.tolist() == values
    assert set(run.curves["exploration_rate"].values.tolist()) == {0.95}


@pytest.mark.parametrize(
    "odd", ["nan", "NaN", "-nan", "1.#QNAN", "-1.#IND00", "-nan(ind)", "-inf", "Infinity", "1.#INF"]
)
def test_a_return_that_becomes_no_number_is_no_healthy_one(tmp_path, odd):
    run = read(tmp_path, *(f"Episode {i} | reward: {i if i < 40 else odd} | loss: 0.3" for i in range(90)))
    assert np.isnan(run.curves["episode_return"].values[-1]) == ("inf" not in odd.lower())
    said = diagnose_run(run)
    assert said.verdict is Verdict.SICK
    assert said.summary == "Training failed. Most likely cause: non-finite-values."
    assert said.health is not None and said.health < said.diagnoses[0].probability
    [row] = [row for row in said.table if row.metric == "episode_return"]
    assert (row.mark, row.seen.split()[-1]) == ("bad", f"{run.curves['episode_return'].values[-1]:.3g}")


def test_dictionaries_with_what_numpy_and_torch_print(tmp_path):
    text = "{{'loss': {a}, 'grad_norm': {b}, 'learning_rate': 1e-06, 'reward': {c}, "
    text += "'reward_std': 0.3, 'kl': {d}, 'epoch': 0.1}}"
    good = [
        text.format(a="np.float64(0.001)", b="tensor(0.4, device='cuda:0')", c=f"np.float32({0.5 + i / 100})", d=0.001)
        for i in range(60)
    ]
    run = read(tmp_path, *good)
    assert run.framework == "trl_grpo"
    assert run.curves["episode_return"].values.tolist() == [0.5 + i / 100 for i in range(60)]
    run = read(tmp_path, *good[:20], *(text.format(a="nan", b="nan", c=0.0, d="nan") for _ in range(40)))
    assert "NUM101" in {finding.code for finding in diagnose_run(run).findings}


def test_a_text_with_each_line_twice_is_read_once(tmp_path):
    once = tables(1, 40)
    run, twice = read(tmp_path, *once), read(tmp_path, *(line for line in once for _ in "ab"))
    assert set(run.curves) == set(twice.curves)
    for name, curve in run.curves.items():
        assert twice.curves[name].values.tolist() == curve.values.tolist()


def test_a_training_that_was_resumed_within_a_text_is_one(tmp_path):
    error = ["Traceback (most recent call last):", "  File 'train.py', line 3", "RuntimeError: CUDA error"]
    run = read(tmp_path, *tables(1, 25), *error, "Loading checkpoint", *tables(21, 50, more=-5.0))
    [finding] = [finding for finding in run.findings if finding.code.startswith("LOG2")]
    assert finding.code == "LOG202"
    assert "goes on from step 43008 although it had reached 51200" in finding.message
    assert run.curves["episode_return"].steps.tolist() == [2048 * row for row in range(1, 51)]
    assert diagnose_run(run).verdict is Verdict.HEALTHY


def test_seeds_after_one_another_in_one_text_are_counted(tmp_path):
    lines = [OWN.format(i=i, r=f"{i + NOISE[i]:.1f}") for _ in range(3) for i in range(1, 200)]
    run = read(tmp_path, *lines)
    [finding] = [finding for finding in run.findings if finding.code == "LOG201"]
    assert finding.message.startswith("At least 3 runs share this file")
    assert "log file" in finding.remedy
    assert len(run.curves["episode_return"]) == 199


def test_the_middle_of_tables_is_no_failure(tmp_path):
    said = diagnose_run(read(tmp_path, *tables(18, 34)[3:-3]))
    assert said.verdict is Verdict.UNJUDGED
    assert "LOG212" in {finding.code for finding in said.findings}


@pytest.mark.parametrize(
    "error",
    [
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
        "gymnasium.error.DependencyNotInstalled: No module named 'mujoco_py'. HINT: install it",
        "queue.Empty",
    ],
)
def test_a_crash_is_told_beside_a_return_that_improves(tmp_path, error):
    begun = ["Traceback (most recent call last):", '  File "train.py", line 3, in <module>', "    main()"]
    said = diagnose_run(read(tmp_path, *tables(1, 30), *begun, error))
    assert said.verdict is Verdict.HEALTHY
    assert said.summary.endswith("Training stopped with an error.")
    assert any(error in text for _, text in answer(said))
    said = diagnose_run(read(tmp_path, *begun, error))
    assert said.verdict is Verdict.UNJUDGED
    assert said.summary.startswith("Training stopped with an error")


def test_returns_near_the_largest_number_are_judged_without_warnings(tmp_path, recwarn):
    diagnose_run(read(tmp_path, *(f"step: {i}00, reward: {(-1) ** i * 1e308}, loss: 1e308" for i in range(90))))
    assert not recwarn.list


def test_a_text_with_a_block_of_zeros_is_read(tmp_path):
    lines = [OWN.format(i=i, r=i) for i in range(60)]
    file = tmp_path / "train.log"
    for place in (20, 60):
        text = "\n".join(lines[:place]) + "\0" * 4096 + "\n".join(lines[place:])
        file.write_bytes(text.encode())
        assert discover([file]) == [file]
        assert read_run(file).curves["episode_return"].values.tolist() == [*range(60)]


def test_what_is_no_text_is_refused_in_a_sentence(tmp_path):
    file, pipe = tmp_path / "train.log.gz", tmp_path / "pipe.log"
    file.write_bytes(gzip.compress(b"reward: 1"))
    with pytest.raises(UsageError, match="is compressed"):
        discover([file])
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="is a pipe"):
        discover([pipe])


def test_returns_of_cleanrl_as_numpy_writes_them(tmp_path):
    run = read(tmp_path, *(f"global_step={500 * i}, episodic_return=np.float32({i}.5)" for i in range(1, 30)))
    assert run.framework == "cleanrl"
    assert run.curves["episode_return"].values.tolist() == [i + 0.5 for i in range(1, 30)]


@pytest.mark.parametrize(
    "line",
    [
        "2024-03-01 12:00:{i:02d} INFO order 1000{i} customer={i} total={i}.5 reward points: {i} average reward: 0.{i}",
        "tests/test_reward.py::test_episode_return[{i}-reward: {i}.0, loss: 0.1] PASSED [ {i}%]",
        "[   12.0000{i}] CPU3: step {i} loss of signal 0x3, score {i}, reward 3 irq 2",
        "iteration {i}: impressions=1000 clicks={i} mean_reward=0.0{i} campaign=2",
        "Epoch {i} | Total Reward: {i}.5 SOL | APY: 7.1% | Validators: 1900",
        "step={i} price=100.{i} reward=0.{i} position=1",
        '{{"time": 17{i}, "step": {i}, "user": 3, "total_reward": {i}, "score": 2}}',
        "epoch={i} slot=32{i} total_rewards={i}.5 balance=32.{i}",
        "Generation {i}: best fitness 3.{i}, average score 2.{i}, mean length 30.2",
        "Fold {i}: train score: 0.9{i}, val score: 0.8{i}, loss: 0.3",
    ],
)
def test_rewards_that_other_programs_pay_are_not_judged(tmp_path, line):
    said = diagnose_run(read(tmp_path, *(line.format(i=i) for i in range(10, 60))))
    assert said.verdict is Verdict.UNJUDGED
