"""The return that is judged, where a penalty, a bonus or a normalization is in the one that is logged as such."""

from __future__ import annotations

import numpy as np
import pytest

import rldoctor
from rldoctor.logs import read_run
from rldoctor.model import Verdict
from tests.logs.as_people_keep_them import monitor

POINTS = 60
SHARE = np.linspace(0, 1, POINTS)


def write(make, folder, curves, every=512):
    noise = np.random.default_rng(0).normal(0, 0.02, (POINTS, len(curves)))
    events = [
        make.scalars(
            every * (i + 1),
            {tag: float(values[i] * (1 + noise[i, n])) for n, (tag, values) in enumerate(curves.items())},
        )
        for i in range(POINTS)
    ]
    make.file(folder / "events.out.tfevents.1700000000.host.1.0", events)
    return folder


def trl(kl, scores, entropy, coefficient=0.05):
    return {
        "objective/kl": kl,
        "objective/scores": scores,
        "objective/non_score_reward": -coefficient * kl,
        "objective/rlhf_reward": scores - coefficient * kl,
        "policy/approxkl_avg": np.full(POINTS, 0.01),
        "policy/clipfrac_avg": np.full(POINTS, 0.1),
        "policy/entropy_avg": entropy,
        "loss/value_avg": np.linspace(0.4, 0.1, POINTS),
        "lr": np.linspace(1e-5, 1e-7, POINTS),
    }


CALM = np.linspace(1.5, 0.9, POINTS)
NEGATIVE = {
    "scores fall": trl(1 - 60 * SHARE, 0.3 - 0.5 * SHARE, CALM),
    "scores stand still": trl(0.5 - 12 * SHARE, 0.3 + 0.05 * np.sin(40 * SHARE), CALM),
    "scores rise a little, and the KL is below zero from the first batch on": trl(
        -4 - 3 * SHARE, 0.5 + 0.4 * SHARE, CALM, coefficient=0.2
    ),
}
COLLAPSED = {
    "entropy gone": trl(110 * SHARE**1.5, 5 * SHARE**0.3, 1.5 * np.exp(-6 * SHARE)),
    "sooner, and the scores level off": trl(80 * SHARE**0.5, 3 * (1 - np.exp(-9 * SHARE)), 1.2 * np.exp(-8 * SHARE)),
    "with the coefficient of a beginner": trl(400 * SHARE, 8 * SHARE, 2 * np.exp(-5 * SHARE), coefficient=0.001),
}


@pytest.mark.parametrize("curves", NEGATIVE.values(), ids=NEGATIVE)
def test_a_negative_kl_is_found_although_the_penalised_reward_rises(tmp_path, make, curves):
    (subject,) = rldoctor.diagnose(write(make, tmp_path, curves)).subjects
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT)
    assert subject.diagnoses[0].name == "answers-not-from-policy"
    assert {"UPD131", "LOG311"} <= {finding.code for finding in subject.findings}


@pytest.mark.parametrize("curves", COLLAPSED.values(), ids=COLLAPSED)
def test_a_mode_collapse_is_found_although_the_scores_rise(tmp_path, make, curves):
    (subject,) = rldoctor.diagnose(write(make, tmp_path, curves)).subjects
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT)
    assert subject.diagnoses[0].name == "reward-model-exploited"
    assert "KL coefficient" in subject.diagnoses[0].remedy


@pytest.mark.parametrize("kl", [12 * SHARE, 3 + 0 * SHARE, 25 * SHARE**0.5])
def test_a_healthy_training_of_a_language_model(tmp_path, make, kl):
    (subject,) = rldoctor.diagnose(write(make, tmp_path, trl(kl, 3 * SHARE**0.5, CALM))).subjects
    assert subject.verdict is Verdict.HEALTHY
    assert not {"UPD131", "UPD132"} & {finding.code for finding in subject.findings}


