"""Runs of off-policy methods as people keep them: monitor files, and the settings beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Curve, Run, RunDiagnosis, Verdict
from rldoctor.settings.in_memory import settings_in_memory
from tests.settings.files import ordered

LATE = "learning-starts-too-late"


def kept(folder: Path, returns: np.ndarray, lengths: np.ndarray, **settings: object) -> RunDiagnosis:
    """Diagnose what SB3's Monitor and the RL Baselines3 Zoo leave of a training."""
    rows = [f"{r:.4f},{int(n)},{0.01 * t:.3f}" for t, (r, n) in enumerate(zip(returns, lengths, strict=True))]
    header = json.dumps({"t_start": 1.7e9, "env_id": "Some-v0"})
    (folder / "0.monitor.csv").write_text("\n".join([f"#{header}", "r,l,t", *rows]) + "\n")
    (folder / "Some-v0").mkdir()
    (folder / "Some-v0" / "args.yml").write_text(ordered({"algo": settings.pop("algo"), "env": "Some-v0", "seed": 0}))
    (folder / "Some-v0" / "config.yml").write_text(ordered({"learning_starts": 1_000, **settings}))
    return diagnose_run(read_run(folder))


def drawn(*shape: float, episodes: int = 1_000, noise: float = 80.0) -> np.ndarray:
    """Return episode returns through a few points, with noise."""
    line = np.interp(np.linspace(0, 1, episodes), np.linspace(0, 1, len(shape)), shape)
    return line + np.random.default_rng(0).normal(0.0, noise, episodes)


def causes(found: RunDiagnosis) -> list[str]:
    return [cause.name for cause in found.diagnoses]


@pytest.mark.parametrize("algorithm", ["sac", "tqc", "td3"])
@pytest.mark.parametrize(
    ("shape", "verdicts"),
    [
        ((-1300, -300, -170, -150, -150), {Verdict.HEALTHY}),
        ((-1300, -1290, -1310, -1300), {Verdict.SICK, Verdict.SUSPECT}),
        ((-1300, -200, -160, -160, -1400, -1450, -1450), {Verdict.SICK, Verdict.SUSPECT}),
    ],
    ids=["healthy", "flat", "collapsed"],
)
def test_monitor_files_alone_do_not_say_that_learning_starts_late(
    tmp_path: Path, algorithm: str, shape: tuple[float, ...], verdicts: set[Verdict]
) -> None:
    found = kept(tmp_path, drawn(*shape), np.full(1_000, 200), algo=algorithm, n_timesteps=200_000.0)
    assert LATE not in causes(found)[:1]
    assert found.verdict in verdicts


@pytest.mark.parametrize("failures", [150, 200, 400])
def test_many_short_failures_at_the_end_are_a_collapse(tmp_path: Path, failures: int) -> None:
    """An agent of CartPole that falls at once: its last episodes are a hundredth of the steps."""
    lengths = np.r_[
        np.clip(drawn(20, 150, 400, 480, 490, episodes=300, noise=15.0), 9, 500), np.full(failures, 9)
    ].round()
    found = kept(tmp_path, lengths, lengths, algo="dqn", n_timesteps=120_000.0)
    assert lengths[-failures:].sum() < 0.04 * lengths.sum()
    assert found.verdict is Verdict.SICK
    assert causes(found)[0] == "performance-collapse"


@pytest.mark.parametrize("last", [(480, 490), (430, 440), (490, 300, 490)])
def test_a_dqn_that_ends_well_is_no_collapse(tmp_path: Path, last: tuple[int, ...]) -> None:
    lengths = np.clip(drawn(10, 12, 60, 250, *last, episodes=600, noise=15.0), 9, 500).round()
    assert kept(tmp_path, lengths, lengths, algo="dqn", n_timesteps=150_000.0).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("rate", "first"), [(3.0, "learning-rate-too-high"), (0.3, "learning-rate-too-high"), (3e-4, "non-finite-values")]
)
def test_a_rate_that_is_far_too_high_comes_before_the_nan_on_which_training_broke(rate: float, first: str) -> None:
    """SAC broke before its first row of losses: a few returns, and what run.json says."""
    steps = np.array([200, 400, 600, 800])
    curves = {
        "episode_return": Curve("episode_return", steps, np.array([-1300.0, -1250.0, -1320.0, -1290.0])),
        "episode_length": Curve("episode_length", steps, np.full(4, 200.0)),
    }
    error = "ValueError: Expected parameter loc to satisfy the constraint Real(), but found tensor([[nan]])"
    stated = settings_in_memory("sb3", {"algorithm": "sac", "learning_rate": rate}, "run.json")
    broken = Run("x", "sb3", curves, record={"status": "failed", "error": error}, settings=stated, algorithm="sac")
    found = diagnose_run(broken)
    assert found.verdict is Verdict.SICK
    assert causes(found)[0] == first
