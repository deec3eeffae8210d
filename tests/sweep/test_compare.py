"""Settings side by side, from numbers that can be followed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rldoctor.experiments.sweep.compare import TrialOutcome, compare
from rldoctor.model import Curve, Run, RunDiagnosis, Verdict


def outcome(trial, success, verdict=Verdict.HEALTHY, finished=True, rising=(0.0, 0.5, 1.0)):
    steps = np.array([100, 200, 300])
    curve = Curve("success_rate", steps, np.array(rising))
    numbers = {"success_rate": success, "return_mean": -success, "final_distance_mean": 1 - success}
    subject = RunDiagnosis(str(trial.directory), verdict)
    return TrialOutcome(trial, subject, Run("x", "sb3", {"success_rate": curve}), numbers if finished else {}, finished)


@pytest.fixture
def two(plan_of):
    """A baseline with success 0.2, 0.4, 0.6, 0.8 and a setting with 0.6, 0.8, 0.8, 1.0."""
    plan = plan_of(seeds=(0, 1, 2, 3), vary={"clip_range": ("0.2", "0.1")})
    values = (0.2, 0.4, 0.6, 0.8, 0.6, 0.8, 0.8, 1.0)
    return plan, [outcome(trial, value) for trial, value in zip(plan.trials, values, strict=True)]


def test_by_hand(two):
    base, other = compare(*two)
    assert (base.baseline, other.baseline) == (True, False)
    assert (base.planned, base.finished, base.verdicts) == (4, 4, {"healthy": 4})
    success = other.sample("success_rate")
    assert success.values == (0.6, 0.8, 0.8, 1.0)
    assert success.mean == pytest.approx(0.8)
    # The squares of -0.2, 0, 0, 0.2 over 3.
    assert success.std == pytest.approx(math.sqrt(0.08 / 3))
    # Without the lowest and the highest quarter: 0.8 and 0.8.
    assert success.iqm == pytest.approx(0.8)
    assert success.low <= 0.8 <= success.high
    # 16 pairs: 0.6 beats 2 of 4 and ties with one; 0.8 (twice) beats 3 and ties with one; 1.0 beats all.
    assert success.improvement == pytest.approx((2.5 + 3.5 + 3.5 + 4) / 16)
    assert success.improvement_low < success.improvement <= success.improvement_high <= 1
    # The return falls with success here: what is better by one number is worse by the other.
    assert other.sample("return_mean").improvement == pytest.approx(1 - success.improvement)
    # A smaller distance is better.
    assert other.sample("final_distance_mean").improvement == pytest.approx(success.improvement)
    assert math.isnan(base.sample("success_rate").improvement)
    assert base.stable is False


def test_stable_below_five_percent(plan_of):
    plan = plan_of(seeds=(0, 1), vary={"clip_range": ("0.2", "0.1")})
    # Standard deviations of two values d apart: d / sqrt(2).
    values = (0.9, 0.9 + 0.049 * math.sqrt(2), 0.9, 0.9 + 0.051 * math.sqrt(2))
    stable, unstable = compare(plan, [outcome(t, v) for t, v in zip(plan.trials, values, strict=True)])
    assert (stable.stable, unstable.stable) == (True, False)


def test_one_seed_has_no_spread(plan_of):
    plan = plan_of(seeds=(0,), vary={"clip_range": ("0.2", "0.1")})
    base, other = compare(plan, [outcome(t, v) for t, v in zip(plan.trials, (0.5, 1.0), strict=True)])
    success = other.sample("success_rate")
    assert (success.mean, success.iqm, success.improvement) == (1.0, 1.0, 1.0)
    assert all(math.isnan(x) for x in (success.std, success.low, success.high, success.improvement_low))
    assert base.stable is None


def test_runs_without_a_result_are_not_counted_in(two):
    plan, outcomes = two
    outcomes[4] = outcome(plan.trials[4], 0.0, Verdict.SICK, finished=False)
    _, other = compare(plan, outcomes)
    assert (other.planned, other.finished) == (4, 3)
    assert other.sample("success_rate").values == (0.8, 0.8, 1.0)
    assert other.verdicts == {"healthy": 3, "sick": 1}


def test_nothing_finished(two):
    plan, _ = two
    base, other = compare(plan, [TrialOutcome(trial, None, None, {}, False) for trial in plan.trials])
    assert base.samples == other.samples == ()
    assert base.stable is None
    assert base.verdicts == {}


def test_a_baseline_without_results_leaves_improvement_open(two):
    plan, outcomes = two
    outcomes[:4] = [TrialOutcome(trial, None, None, {}, False) for trial in plan.trials[:4]]
    _, other = compare(plan, outcomes)
    assert math.isnan(other.sample("success_rate").improvement)


def test_curves_over_seeds(plan_of):
    plan = plan_of(seeds=(0, 1))
    rising = [(0.0, 0.2, 1.0), (0.2, 0.4, 1.0)]
    (setting,) = compare(plan, [outcome(t, 1.0, rising=r) for t, r in zip(plan.trials, rising, strict=True)])
    (trend,) = setting.trends
    assert trend.steps == (100, 200, 300)
    assert trend.middle == pytest.approx((0.1, 0.3, 1.0))
    # Of two runs a resample is one, the other, or both: a quarter of them twice the lower one.
    assert trend.low == pytest.approx((0.0, 0.2, 1.0))
    assert trend.high == pytest.approx((0.2, 0.4, 1.0))


def test_environments_are_strata(plan_of):
    plan = plan_of(seeds=(0, 1), vary={"env": ("CartPole-v1", "Acrobot-v1"), "clip_range": ("0.2", "0.1")})
    # CartPole 0.2: 0.1, 0.2; CartPole 0.1: 0.3, 0.4; Acrobot 0.2: 0.9, 1.0; Acrobot 0.1: 0.8, 0.95.
    values = (0.1, 0.2, 0.3, 0.4, 0.9, 1.0, 0.8, 0.95)
    rows = compare(plan, [outcome(t, v) for t, v in zip(plan.trials, values, strict=True)])
    assert [row.name for row in rows[4:]] == [
        "clip_range=0.2, all 2 environments",
        "clip_range=0.1, all 2 environments",
    ]
    # Each is compared with the baseline in its own environment, not against an easier one.
    assert [row.baseline for row in rows] == [True, False, True, False, True, False]
    assert rows[1].sample("success_rate").improvement == 1.0
    assert rows[3].sample("success_rate").improvement == 0.25
    pooled = rows[5].sample("success_rate")
    assert pooled.values == (0.3, 0.4, 0.8, 0.95)
    assert pooled.improvement == pytest.approx((1.0 + 0.25) / 2)
    # Which environment is harder does not widen the interval: 0.3 to 0.95 with the extremes cut off.
    assert (pooled.low, pooled.high) == pytest.approx((0.55, 0.675), abs=0.08)
    assert [sample.metric for sample in rows[5].samples] == ["success_rate"]
    assert rows[5].trends == ()