@pytest.mark.parametrize("prefix", ["", "train/"])
def test_trl_is_judged_by_its_scores(tmp_path, make, prefix):
    curves = {prefix + tag: values for tag, values in trl(20 * SHARE, 1 + SHARE, CALM).items()}
    run = read_run(write(make, tmp_path, curves))
    assert run.framework == "trl"
    assert run.curves["episode_return"].tag == f"{prefix}objective/scores"
    assert run.curves["shaped_return"].tag == f"{prefix}objective/rlhf_reward"
    assert {"reference_kl", "kl_penalty"} <= run.curves.keys()


def test_without_scores_the_penalised_reward_is_the_return(tmp_path, make):
    curves = trl(20 * SHARE, 1 + SHARE, CALM)
    del curves["objective/scores"]
    run = read_run(write(make, tmp_path, curves))
    assert run.curves["episode_return"].tag == "objective/rlhf_reward"
    assert "shaped_return" not in run.curves
    assert run.findings == ()


def test_the_tags_of_trl_before_its_trainers(tmp_path, make):
    curves = {"objective/kl": -9 * SHARE, "env/reward_mean": SHARE, "ppo/policy/approxkl": 0 * SHARE + 0.01}
    run = read_run(write(make, tmp_path, {**curves, "ppo/mean_non_score_reward": 0.4 * SHARE}))
    assert (run.framework, run.algorithm) == ("trl", "ppo")
    assert run.curves.keys() == {"reference_kl", "episode_return", "approx_kl", "kl_penalty"}


def test_curiosity_is_not_judged_as_return(tmp_path, make):
    curves = {"Train/mean_reward": 50 * SHARE, "Rnd/mean_extrinsic_reward": 0 * SHARE + 1, "Loss/surrogate": -SHARE}
    run = read_run(write(make, tmp_path, curves, every=1))
    assert run.framework == "rsl_rl"
    assert run.curves["episode_return"].tag == "Rnd/mean_extrinsic_reward"
    assert [finding.code for finding in run.findings if finding.code == "LOG311"] == ["LOG311"]
    del curves["Rnd/mean_extrinsic_reward"]
    assert read_run(write(make, tmp_path / "plain", curves, every=1)).curves["episode_return"].values[-1] > 40


class TestNormalizedRewards:
    """VecMonitor outside VecNormalize: the logger shows other returns than the monitor files of the environments."""

    @staticmethod
    def folder(make, path, scale, episodes=400, files=2):
        raw = np.linspace(100, 300, episodes)
        for rank in range(files):
            monitor(path / f"{rank}.monitor.csv", raw, 1.7e9 - 1 + rank / 10)
        steps = np.arange(1, 41) * 2 * episodes * 10 // 40
        logged = np.interp(steps, 20 * np.arange(episodes), raw) * scale
        events = [make.scalars(int(s), {"rollout/ep_rew_mean": float(v)}) for s, v in zip(steps, logged, strict=True)]
        make.file(path / "events.out.tfevents.1700000000.host.1.0", events)
        return path

    @pytest.mark.parametrize("scale", [np.linspace(0.1, 0.02, 40), 0.01, 50.0])
    def test_the_return_of_the_monitor_files_is_judged(self, tmp_path, make, scale):
        run = read_run(self.folder(make, tmp_path, scale))
        assert [finding.code for finding in run.findings] == ["LOG312"]
        assert run.curves["episode_return"].values[-1] > 200
        assert run.curves["shaped_return"].tag == "rollout/ep_rew_mean"

    @pytest.mark.parametrize("scale", [1.0, 0.6])
    def test_the_same_rewards_are_left_alone(self, tmp_path, make, scale):
        run = read_run(self.folder(make, tmp_path, scale))
        assert (run.findings, "shaped_return" in run.curves) == ((), False)
        assert run.curves["episode_return"].tag == "rollout/ep_rew_mean"

    def test_monitor_files_of_a_part_of_the_environments_prove_nothing(self, tmp_path, make):
        run = read_run(self.folder(make, tmp_path, 0.1, files=1))
        assert (run.findings, "shaped_return" in run.curves) == ((), False)
