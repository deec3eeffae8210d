"""The results of a sweep as tables of words: the common ground of the terminal, Markdown and the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rldoctor.model import Sample, SettingResult, SweepResult, TrialResult
from rldoctor.render.wording import clean, number

# What stands for the outcome of a run where the environment reports no success.
_OUTCOMES = ("success_rate", "return_mean")
_ABSENT = "-"


@dataclass(frozen=True)
class Words:
    """A table: what it shows, its headings, and a row of cells each.

    Where there is little room the ``spare`` columns are left out first; the ``needed`` ones stay to the end.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    spare: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


def tables(subject: SweepResult) -> list[Words]:
    """Return the tables of a sweep: what its settings reached, how they learned, and its runs one by one."""
    return [_outcomes(subject.settings), _learning(subject.settings), _runs(subject.trials)]


def outcome_of(setting: SettingResult) -> Sample | None:
    """Return the numbers by which settings are compared: success, or the return where there is no such thing."""
    return next((sample for metric in _OUTCOMES if (sample := setting.sample(metric)) is not None), None)


def _outcomes(settings: Sequence[SettingResult]) -> Words:
    known = [sample for setting in settings if (sample := outcome_of(setting)) is not None]
    what = known[0].title if known else "outcome"
    rows = []
    for setting in settings:
        sample = outcome_of(setting)
        runs = f"{setting.finished}" if setting.finished == setting.planned else f"{setting.finished}/{setting.planned}"
        stable = {None: _ABSENT, True: "yes", False: "no"}[setting.stable]
        doctor = ", ".join(f"{count} {verdict}" for verdict, count in setting.verdicts.items()) or _ABSENT
        rows.append((_name(setting), runs, *_spread(sample), _better(setting, sample), stable, doctor))
    headings = ("setting", "runs", "mean ± std", "IQM [95 %]", "P(better) [95 %]", "stable", "doctor")
    return Words(f"{what} over seeds; * is the baseline", headings, tuple(rows), ("stable",), headings[:3])


def _name(setting: SettingResult) -> str:
    return clean(setting.name) + (" *" if setting.baseline else "")


def _spread(sample: Sample | None) -> tuple[str, str]:
    if sample is None or math.isnan(sample.mean):
        return _ABSENT, _ABSENT
    return _mean(sample), _said(sample, sample.iqm) + _interval(sample.low, sample.high, sample)


def _mean(sample: Sample | None) -> str:
    if sample is None or math.isnan(sample.mean):
        return _ABSENT
    mean = _said(sample, sample.mean)
    if math.isnan(sample.std):
        return mean
    spread = _said(sample, sample.std)
    # A unit that both share is written once.
    unit = spread.rpartition(" ")[2] if " " in spread else ""
    return f"{mean.removesuffix(f' {unit}') if unit else mean} ± {spread}"


def _interval(low: float, high: float, sample: Sample | None = None) -> str:
    if math.isnan(low):
        return ""
    ends = [_said(sample, end) if sample else f"{end:.2f}" for end in (low, high)]
    return f" [{ends[0]}, {ends[1]}]"


def _said(sample: Sample, value: float) -> str:
    return f"{value:.3f}" if sample.metric == "success_rate" else number(value, sample.unit)


def _better(setting: SettingResult, sample: Sample | None) -> str:
    if setting.baseline or sample is None or math.isnan(sample.improvement):
        return _ABSENT
    return f"{sample.improvement:.2f}" + _interval(sample.improvement_low, sample.improvement_high)


def _learning(settings: Sequence[SettingResult]) -> Words:
    """Return what exercise 2.4 asks for: performance, stability of the training, clip_fraction."""
    columns = {
        "return_mean": "mean return",
        "final_distance_mean": "final distance",
        "steps_to_90": "steps to 90 %",
        "late_return_std": "unsteady",
        "late_clip_fraction": "clip_fraction",
        "late_approx_kl": "approx_kl",
    }
    shown = [metric for metric in columns if any(setting.sample(metric) for setting in settings)]
    rows = tuple(
        (
            _name(setting),
            *(_mean(setting.sample(metric)) for metric in shown),
            _better(setting, setting.sample("return_mean")),
        )
        for setting in settings
        if any(setting.sample(metric) for metric in shown)
    )
    headings = ("setting", *(columns[metric] for metric in shown), "P(better return) [95 %]")
    return Words("how they learned (mean ± std over seeds)", headings, rows, ("approx_kl", "unsteady"), headings[:2])


def _runs(trials: Sequence[TrialResult]) -> Words:
    columns = {
        "success_rate": ("success", ""),
        "return_mean": ("return", ""),
        "final_distance_mean": ("distance", "m"),
        "train_seconds": ("time", "s"),
        "steps_per_second": ("steps/s", ""),
    }
    shown = [metric for metric in columns if any(metric in trial.numbers for trial in trials)]
    rows = []
    for trial in trials:
        numbers = [trial.numbers.get(metric) for metric in shown]
        cells = [
            number(value, columns[metric][1]) if isinstance(value, (int, float)) else _ABSENT
            for metric, value in zip(shown, numbers, strict=True)
        ]
        said = trial.verdict if trial.diagnosis in ("", "healthy") else f"{trial.verdict}: {trial.diagnosis}"
        how = said if trial.status == "finished" else clean(trial.status)
        rows.append((clean(trial.setting), str(trial.seed), *cells, how))
    headings = ("setting", "seed", *(columns[metric][0] for metric in shown), "doctor")
    return Words("run by run", headings, tuple(rows), ("steps/s",), ("setting", "seed", "doctor"))
