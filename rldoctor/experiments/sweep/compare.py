"""Settings compared: mean, spread, interquartile mean with its interval, and the probability of improvement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rldoctor import stats
from rldoctor.experiments.sweep.plan import Plan, Setting, SweepTrial
from rldoctor.model import FloatArray, Json, Run, RunDiagnosis, Sample, SettingResult, Trend, Verdict

# The chapter, exercise 2.2: "A robust result should have std < 5%".
STABLE_BELOW = 0.05
_TREND_POINTS = 60
_TRENDS = ("success_rate", "episode_return", "clip_fraction", "approx_kl")


@dataclass(frozen=True)
class _Measure:
    """One number of a run: its title, its unit and whether more (1) or less (-1) of it is better; 0 for neither."""

    title: str
    unit: str = ""
    better: int = 0


_MEASURES: Mapping[str, _Measure] = {
    "success_rate": _Measure("success rate", "", 1),
    "return_mean": _Measure("mean return", "", 1),
    "final_distance_mean": _Measure("final distance", "m", -1),
    "steps_to_90": _Measure("steps to 90 % success", "", -1),
    "late_return_std": _Measure("standard deviation of the late return", "", -1),
    "late_clip_fraction": _Measure("clip_fraction, late"),
    "late_approx_kl": _Measure("approx_kl, late"),
    "train_seconds": _Measure("training time", "s"),
    "steps_per_second": _Measure("steps per second"),
}


@dataclass(frozen=True)
class TrialOutcome:
    """What came of a trial: its diagnosis, its numbers by metric, and whether it was trained and evaluated."""

    trial: SweepTrial
    diagnosis: RunDiagnosis | None
    run: Run | None
    numbers: Mapping[str, float]
    finished: bool


@dataclass(frozen=True)
class _Arm:
    """Runs that are compared with the baseline's together: a stratum for each environment."""

    name: str
    changes: Mapping[str, Json]
    strata: tuple[tuple[TrialOutcome, ...], ...]

    @property
    def runs(self) -> list[TrialOutcome]:
        """The runs of all strata."""
        return [outcome for stratum in self.strata for outcome in stratum]


def compare(plan: Plan, outcomes: Sequence[TrialOutcome]) -> tuple[SettingResult, ...]:
    """Compare each setting with the baseline setting in the same environment, then over all environments."""
    arms = {
        setting.name: _Arm(
            setting.name, setting.changes, (tuple(outcome for outcome in outcomes if outcome.trial.setting is setting),)
        )
        for setting in plan.settings
    }
    settings = {_without_env(setting): setting for setting in plan.settings}
    rows = []
    for setting in plan.settings:
        # The baseline's other settings, in this setting's environment.
        base = settings.get((setting.recipe.env, _without_env(plan.baseline)[1]), plan.baseline)
        rows.append(_setting_result(arms[setting.name], arms[base.name], base is setting))
    envs = {setting.recipe.env for setting in plan.settings}
    groups: dict[str, list[Setting]] = {}
    for setting in plan.settings:
        groups.setdefault(_without_env(setting)[1], []).append(setting)
    if len(envs) > 1 and all(len(group) == len(envs) for group in groups.values()) and len(groups) > 1:
        pooled = {
            name: _Arm(
                f"{name or plan.baseline.recipe.name}, all {len(envs)} environments",
                {key: value for key, value in group[0].changes.items() if key != "env"},
                tuple(arms[setting.name].strata[0] for setting in group),
            )
            for name, group in groups.items()
        }
        pooled_base = pooled[_without_env(plan.baseline)[1]]
        rows += [_setting_result(arm, pooled_base, arm is pooled_base) for arm in pooled.values()]
    return tuple(rows)


def _without_env(setting: Setting) -> tuple[str, str]:
    """Return the environment of a setting, and everything else that is varied."""
    rest = {key: value for key, value in setting.changes.items() if key != "env"}
    return setting.recipe.env, ", ".join(f"{key}={value}" for key, value in rest.items())


def _setting_result(arm: _Arm, base: _Arm, is_baseline: bool) -> SettingResult:
    finished = [outcome for outcome in arm.runs if outcome.finished]
    # Returns of different environments have no common scale.
    metrics = _MEASURES if len(arm.strata) == 1 else {"success_rate": _MEASURES["success_rate"]}
    samples = tuple(
        _sample(metric, measure, arm, None if is_baseline else base)
        for metric, measure in metrics.items()
        if any(metric in outcome.numbers for outcome in finished)
    )
    success = next((sample for sample in samples if sample.metric == "success_rate"), None)
    verdicts = [outcome.diagnosis.verdict for outcome in arm.runs if outcome.diagnosis is not None]
    return SettingResult(
        name=arm.name,
        baseline=is_baseline,
        changes=arm.changes,
        planned=len(arm.runs),
        finished=len(finished),
        # Over several environments the spread is theirs, not that of seeds.
        stable=None
        if len(arm.strata) > 1 or success is None or math.isnan(success.std)
        else success.std < STABLE_BELOW,
        verdicts={verdict.value: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts},
        samples=samples,
        trends=()
        if len(arm.strata) > 1
        else tuple(trend for metric in _TRENDS if (trend := _trend(metric, finished)) is not None),
    )


def _sample(metric: str, measure: _Measure, arm: _Arm, base: _Arm | None) -> Sample:
    strata = _values(arm, metric)
    values = np.concatenate(strata)
    # One run says nothing of the spread over seeds.
    several = len(values) > 1
    interval = stats.stratified_interval(strata) if several else stats.Interval(math.nan, math.nan)
    improvement, sure = math.nan, stats.Interval(math.nan, math.nan)
    if measure.better and base is not None:
        # Where less is better, the sign is turned.
        mine, theirs = ([measure.better * side for side in _values(of, metric)] for of in (arm, base))
        each = [stats.probability_of_improvement(a, b) for a, b in zip(mine, theirs, strict=True)]
        known = [probability for probability in each if not math.isnan(probability)]
        improvement = sum(known) / len(known) if known else math.nan
        sure = stats.improvement_interval(mine, theirs) if several else sure
    return Sample(
        metric=metric,
        title=measure.title,
        unit=measure.unit,
        values=tuple(values.tolist()),
        mean=float(values.mean()) if len(values) else math.nan,
        std=float(values.std(ddof=1)) if len(values) > 1 else math.nan,
        iqm=stats.iqm(values),
        low=interval.low,
        high=interval.high,
        improvement=improvement,
        improvement_low=sure.low,
        improvement_high=sure.high,
    )


def _values(arm: _Arm, metric: str) -> list[FloatArray]:
    """Return a metric of the finished runs, an array for each environment."""
    return [
        np.array([outcome.numbers[metric] for outcome in stratum if outcome.finished and metric in outcome.numbers])
        for stratum in arm.strata
    ]


def _trend(metric: str, finished: Iterable[TrialOutcome]) -> Trend | None:
    """Return a metric over the runs, at steps that all of them reached; ``None`` where no run logged it."""
    logged = [outcome.run.curves[metric] for outcome in finished if outcome.run and metric in outcome.run.curves]
    curves = [curve for curve in logged if len(curve.finite())]
    if not curves:
        return None
    steps, table = stats.align(curves, _TREND_POINTS)
    if not len(steps):
        return None
    middle, low, high = (tuple(float(f"{value:.6g}") for value in side.tolist()) for side in stats.iqm_band(table))
    return Trend(metric, tuple(steps.tolist()), middle, low, high)
