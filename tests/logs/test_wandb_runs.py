"""Runs of Weights & Biases' local folders; data/wandb was written by wandb 0.31.0 offline, once by run.log and once
synchronised with TensorBoard."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from rldoctor.logs import discover, read_run
from rldoctor.logs.remote import _folders

DIRECT = Path(__file__).parent / "data/wandb/direct"
SYNCED = DIRECT.parent / "synced"
BLOCK = 32 * 2**10


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(DIRECT, tmp_path / "run"))


def history(folder):
    [path] = folder.glob("*.wandb")
    return path


def test_rows_that_a_script_logged():
    assert discover([DIRECT.parent]) == [DIRECT, SYNCED]
    found = read_run(DIRECT)
    assert (found.framework, found.algorithm) == ("cleanrl", "ppo")
    # Text, histograms and nested numbers are no curves; a number that nobody knows is named.
    assert set(found.unknown_tags) >= {"my/own", "nested.a"} or "my/own" in found.unknown_tags
    returns = found.curves["episode_return"]
    assert returns.steps.tolist() == [2048 * i for i in range(1, 41)]
    assert found.curves["entropy"].values.tolist() == pytest.approx([0.69 - 0.005 * i for i in range(1, 41)])
    losses = found.curves["value_loss"].values
    assert math.isnan(losses[4]) and losses[5] == pytest.approx(2 * 50 / 6)


def test_rows_synchronised_with_tensorboard():
    found = read_run(SYNCED)
    assert (found.framework, found.findings) == ("sb3", ())
    assert found.curves["approx_kl"].steps.tolist() == [2048 * i for i in range(1, 41)]
    assert found.curves["entropy"].values[0] == pytest.approx(0.685)


def test_copies_of_event_files_are_no_other_run(run):
    (run / "files").mkdir()
    (run / "files/events.out.tfevents.1").write_bytes(b"")
    assert discover([run.parent]) == [run]
    files = ["b/run/run-a.wandb", "b/run/files/events.out.tfevents.1", "b/runs/events.out.tfevents.1"]
    assert set(_folders(files)) == {"b/run", "b/runs"}


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.6, 0.999])
def test_a_file_that_ends_early_keeps_what_is_whole(run, share):
    whole = history(DIRECT).read_bytes()
    history(run).write_bytes(whole[: int(share * len(whole))])
    found = read_run(run)
    steps = found.curves["episode_return"].steps.tolist() if found.curves else []
    assert steps == [2048 * i for i in range(1, len(steps) + 1)]
    assert len(steps) >= math.floor(40 * share) - 2
    assert [finding.code[:4] for finding in found.findings] or share > 0


def test_a_damaged_block_is_told_and_the_next_one_read(run):
    content = bytearray(history(run).read_bytes())
    assert len(content) > BLOCK
    content[BLOCK // 2] ^= 1
    history(run).write_bytes(content)
    found = read_run(run)
    assert "LOG102" in {finding.code for finding in found.findings}
    steps = found.curves["episode_return"].steps.tolist()
    # What stands before the damage, and what stands in the next block.
    assert steps[0] == 2048 and steps[-1] == 2048 * 40 and 10 < len(steps) < 40


@pytest.mark.parametrize("content", [b"", b"text", b":W&B", b":W&B\xe1\xbe\x00" + bytes(3000), bytes(40_000)])
def test_no_file_of_theirs(run, content):
    history(run).write_bytes(content)
    found = read_run(run)
    assert not found.curves and found.findings
