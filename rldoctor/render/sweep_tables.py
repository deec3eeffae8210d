"""The results of a sweep as tables of text, shared by the terminal, Markdown and the page."""

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
class TextTable:
    """A table: what it shows, its headings, and a row of cells each.

    Where there is little room the ``spare`` columns are left out first; the ``needed`` ones stay to the end.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    spare: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


def tables(sweep: SweepResult) -> list[TextTable]:
    """Return the tables of a sweep: what its settings reached, how they learned, and its runs one by one."""
    return [_outcomes(sweep.settings), _learning(sweep.settings), _runs(sweep.trials)]


def outcome_of(setting: SettingResult) -> Sample | None:
    """Return the numbers by which settings are compared: success, or the return where there is no such thing."""
    return next((sample for metric in _OUTCOMES if (sample := setting.sample(metric)) is not None), None)


def _outcomes(settings: Sequence[SettingResult]) -> TextTable:
    known = [sample for setting in settings if (sample := outcome_of(setting)) is not None]
    what = known[0].title if known else "outcome"
    rows = []
    for setting in settings:
        sample = outcome_of(setting)
        runs = f"{setting.finished}" if setting.finished == setting.planned else f"{setting.finished}/{setting.planned}"
        stable = {None: _ABSENT, True: "yes", False: "no"}[setting.stable]
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in setting.verdicts.items()) or _ABSENT
        rows.append((_name(setting), runs, *_spread(sample), _better(setting, sample), stable, verdicts))
    headings = ("setting", "runs", "mean ± std", "IQM [95 %]", "P(better) [95 %]", "stable", "verdicts")
    return TextTable(f"{what} over seeds; * is the baseline", headings, tuple(rows), ("stable",), headings[:3])


def _name(setting: SettingResult) -> str:
    return clean(setting.name) + (" *" if setting.baseline else "")


def _spread(sample: Sample | None) -> tuple[str, str]:
    if sample is None or math.isnan(sample.mean):
        return _ABSENT, _ABSENT
    return _mean(sample), _said(sample, sample.iqm) + _interval(sample.low, sample.high, sample)


def _mean(sample: Sample | None) -> str:
    """Return ``mean ± standard deviation``: the deviation tells how many digits of the mean mean anything."""
    if sample is None or math.isnan(sample.mean):
        return _ABSENT
    if math.isnan(sample.std):
        return _said(sample, sample.mean)
    scale, unit = (1000.0, "mm") if sample.unit == "m" and abs(sample.mean) < 1 else (1.0, sample.unit)
    mean, std = sample.mean * scale, sample.std * scale
    return f"{mean:,.{_decimals(mean, std)}f} ± {std:,.{_decimals(std, std)}f} {unit}".strip()


def _decimals(value: float, spread: float) -> int:
    """Return how many decimals of a value to write: to the spread's first digit that counts, three digits at most."""
    if not value:
        return 0
    # A leading 1 rounds too coarsely alone: 0.0149 is written 0.015, 0.0474 is written 0.05.
    first = -math.floor(math.log10(spread)) + (f"{spread:.0e}"[0] == "1") if spread else 3
    return max(0, min(first, 2 - math.floor(math.log10(abs(value)))))


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


def _learning(settings: Sequence[SettingResult]) -> TextTable:
    """Return how fast and how steadily the settings learned."""
    columns = {
        "return_mean": "mean return",
        "final_distance_mean": "final distance",
        "steps_to_90": "steps to 90 %",
        "late_return_std": "late return std",
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
    return TextTable("learning (mean ± std over seeds)", headings, rows, ("approx_kl", "late return std"), headings[:2])


def _runs(trials: Sequence[TrialResult]) -> TextTable:
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
    headings = ("setting", "seed", *(columns[metric][0] for metric in shown), "verdict")
    return TextTable("training by training", headings, tuple(rows), ("steps/s",), ("setting", "seed", "verdict"))
