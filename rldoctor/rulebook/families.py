"""Terms of the reward, reasons of terminations and levels of curricula: what follows from the families of metrics.

Sizes differ between libraries (sums per second, means, counts), so that only shares, signs and courses are used. What a
name says is data, ``checks/terms.toml``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from functools import cache

import numpy as np

from rldoctor import datafile
from rldoctor.model import Aggregation, Curve, FloatArray, IntArray

# Any two points lie on a line; signs need more.
FEWEST_POINTS = 4
FAMILIES_OF_METRICS = ("term", "termination", "curriculum", "measure", "loss")
FAMILY_METRICS = (
    "task_reward",
    "task_rate",
    "penalty_share",
    "dominant_share",
    "failure_share",
    "curriculum_level",
    "played_share",
    "task_error",
)
TERM, TERMINATION, CURRICULUM, MEASURE = "term", "termination", "curriculum", "measure"
# Collections whose terms are sums over the episode, divided by the longest one: they grow with the episode.
_SUMS = ("isaac_lab", "legged_gym")
# A task whose terms are this small a fraction of all terms is not paid for at all. Ours.
NOTHING = 2e-3
_LATE, _NAMED = 0.15, 3
# Sums of terms that nearly cancel out say nothing of their scale.
_CLEAR = 0.05


@cache
def _vocabulary() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    return datafile.load(datafile.folder("checks") / "terms.toml", dict[str, dict[str, tuple[str, ...]]])


@cache
def kind_of(family: str, name: str) -> str:
    """Return what the name of a family's member says, a key of ``checks/terms.toml``; empty where it says nothing."""
    lists = _vocabulary().get(family, {})
    return next((kind for kind, patterns in lists.items() if _fits(name, patterns)), "")


def _fits(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name.rpartition("/")[2].lower(), pattern) for pattern in patterns)


def members(curves: Mapping[str, Curve], family: str) -> dict[str, Curve]:
    """Return the curves of one family that have enough points, by the names of its members."""
    found = {key[len(family) + 1 :]: curve for key, curve in curves.items() if key.startswith(f"{family}/")}
    return {name: curve for name, curve in found.items() if len(curve) >= FEWEST_POINTS}


