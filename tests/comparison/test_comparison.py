"""Two runs compared: the one difference is named, and none is invented between two seeds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import comparison as measured
from rldoctor.cli.app import run
from rldoctor.comparison.compare import compare, compare_runs
from rldoctor.comparison.curves import partings
from rldoctor.diagnosis.context import shipped_context
from rldoctor.errors import UsageError
from rldoctor.logs import read_run
from rldoctor.model import Curve, Run, Severity, Verdict
from rldoctor.model.report_json import plain
from tests.settings import files

RUNS = Path(__file__).parents[1] / "runs"
STRANGERS = RUNS.parent / "strangers"
QUICK, SICK = RUNS / "healthy/fetch_reach_dense/quick", RUNS / "sick"
GOOD = QUICK / "as-recorded-20"


def compared(good, bad):
    return compare(good, bad, shipped_context())


# A pair each, with what differs: a setting, or the cause that a changed wrapper, environment or code is named by.
ONE_SETTING = {
    QUICK / "clip-0.4-52": ("clip_range", 0.2, 0.4),
    QUICK / "batch-256-40": ("batch_size", 128, 256),
    SICK / "learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100": ("learning_rate", 0.002, 0.1),
    SICK / "entropy-too-high/fetch_reach_dense-entropy-bonus-high-strong-100": ("ent_coef", 0.0, 1.0),
    SICK / "critic-not-learning/fetch_reach_dense-value-loss-ignored-full-100": ("vf_coef", 0.5, 0.0),
    SICK / "policy-collapsed/fetch_reach_dense-exploration-dead-strong-100": ("log_std_init", -0.5, -5.0),
}
ONE_WRAPPER = {
    SICK / "actions-without-effect/fetch_reach_dense-actions-ignored-full-100": "actions-without-effect",
    SICK / "reward-scale-too-large/fetch_reach_dense-reward-times-large-strong-100": "reward-scale-too-large",
    SICK / "goal-not-observed/fetch_reach_dense-goal-hidden-full-100": "goal-not-observed",
    SICK / "observations-uninformative/fetch_reach_dense-observations-shuffled-full-100": "observations-uninformative",
    SICK / "observations-unscaled/fetch_reach_dense-observations-unscaled-strong-100": "observations-unscaled",
}
SEEDS = [
    (QUICK / "as-recorded-20", QUICK / "as-recorded-21"),
    (QUICK / "batch-256-40", QUICK / "batch-256-41"),
    (RUNS / "healthy/cartpole/zoo/as-recorded-20", RUNS / "healthy/cartpole/zoo/as-recorded-23"),
    (STRANGERS / "frameworks/cleanrl/ppo-pendulum-healthy-1", STRANGERS / "frameworks/cleanrl/ppo-pendulum-healthy-2"),
    (STRANGERS / "frameworks/sb3/a2c-cartpole-healthy-0", STRANGERS / "frameworks/sb3/a2c-cartpole-healthy-1"),
    (QUICK / "clip-0.1-49", QUICK / "clip-0.1-50"),
]


@pytest.mark.parametrize("bad", ONE_SETTING, ids=lambda path: path.name)
def test_one_setting_that_differs_is_named_with_its_place(bad):
    result = compared(GOOD, bad)
    [pair] = result.differences
    assert (pair.name, pair.good, pair.bad) == ONE_SETTING[bad]
    assert pair.bad_place.startswith("in run.json, line ")
    assert result.summary.startswith(f"One setting differs: {pair.name} (")
    is_sick = bad.is_relative_to(SICK)
    assert (result.verdict in (Verdict.SICK, Verdict.SUSPECT)) == is_sick == bool(result.partings)
    if is_sick:
        assert pair.causes and pair.note


@pytest.mark.parametrize("bad", ONE_WRAPPER, ids=lambda path: path.name)
def test_a_wrapper_that_differs_shows_in_the_curves_and_is_named_by_its_cause(bad):
    result = compared(GOOD, bad)
    assert result.differences == () and result.partings and result.verdict is Verdict.SICK
    assert result.diagnoses[0].name == ONE_WRAPPER[bad]
    assert "look at the environment, its wrappers" in result.summary
    # No setting differs, so no cause that is a setting alone is named.
    book = shipped_context().book
    assert all(book.diagnoses[cause.name].outside for cause in result.diagnoses)


@pytest.mark.parametrize(("one", "other"), SEEDS, ids=lambda path: path.name)
def test_nothing_is_invented_between_two_seeds(one, other):
    for good, bad in ((one, other), (other, one)):
        result = compared(good, bad)
        assert (result.verdict, result.differences, result.partings) == (Verdict.HEALTHY, (), ())
        assert not result.findings


def test_settings_across_libraries(tmp_path):
    rows = "".join(f"{i * 2048},{i}\n" for i in range(30))
    for name in ("a", "b"):
        files.write(tmp_path / name / "progress.csv", f"time/total_timesteps,rollout/ep_rew_mean\n{rows}")
    files.saved_model(tmp_path / "a/model.zip")
    files.write(tmp_path / "b/files/config.yaml", "env_id: {value: X-v0}\ngamma: {value: 0.5}\nlr: {value: 0.0003}\n")
    result = compared(tmp_path / "a", tmp_path / "b")
    pairs = {pair.name: pair for pair in result.setting_pairs}
    assert pairs["gamma"].differs and pairs["gamma"].causes == ("reward-misaligned", "plateau-below-target")
    assert (pairs["gamma"].good_place, pairs["gamma"].bad_place) == ("in model.zip", "in files/config.yaml, line 2")
    assert not pairs["learning_rate"].differs
    # What only one of the two states is no difference.
    assert not pairs["n_steps"].differs and pairs["n_steps"].bad is None


def test_a_wrapper_in_the_settings_is_named(tmp_path):
    rows = "".join(f"{i},200,{2.0 * i}\n" for i in range(300))
    for name, wrapper in (("a", "null"), ("b", "my.TimeFeatureWrapper")):
        folder = tmp_path / name
        files.write(folder / "0.monitor.csv", f'#{{"t_start": 1600000000.0, "env_id": "X-v1"}}\nr,l,t\n{rows}')
        files.write(folder / "X-v1/args.yml", files.ordered({"algo": "sac", "env": "X-v1", "seed": name, "uuid": name}))
        config = {"n_timesteps": "1e5", "env_wrapper": wrapper, "policy": "MlpPolicy"}
        files.write(folder / "X-v1/config.yml", files.ordered(config))
    [pair] = compared(tmp_path / "a", tmp_path / "b").differences
    assert (pair.name, pair.bad) == ("env_wrapper", "my.TimeFeatureWrapper")


def test_a_setting_that_only_the_curves_show():
    folder = STRANGERS / "frameworks/cleanrl"
    result = compared(folder / "ppo-cartpole-healthy-1", folder / "ppo-cartpole-learning-rate-high-1")
    [pair] = result.differences
    assert (pair.name, pair.bad_place) == ("learning_rate", "in the logs")
    assert len(result.unjudged) == 2


def curves(values, steps=None):
    values = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(values)) * 1000 if steps is None else steps
    return Run("x", "sb3", {"episode_return": Curve("episode_return", steps, values)})


def test_the_step_at_which_curves_part():
    rise = np.concatenate([np.linspace(0, 50, 50), np.linspace(50, 100, 50)])
    stuck = np.concatenate([np.linspace(0, 50, 50), np.full(50, 5.0)])
    [parting] = partings(curves(rise), curves(stuck), {})
    assert 50_000 <= parting.step <= 60_000 and not parting.from_the_start
    # Learning later by a third is what seeds do.
    assert partings(curves(rise), curves(np.interp(np.arange(100) / 1.4, np.arange(100), rise)), {}) == []
    [start] = partings(curves(rise - 101), curves(100 * (rise - 101)), {})
    assert start.from_the_start


def test_a_curve_that_becomes_nan_parts_there():
    good = np.linspace(1, 50, 50)
    bad = good.copy()
    bad[30:] = np.nan
    [parting] = partings(curves(good), curves(bad), {})
    assert parting.step == 30_000 and np.isnan(parting.bad)


def test_a_run_that_ended_early_is_said_to():
    result = compare_runs(curves(np.arange(100.0)), curves(np.arange(20.0)), shipped_context())
    assert [finding.code for finding in result.findings] == ["CMP103"] and result.verdict is Verdict.SICK


def test_too_little_to_compare_is_unjudged(tmp_path):
    for name in ("a", "b"):
        files.write(tmp_path / name / "progress.csv", "time/total_timesteps,rollout/ep_rew_mean\n1,1\n2,2\n")
    result = compared(tmp_path / "a", tmp_path / "b")
    assert result.verdict is Verdict.UNJUDGED and "long enough" in result.summary


def test_the_command(capsys, tmp_path):
    bad = str(SICK / "learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100")
    assert run(["compare", str(GOOD), bad]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "Outcome: One setting differs: learning_rate (0.002 -> 0.1)" in printed
    assert "Fix: Set learning_rate to 0.002, as in the good run." in printed
    assert run(["compare", str(GOOD), bad, "--format", "json", "--output", str(tmp_path / "report.json")]) == 1
    assert json.loads((tmp_path / "report.json").read_text())["subjects"][0]["kind"] == "comparison"
    assert run(["show", str(tmp_path / "report.json"), "--format", "md"]) == 1
    assert "| learning\\_rate | 0.002 |" in capsys.readouterr().out
    assert run(["compare", str(GOOD), bad, "--format", "html"]) == 1
    page = capsys.readouterr().out
    assert page.index("learning-rate-too-high") < page.index("settings</summary>") < page.index("gae_lambda")
    assert run(["compare", str(GOOD), str(QUICK / "as-recorded-21")]) == 0


@pytest.mark.parametrize("bad", ["missing", ".", "empty"])
def test_there_must_be_one_run_at_each_path(bad, tmp_path, capsys):
    shutil.copytree(GOOD, tmp_path / "one")
    shutil.copytree(GOOD, tmp_path / "two")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError):
        compared(GOOD, tmp_path / bad)
    assert run(["compare", str(GOOD), str(tmp_path / bad)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_result_is_plain():
    result = compared(GOOD, SICK / "learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100")
    assert json.loads(json.dumps(plain(result)))["good"] == str(GOOD)


def test_the_document_counts_what_is_measured_here():
    text = measured.DOCUMENT.read_text("utf-8")
    pairs = list(measured.pairs_of_seeds(sick=False))
    assert f"| two seeds, healthy | {len(pairs)} | a setting invented in 0, a parting in 0 |" in text


def test_a_copy_of_a_run_differs_in_nothing():
    bad = read_run(SICK / "learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100")
    assert compare_runs(bad, bad, shipped_context()).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("other", ["cartpole/zoo", "pendulum/zoo"])
def test_across_environments_no_setting_is_blamed(other):
    found = compared(GOOD, RUNS / "healthy" / other / "as-recorded-20")
    assert found.summary.startswith("The runs are of two environments, FetchReachDense-v4 and ")
    assert {finding.remedy for finding in found.findings} == {"", "Compare runs of one environment."}
    assert not found.diagnoses
    # What cannot be concluded is no failure of the second run.
    assert found.verdict is Verdict.UNJUDGED
    assert {finding.severity for finding in found.findings} == {Severity.NOTE}
    assert [item.reason for item in found.unjudged] == ["Curves of two environments cannot be compared."]


def test_a_run_on_another_environment_that_ended_early_is_sick():
    other = read_run(RUNS / "healthy/cartpole/zoo/as-recorded-20")
    killed = other.until(other.last_step // 4)
    assert compare_runs(read_run(GOOD), killed, shipped_context()).verdict is Verdict.SICK
