"""A training that stopped on NaN whose logs end finite: what DoctorCallback left beside them tells of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rldoctor import diagnose
from rldoctor.model import Verdict

RETURNS = (-1300, -1100, -900, -700, -520, -400, -330, -290, -260, -250, -240, -235)


def logged(folder: Path) -> Path:
    """Write a training that improves to step 245,760, as SB3's CSV logger does."""
    rows = [f"{20_480 * (i + 1)},{value},200" for i, value in enumerate(RETURNS)]
    head = "time/total_timesteps,rollout/ep_rew_mean,rollout/ep_len_mean"
    (folder / "progress.csv").write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return folder


def last_steps(folder: Path, last: int) -> None:
    steps = np.arange(last - 9, last + 1)
    rewards = np.zeros((10, 1))
    rewards[-1] = np.nan
    np.savez(folder / "before-nan.npz", steps=steps, actions=np.zeros((10, 1, 1)), rewards=rewards)


def test_it_is_not_healthy(tmp_path: Path) -> None:
    [before] = diagnose(logged(tmp_path)).subjects
    assert before.verdict is Verdict.HEALTHY
    last_steps(tmp_path, 250_001)
    [said] = diagnose(tmp_path).subjects
    assert said.verdict is not Verdict.HEALTHY
    assert said.diagnoses[0].name == "non-finite-values"
    [found] = [one for one in said.findings if one.code == "NUM103"]
    assert found.message == "Training stopped on NaN: before-nan.npz holds its last steps, until step 250,001."


def test_one_that_went_on_is_judged_by_its_logs(tmp_path: Path) -> None:
    last_steps(logged(tmp_path), 90_000)
    [said] = diagnose(tmp_path).subjects
    assert said.verdict is Verdict.HEALTHY


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04cut off"])
def test_a_damaged_file_says_nothing(tmp_path: Path, content: bytes) -> None:
    (logged(tmp_path) / "before-nan.npz").write_bytes(content)
    [said] = diagnose(tmp_path).subjects
    assert said.verdict is Verdict.HEALTHY
