"""Spinning Up: tab-separated tables as its Logger writes them (0.2, spinup/utils/logx.py), by hand.

The columns are those of pytorch/ppo/ppo.py, pytorch/sac/sac.py and tf1/trpo/trpo.py; config.json is laid out as
save_config does.
"""

from __future__ import annotations

import json

import pytest

from rldoctor.logs import discover, read_run
from rldoctor.watch.tail import tails_of

from .made_up import HEALTHY, POINTS, TOO_HIGH, advice, curve, judged, steps_of, write_table

STEPS = 240_000
CONFIG = {
    "ac_kwargs": {"hidden_sizes": [64, 32]},
    "actor_critic": "MLPActorCritic",
    "clip_ratio": 0.2,
    "env_fn": "<function <lambda> at 0x7f>",
    "epochs": 60,
    "exp_name": "ppo",
    "gamma": 0.99,
    "lam": 0.97,
    "logger": {"<spinup.utils.logx.EpochLogger object at 0x7f>": {"epoch_dict": {}, "first_row": True}},
    "logger_kwargs": {"exp_name": "ppo", "output_dir": "data/ppo/ppo_s3"},
    "max_ep_len": 1000,
    "pi_lr": 0.0003,
    "save_freq": 10,
    "seed": 3,
    "steps_per_epoch": 4000,
    "target_kl": 0.01,
    "train_pi_iters": 80,
    "train_v_iters": 80,
    "vf_lr": 0.001,
}


def ppo(curves):
    returns = curves["episode_return"]
    spread = {f"{part}VVals": returns for part in ("Average", "Std", "Max", "Min")}
    return {
        "Epoch": range(POINTS),
        "AverageEpRet": returns,
        "StdEpRet": [9.0] * POINTS,
        "MaxEpRet": returns,
        "MinEpRet": returns,
        "EpLen": returns,
        **spread,
        "TotalEnvInteracts": steps_of(STEPS),
        # Advantages are standardised: before the update it is 0 but for rounding.
        "LossPi": [1e-8 * (-1) ** i for i in range(POINTS)],
        "LossV": curves["value_loss"],
        "DeltaLossPi": curves["policy_loss"],
        "DeltaLossV": [-3.0] * POINTS,
        "Entropy": curves["entropy"],
        "KL": curves["approx_kl"],
        "ClipFrac": curves["clip_fraction"],
        "StopIter": [40.0] * POINTS,
        "Time": range(POINTS),
    }


def training(folder, curves, **settings):
    write_table(folder / "progress.txt", ppo(curves), "\t")
    text = json.dumps(CONFIG | settings, separators=(",", ":\t"), indent=4, sort_keys=True)
    (folder / "config.json").write_text(text)
    return folder


def test_a_healthy_training(tmp_path):
    folder = training(tmp_path / "ppo/ppo_s3", HEALTHY)
    assert discover([tmp_path]) == [folder]
    run = read_run(folder)
    assert (run.framework, run.algorithm, run.step_axis, run.last_step) == ("spinup", "ppo", "env_steps", STEPS)
    assert (run.unknown_tags, run.findings) == ((), ())
    assert run.curves["policy_loss"].tag == "DeltaLossPi"
    for metric in ("approx_kl", "clip_fraction", "entropy", "value_loss"):
        assert run.curves[metric].values.tolist() == pytest.approx(HEALTHY[metric])
    expected = {
        "learning_rate": 3e-4,
        "n_steps": 4000,
        "clip_range": 0.2,
        "gae_lambda": 0.97,
        "target_kl": 0.01,
        "seed": 3,
    }
    assert {name: getattr(run.settings, name) for name in expected} == expected
    assert (run.settings.library, run.settings.net_arch, run.settings.n_epochs) == ("spinup", (64, 32), None)
    subject = judged(folder)
    assert (subject.verdict, subject.findings) == ("healthy", ())


