"""Returns that go nowhere: whatever their ups and downs look like, nothing was learned, and nothing was lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import RunDiagnosis, Severity, Verdict

LENGTH = 200


def even(rng: np.random.Generator, count: int) -> np.ndarray:
    return 20 + rng.normal(0, 8, count)


def skewed(rng: np.random.Generator, count: int) -> np.ndarray:
    return -200 + rng.exponential(60, count)


def wandering(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return episodes each of which resembles the one before."""
    off = np.zeros(count)
    for place in range(1, count):
        off[place] = 0.8 * off[place - 1] + rng.normal(0, 3)
    return 50 + off


def one_by_one(place: Path, returns: np.ndarray) -> RunDiagnosis:
    """Diagnose episodes as CleanRL logs them: a point for each."""
    rows = [f"{LENGTH * (i + 1)},{value}" for i, value in enumerate(returns)]
    place.write_text("\n".join(["global_step,charts/episodic_return", *rows]) + "\n")
    return diagnose_run(read_run(place))


def as_means(place: Path, returns: np.ndarray, rows: int) -> RunDiagnosis:
    """Diagnose episodes as Stable-Baselines3 logs them: means over the last hundred that there are."""
    ends = np.linspace(len(returns) / rows, len(returns), rows).astype(int)
    lines = [f"{LENGTH * end},{returns[max(0, end - 100) : end].mean()},{LENGTH},0.01" for end in ends if end]
    head = "time/total_timesteps,rollout/ep_rew_mean,rollout/ep_len_mean,train/approx_kl"
    place.write_text("\n".join([head, *lines]) + "\n")
    return diagnose_run(read_run(place))


def errors(said: RunDiagnosis) -> set[str]:
    return {finding.code for finding in said.findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize("draw", [even, skewed, wandering])
@pytest.mark.parametrize("count", [300, 1_500])
def test_episodes_one_by_one_neither_rise_nor_fall(tmp_path, draw, count):
    for seed in range(6):
        said = one_by_one(tmp_path / "log.csv", draw(np.random.default_rng(seed), count))
        assert said.verdict is not Verdict.HEALTHY
        assert not errors(said) & {"RET102", "RET103"}, (seed, errors(said))
        assert "RET101" in {finding.code for finding in said.findings}


@pytest.mark.parametrize("draw", [even, skewed, wandering])
def test_means_over_few_episodes_are_no_level_to_start_from(tmp_path, draw):
    for seed in range(8):
        said = as_means(tmp_path / "progress.csv", draw(np.random.default_rng(seed), 500), rows=49)
        assert said.verdict is not Verdict.HEALTHY
        assert not errors(said) & {"RET102", "RET103"}, (seed, errors(said))


def test_what_rises_or_falls_through_the_same_noise_is_seen(tmp_path):
    rng = np.random.default_rng(0)
    way = 60 / (1 + np.exp(-(np.arange(600) - 250) / 60))
    noise = rng.normal(0, 8, 600)
    assert one_by_one(tmp_path / "up.csv", 20 + way + noise).verdict is Verdict.HEALTHY
    assert "RET102" in errors(one_by_one(tmp_path / "down.csv", 100 - way + noise))
    there_and_back = 20 + way * (np.arange(600) < 450) + noise
    assert "RET103" in errors(one_by_one(tmp_path / "back.csv", there_and_back))
