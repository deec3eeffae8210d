"""Is a policy worse than an earlier one, by more than chance and by more than a margin that matters?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rldoctor.errors import CannotJudge
from rldoctor.gate.evaluation import Evaluation
from rldoctor.model import CriterionResult, Finding, FloatArray, Severity
from rldoctor.run_record import as_number, json_table
from rldoctor.stats import bootstrap_gap

CONFIDENCE = 0.99
"""One-sided. Three metrics are compared with the same baseline: together they raise less than 3 % false alarms."""
MARGIN = 0.10
"""Allowed regression, as a fraction of the baseline's gain over the zero-action policy, in each metric.

Non-inferiority trials state their margin in the same way, as a fraction of the earlier treatment's effect over placebo.
The figure is ours: seeds of one recipe differ by less (docs/regressions.md)."""
_FEWEST_EPISODES = 20


@dataclass(frozen=True)
class _Metric:
    """A number of each episode whose mean is compared; ``better`` is 1 where more is better and -1 where less is."""

    code: str
    name: str
    aggregate: str
    title: str
    better: int
    unit: str = ""


_METRICS = (
    _Metric("EVL301", "success", "success_rate", "success rate", 1),
    _Metric("EVL302", "episode_return", "return_mean", "mean return", 1),
    _Metric("EVL303", "final_distance", "final_distance_mean", "final distance", -1, "m"),
)


def compare(
    runs: Sequence[Evaluation], baseline: Sequence[Evaluation], margin: float = MARGIN
) -> tuple[tuple[CriterionResult, ...], tuple[Finding, ...]]:
    """Compare runs with baseline runs, episode by episode of the same seeds.

    The loss in a metric is how much worse its mean became. A regression is a loss whose lower confidence bound is above
    the margin. The bootstrap draws runs and episodes, so both the chance of training and that of the episodes count;
    with one run on a side the chance of its training is not known and not counted.

    Args:
        runs: Evaluations to judge, at least one.
        baseline: Evaluations to compare with, at least one.
        margin: Allowed regression, as a fraction of the baseline's gain over the zero-action and the random policy.

    Returns:
        A criterion for each metric, the loss against the margin; and a finding for each regression.

    Raises:
        CannotJudge: They are of different environments, share too few episodes, or the baseline has gained nothing.
    """
    envs = {evaluation.env for evaluation in (*runs, *baseline)}
    if len(envs) > 1:
        raise CannotJudge(f"The runs and the baseline are of different environments: {', '.join(sorted(envs))}.")
    results, findings = [], []
    for metric in _METRICS:
        now, before = _table(runs, metric), _table(baseline, metric)
        if not now and not before:
            continue
        lead = _lead(baseline, metric)
        if lead <= 0:
            # The zero-action policy is as good: there is no gain to lose a fraction of.
            continue
        seeds = sorted(now.keys() & before.keys())
        if len(seeds) < _FEWEST_EPISODES:
            raise CannotJudge(
                f"The runs and the baseline share {len(seeds)} episodes that measure the {metric.title}; "
                f"at least {_FEWEST_EPISODES} are needed.",
                "Evaluate both again with the same number of episodes: rldoctor evaluate RUN",
            )
        mine, theirs = _matrix(now, seeds), _matrix(before, seeds)
        gap = bootstrap_gap(theirs * metric.better, mine * metric.better, CONFIDENCE)
        result = CriterionResult(
            metric.code,
            f"{metric.aggregate}_loss",
            f"{metric.title} regression ({CONFIDENCE:.0%} lower bound)",
            gap.low,
            "<",
            margin * lead,
            # No loss is no regression, whatever the margin is.
            gap.low <= margin * lead,
            metric.unit,
        )
        results.append(result)
        if not result.passed:
            findings.append(_finding(metric, result, theirs, mine, gap.mean))
    if not results:
        raise CannotJudge(
            "The baseline is no better than the zero-action and the random policy: there is nothing to lose.",
            "Use a baseline that passed the gate.",
        )
    return tuple(results), tuple(findings)


def _table(evaluations: Sequence[Evaluation], metric: _Metric) -> dict[int, list[float]]:
    """Return the metric by episode seed, one value for each run, for the episodes that all runs measured."""
    tables = []
    for evaluation in evaluations:
        values = {}
        for episode in evaluation.episodes:
            value = episode.get(metric.name)
            number = float(value) if isinstance(value, bool) else as_number(value)
            seed = episode.get("seed")
            if number is not None and type(seed) is int:
                values[seed] = number
        tables.append(values)
    common = set.intersection(*(set(table) for table in tables))
    return {seed: [table[seed] for table in tables] for seed in common}


def _matrix(table: Mapping[int, list[float]], seeds: Sequence[int]) -> FloatArray:
    return np.array([table[seed] for seed in seeds], dtype=float).T


def _lead(baseline: Sequence[Evaluation], metric: _Metric) -> float:
    """Return the baseline's gain over the better of the zero-action and the random policy.

    Raises:
        CannotJudge: An evaluation lacks one of these numbers.
    """
    leads = []
    for evaluation in baseline:
        own = evaluation.number(metric.aggregate)
        untrained = [
            as_number(json_table(evaluation.baselines, name).get(metric.aggregate))
            for name in ("zero_action", "random")
        ]
        known = [metric.better * value for value in untrained if value is not None]
        if own is None or not known:
            raise CannotJudge(
                f"The evaluation of {evaluation.path} lacks the {metric.title} of its policy, or that of the "
                "zero-action and the random policy.",
                f"Run: rldoctor evaluate {evaluation.path}",
            )
        leads.append(metric.better * own - max(known))
    return float(np.mean(leads))


def _finding(metric: _Metric, result: CriterionResult, before: FloatArray, now: FloatArray, loss: float) -> Finding:
    unit = f" {metric.unit}" if metric.unit else ""
    counts = f"{len(now)} run{'s' * (len(now) > 1)} against {len(before)}, {before.shape[1]} episodes each"
    one_seed = len(now) == len(before) == 1
    more = " Each side is one run: give several seeds to account for differences between trainings." * one_seed
    return Finding(
        code=metric.code,
        name=f"{metric.aggregate.replace('_', '-')}-regressed",
        severity=Severity.ERROR,
        message=f"{metric.title} went from {before.mean():.3g}{unit} to {now.mean():.3g}{unit}: a loss of "
        f"{loss:.3g}{unit}, at least {result.observed:.3g}{unit} with {CONFIDENCE:.0%} confidence; "
        f"{result.threshold:.3g}{unit} is allowed ({counts}).",
        remedy="Compare what changed between the two: rldoctor diagnose both, and the versions in their run.json."
        + more,
        evidence={
            "metric": metric.aggregate,
            "observed": float(now.mean()),
            "expected": float(before.mean()),
            "loss": loss,
            "loss_at_least": result.observed,
            "may_lose": result.threshold,
            "runs": len(now),
            "baseline_runs": len(before),
            "episodes": int(before.shape[1]),
        },
    )