def test_a_learning_rate_that_is_too_high(tmp_path):
    subject = judged(training(tmp_path, TOO_HIGH, pi_lr=0.03))
    assert (subject.verdict, subject.diagnoses[0].name) == ("sick", "learning-rate-too-high")
    assert subject.diagnoses[0].remedy.startswith("Set pi_lr to 0.0003 in config.json, line 26 (was 0.03).")
    text = advice(judged(write_table(tmp_path / "alone/progress.txt", ppo(TOO_HIGH), "\t")))
    assert "train_pi_iters" in text and "clip_ratio" in text and "n_epochs" not in text


def test_off_policy_and_trpo(tmp_path):
    common = {
        name: values for name, values in ppo(HEALTHY).items() if name in ("Epoch", "AverageEpRet", "EpLen", "Time")
    }
    common |= {"TotalEnvInteracts": steps_of(STEPS)}
    sac = common | {"AverageTestEpRet": HEALTHY["episode_return"], "TestEpLen": HEALTHY["episode_return"]}
    sac |= {"AverageQ1Vals": curve(0, 90), "StdQ1Vals": curve(9, 9), "AverageQ2Vals": curve(0, 90)}
    td3 = sac | {"LossPi": curve(0, -90), "LossQ": curve(9, 3)}
    run = read_run(write_table(tmp_path / "td3/progress.txt", td3, "\t"))
    assert (run.algorithm, run.unknown_tags) == ("td3", ())
    assert {"evaluation_return", "evaluation_length", "actor_loss", "critic_loss", "q_value"} <= run.curves.keys()
    run = read_run(write_table(tmp_path / "sac/progress.txt", td3 | {"AverageLogPi": curve(-2, 3)}, "\t"))
    assert run.algorithm == "sac" and run.curves["policy_entropy"].values[0] > 0
    trpo = common | {"KL": curve(0.009, 0.009), "BacktrackIters": [0.0] * POINTS, "DeltaLossPi": curve(-0.01, -0.01)}
    run = read_run(write_table(tmp_path / "trpo/progress.txt", trpo, "\t"))
    assert run.algorithm == "trpo" and "kl_divergence" in run.curves


def test_an_unfinished_last_row(tmp_path):
    path = training(tmp_path, HEALTHY) / "progress.txt"
    path.write_text(path.read_text() + "60\t481.2\t9.")
    run = read_run(tmp_path)
    assert [finding.code for finding in run.findings] == ["LOG101"]
    assert len(run.curves["episode_return"]) == POINTS


def test_a_growing_table_is_followed(tmp_path):
    path = training(tmp_path, HEALTHY) / "progress.txt"
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    path.write_text("".join(lines[:30]) + lines[30][:20])
    (tail,) = tails_of(tmp_path, lambda tag: tag == "KL", {})
    tail.poll()
    assert len(tail.log_file().steps) == 29
    path.write_text(whole)
    tail.poll()
    assert len(tail.log_file().steps) == POINTS


@pytest.mark.parametrize("name", ["curves.tsv", "curves.txt", "curves.csv"])
def test_a_table_of_ones_own_with_tabs(tmp_path, name):
    columns = {"step": steps_of(STEPS), "episode_return": HEALTHY["episode_return"], "note": ["a, b"] * POINTS}
    write_table(tmp_path / name, columns, "\t")
    run = read_run(tmp_path / name)
    assert (run.framework, run.last_step, run.findings) == ("plain", STEPS, ())
    assert discover([tmp_path / name]) == [tmp_path / name]


def test_text_is_no_table(tmp_path):
    (tmp_path / "progress.txt").write_text("Monday:\tnothing works\n")
    (tmp_path / "notes.txt").write_text("a, b\n")
    assert discover([tmp_path]) == []
    run = read_run(*discover([tmp_path / "notes.txt"]))
    assert (run.curves, [finding.code for finding in run.findings]) == ({}, ["LOG107"])
