"""The end of a log, as ``tail`` leaves it, and one that is cut off: what came before is not judged."""

from __future__ import annotations

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Run, Verdict
from tests.logs.printed.texts import read


def codes(run: Run) -> set[str]:
    return {finding.code for finding in run.findings}


def cleanrl(first: int, returns: list[float]) -> list[str]:
    return [f"global_step={first + 500 * i}, episodic_return={value:.1f}" for i, value in enumerate(returns)]


NOISE = np.random.default_rng(0).normal(0, 4, 200)
# A learning rate that a schedule has taken to its end, and a policy that explores no more: both are usual there.
OWN = "Episode {i} | Avg Reward: {r:.2f} | Loss: 0.013 | Eps: 0.05 | lr: 1e-06"
STILL = "step={s} mean_reward={r:.2f} approx_kl=1e-9 entropy=0.01 clip_frac=0.0 explained_variance=0.99 lr=1e-7"


@pytest.mark.parametrize(
    "lines",
    [
        cleanrl(2_000_000, [180 + noise for noise in NOISE]),
        [OWN.format(i=18_000 + i, r=180 + noise) for i, noise in enumerate(NOISE)],
        [STILL.format(s=2_000_000 + 2048 * i, r=180 + noise) for i, noise in enumerate(NOISE)],
        [f"step={5_000_000 + 1000 * i} reward=500.0 loss=0.1" for i in range(100)],
        [
            f"  Learning iteration {2400 + i}/3000\n  Value function loss: 0.0123\n  Mean reward: {28 + noise / 10:.2f}"
            for i, noise in enumerate(NOISE)
        ],
        [f'{{"step": {4_000_000 + 2000 * i}, "episode_reward": {812 + noise:.1f}}}' for i, noise in enumerate(NOISE)],
    ],
    ids=["cleanrl", "own", "ppo", "constant", "rsl_rl", "json"],
)
def test_the_flat_end_of_a_log_is_no_failure(tmp_path, lines):
    said = diagnose_run(read(tmp_path, *lines))
    assert said.verdict is Verdict.UNJUDGED
    assert "LOG212" in {finding.code for finding in said.findings}
    assert "The logs begin at " in said.summary
    assert said.diagnoses[0].remedy.startswith("Diagnose the whole log")
    assert any("RET101" in item.reason and "do not begin with" in item.reason for item in said.unjudged)


def test_what_the_end_itself_shows_is_judged(tmp_path):
    lost = [180 - (0 if i < 100 else 1.7 * (i - 100)) + noise for i, noise in enumerate(NOISE)]
    said = diagnose_run(read(tmp_path, *cleanrl(2_000_000, lost)))
    assert said.verdict in (Verdict.SICK, Verdict.SUSPECT)
    assert {"RET102", "RET103"} & {finding.code for finding in said.findings}
    rising = [20 + 0.8 * i + noise for i, noise in enumerate(NOISE)]
    assert diagnose_run(read(tmp_path, *cleanrl(2_000_000, rising))).verdict is Verdict.HEALTHY
    huge = [f"step={3_000_000 + 2048 * i} mean_reward=180 approx_kl=0.9 clip_frac=0.8" for i in range(100)]
    assert "UPD103" in {finding.code for finding in diagnose_run(read(tmp_path, *huge)).findings}
    nan = [f"step={3_000_000 + 2048 * i} mean_reward=180 approx_kl=nan value_loss=nan" for i in range(100)]
    assert diagnose_run(read(tmp_path, *nan)).verdict is Verdict.SICK


def test_logs_that_begin_with_the_training_are_told_from_tails(tmp_path):
    flat = [20 + noise / 4 for noise in NOISE]
    whole = diagnose_run(read(tmp_path, *cleanrl(500, flat)))
    assert "RET101" in {finding.code for finding in whole.findings}
    for first in (0, 500, 10_000):  # an episode that takes its time, or a buffer that fills
        assert "LOG212" not in codes(read(tmp_path, *cleanrl(first, flat)))
    table = tmp_path / "curves.csv"
    table.write_text("\n".join(["global_step,episode_return", *(f"{10**6 + 500 * i},{i % 5}" for i in range(99))]))
    assert "LOG212" in codes(read_run(table))


def test_what_head_leaves_is_read(tmp_path):
    text = "\n".join(
        "\n".join(
            [
                "-" * 40,
                "| rollout/ | |",
                f"|    ep_rew_mean | {20 * i} |",
                "| time/ | |",
                f"|    total_timesteps | {2048 * i} |",
            ]
        )
        for i in range(1, 30)
    )
    for count in (700, 1011, 1500):
        (tmp_path / "train.log").write_text(text[:count])
        run = read_run(tmp_path / "train.log")
        returns = run.curves["episode_return"].values.tolist()
        assert returns == [20.0 * i for i in range(1, len(returns) + 1)]
        assert len(returns) > 4