def terms_of(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return the terms of the reward, without those that are sums of others."""
    return {name: curve for name, curve in members(curves, TERM).items() if kind_of(TERM, name) != "total"}


def task_terms(terms: Mapping[str, Curve]) -> list[str]:
    """Return the names of the terms that are the task."""
    return [name for name in terms if kind_of(TERM, name) in ("task", "sparse")]


def on_one_grid(curves: Mapping[str, Curve]) -> tuple[IntArray, dict[str, FloatArray]]:
    """Return the steps of the longest curve, and all of them there."""
    steps = max(curves.values(), key=len).steps
    return steps, {name: np.interp(steps, curve.steps, curve.values) for name, curve in curves.items()}


def of_families(curves: Mapping[str, Curve], suite: str) -> dict[str, Curve]:
    """Return what follows from the families of a run's metrics; nothing where it logs none.

    Args:
        curves: Resampled curves, finite.
        suite: The collection of environments, as ``Run.suite``.
    """
    if not any("/" in name for name in curves):
        return {}
    found = {**_of_terms(curves, suite), **_of_terminations(curves), **_of_curricula(curves), **_of_measures(curves)}
    lengths = curves.get("episode_length")
    if found and lengths is not None and len(lengths) and float(np.max(lengths.values)) > 0:
        share = lengths.values / float(np.max(lengths.values))
        found["played_share"] = Curve("played_share", lengths.steps, share, lengths.tag)
    return found


def _of_terms(curves: Mapping[str, Curve], suite: str) -> dict[str, Curve]:
    terms = terms_of(curves)
    task = task_terms(terms)
    if len(terms) < 2 or not task:
        return {}
    steps, values = on_one_grid(terms)
    size = sum((np.abs(value) for value in values.values()), np.zeros(len(steps)))
    safe = np.where(size > 0, size, 1.0)
    paid = sum((values[name] for name in task), np.zeros(len(steps)))
    tags = _listed([terms[name].tag for name in task])
    costs = sum((np.maximum(-value, 0.0) for value in values.values()), np.zeros(len(steps)))
    found = {
        "task_reward": Curve("task_reward", steps, paid, tags),
        "task_rate": Curve("task_rate", steps, paid / _share_played(curves, steps, size, suite), tags),
        "penalty_share": Curve("penalty_share", steps, costs / safe, _listed(_largest(terms, values, -1))),
    }
    others = [name for name in terms if name not in task]
    late = slice(-max(2, round(_LATE * len(steps))), None)
    if len(terms) > 2 and others:
        largest = max(others, key=lambda name: float(np.mean(np.abs(values[name][late]))))
        share = np.abs(values[largest]) / safe
        found["dominant_share"] = Curve("dominant_share", steps, share, terms[largest].tag)
    return found


def _largest(terms: Mapping[str, Curve], values: Mapping[str, FloatArray], sign: int) -> list[str]:
    """Return the tags of the terms of one sign, the largest at the end of the run first."""
    ends = {name: sign * float(value[-1]) for name, value in values.items()}
    return [terms[name].tag for name in sorted(ends, key=lambda name: -ends[name]) if ends[name] > 0]


def _share_played(curves: Mapping[str, Curve], steps: IntArray, size: FloatArray, suite: str) -> FloatArray:
    """Return which fraction of the longest episode episodes last, where terms are sums over them; else 1.

    mjlab, whose tags are those of Isaac Lab, logs them per second of the episode: then the return over the sum of the
    terms is proportional to the length of the episode, and otherwise constant.
    """
    lengths, returns = curves.get("episode_length"), curves.get("episode_return")
    if suite not in _SUMS or lengths is None or len(lengths) < FEWEST_POINTS:
        return np.ones(len(steps))
    length = np.maximum(np.interp(steps, lengths.steps, lengths.values), 1.0)
    if returns is not None and len(returns) >= FEWEST_POINTS:
        total = sum((np.interp(steps, curve.steps, curve.values) for curve in terms_of(curves).values()), 0 * size)
        return_there = np.interp(steps, returns.steps, returns.values)
        kept = (np.abs(total) > _CLEAR * size) & (return_there * total > 0)
        if kept.sum() > len(steps) // 2:
            ratio = np.log(return_there[kept] / total[kept])
            if _spread(ratio - np.log(length[kept])) < _spread(ratio):
                return np.ones(len(steps))
    return length / float(np.max(length))


def _spread(values: FloatArray) -> float:
    return float(np.median(np.abs(values - np.median(values))))


def _of_terminations(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    reasons = members(curves, TERMINATION)
    kinds = {name: kind_of(TERMINATION, name) for name in reasons}
    failures = [name for name, kind in kinds.items() if not kind]
    if len(reasons) < 2 or not failures or len(failures) == len(reasons):
        return {}
    steps, values = on_one_grid(reasons)
    total = sum(values.values(), np.zeros(len(steps)))
    ended = total > 0
    if ended.sum() < FEWEST_POINTS:
        return {}
    failed = sum((values[name] for name in failures), np.zeros(len(steps)))
    late = slice(-max(2, round(_LATE * len(steps))), None)
    leading = max(failures, key=lambda name: float(np.mean(values[name][late])))
    share = Curve("failure_share", steps[ended], (failed[ended] / total[ended]).clip(0, 1), reasons[leading].tag)
    found = {"failure_share": share}
    successes = [name for name, kind in kinds.items() if kind == "success"]
    if successes and "success_rate" not in curves:
        solved = sum((values[name] for name in successes), np.zeros(len(steps)))
        found["success_rate"] = Curve(
            *("success_rate", steps[ended], (solved[ended] / total[ended]).clip(0, 1)),
            *(_listed([reasons[name].tag for name in successes]), Aggregation.WINDOW),
        )
    return found


def _of_curricula(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    levels = {
        n: c for n, c in members(curves, CURRICULUM).items() if not _fits(n, _vocabulary()[CURRICULUM]["schedule"])
    }
    for pattern in _vocabulary()[CURRICULUM]["level"]:
        for name, curve in levels.items():
            if _fits(name, (pattern,)):
                return {"curriculum_level": Curve("curriculum_level", curve.steps, curve.values, curve.tag)}
    return {}


def _of_measures(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return the mean of what a collection measures of the task's error, each as a fraction of its largest value."""
    errors = {
        n: c for n, c in members(curves, MEASURE).items() if kind_of(MEASURE, n) == "error" and np.max(c.values) > 0
    }
    if not errors:
        return {}
    steps, values = on_one_grid(errors)
    mean = np.mean([value / float(np.max(value)) for value in values.values()], axis=0)
    return {"task_error": Curve("task_error", steps, mean, _listed([curve.tag for curve in errors.values()]))}


def _listed(tags: Collection[str]) -> str:
    first = list(tags)[:_NAMED]
    return ", ".join(first) + (f" and {len(tags) - _NAMED} more" if len(tags) > _NAMED else "")
