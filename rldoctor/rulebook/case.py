"""A case: one run and its reference, as the signs see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from rldoctor.model import Aggregation, Band, Curve, FloatArray, Run
from rldoctor.model.settings import WINDOW_SETTING
from rldoctor.references import Reference
from rldoctor.rulebook import off_policy
from rldoctor.rulebook.episodes import WINDOW, taken_apart, window_of
from rldoctor.rulebook.families import FAMILY_METRICS, of_families
from rldoctor.rulebook.families import FEWEST_POINTS as FEWEST_POINTS
from rldoctor.rulebook.movers import Mover, movers
from rldoctor.rulebook.resample import resampled, start_of, without_repeats

_OF_STD_ONE = 1.4189385  # entropy of one dimension of a Gaussian with a standard deviation of 1: (1 + ln 2 pi) / 2
# Fractions of a run: how old an evaluation of its last policy may be, and the part at the end that it describes.
_FRESH, _END = 0.05, 0.2


@dataclass(frozen=True)
class Case:
    """One run under examination.

    Attributes:
        run: The curves.
        reference: A known-good training on the same environment; ``None`` where none matches.
        same_recipe: Whether the run was trained with the reference's settings. Only then do its bands of update
            metrics (KL, clip fraction, entropy, ...) apply; outcome bands (return, success) need the environment alone.
    """

    run: Run
    reference: Reference | None = None
    same_recipe: bool = False

    @cached_property
    def curves(self) -> Mapping[str, Curve]:
        """The run's curves, what stands in for missing ones, and what is derived from them; finite points only."""
        finite = {name: curve.finite() for name, curve in self.run.curves.items()}
        if (
            self.run.framework in _MEANS_OF_100
            and self.run.counts_steps
            and {"episode_return", "episode_length"} <= finite.keys()
        ):
            logged = finite["episode_return"]
            lengths = finite["episode_length"]
            most = off_policy.most_episodes(self.run.algorithm, lengths, self.window)
            played = taken_apart(without_repeats(logged), lengths, most, self.window)
            finite |= {curve.metric: curve for curve in played}
            # A few episodes in a row may go badly; the mean over many shows whether that lasts.
            finite["mean_return"] = replace(logged, metric="mean_return")
            finite["mean_length"] = replace(lengths, metric="mean_length")
        even = {name: resampled(curve) for name, curve in finite.items()}
        even |= _stand_ins(even)
        derived = {**_of_outcomes(even), **_of_updates(even), **of_families(even, self.run.suite)}
        derived |= _of_both(derived)
        even |= _evaluated(even)
        derived |= {**off_policy.derived(even, self.run), **off_policy.by_episode(self.run, self.window)}
        return {**even, **derived, **_unvaried(self.run), **_lead(even, self.run.baseline_return)}

    @cached_property
    def window(self) -> int:
        """Episodes of a mean: as the settings say, or as the curves tell; 100 where neither does."""
        stated = self.run.settings.entries.get(WINDOW_SETTING) if self.run.settings else None
        if type(stated) is int and stated > 0:
            return stated
        curves = [self.run.curves.get(name) for name in ("episode_return", "episode_length")]
        finite = [curve.finite() for curve in curves if curve is not None]
        return window_of(*finite) if len(finite) == len(curves) else WINDOW

    @cached_property
    def movers(self) -> tuple[Mover, ...]:
        """The curves that left their bands before the run broke, the first one first."""
        return movers(self.run)

    @cached_property
    def as_logged(self) -> Mapping[str, Curve]:
        """The curves as their framework averages them, as those of references are."""
        even = {name: resampled(self.run.curves[name].finite()) for name in OUTCOME_METRICS & self.run.curves.keys()}
        even |= _stand_ins({**even, **{name: self.curves[name] for name in self.curves if name in _EVALUATIONS}})
        logged = {**self.curves, **even}
        return {**logged, **_of_outcomes(logged)}

    @cached_property
    def alone(self) -> dict[str, Any]:
        """What has been found out of this case by itself, for whoever looks for it again."""
        return {}

    def band(self, metric: str) -> Band | None:
        """Return the reference's band of a metric, where it applies to this run."""
        if self.reference is None or not (self.same_recipe or metric in OUTCOME_METRICS):
            return None
        return self.reference.bands.get(metric)


# Frameworks whose returns are means over the last 100 episodes, their monitor files included.
_MEANS_OF_100 = ("sb3",)
OUTCOME_METRICS = frozenset({"episode_return", "success_rate", "episode_length", "reward_per_step"})


# What shows whether the task is solved, whatever the reward is.
SUCCESS_METRICS = frozenset({"success_rate", "reached_success", "evaluation_success_rate"})


def derived_metrics() -> tuple[str, ...]:
    """Return the names of the metrics that are computed from logged ones."""
    names = ("reward_per_step", "reward_magnitude", "value_error", "reached_success", "entropy_over_std")
    more = (
        "lead_over_doing_nothing",
        "return_at_first_length",
        "reward_above_sparse",
        "reward_above_zero",
        "targets_without_variance",
        "training_return",
        "mean_return",
        "value_error_per_reward",
        "mean_length",
        "return_over_many",
        "length_over_many",
    )
    return (*names, *more, *off_policy.OFF_POLICY_METRICS, *FAMILY_METRICS)


# What training achieves, and the evaluation that stands in where training does not log it.
_STAND_INS = {
    "episode_return": "evaluation_return",
    "episode_length": "evaluation_length",
    "success_rate": "evaluation_success_rate",
}


def _stand_ins(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return evaluations in place of outcomes that training did not log."""
    return {
        metric: replace(curves[other], metric=metric)
        for metric, other in _STAND_INS.items()
        if metric not in curves and len(curves.get(other, ())) >= FEWEST_POINTS
    }


_EVALUATIONS = frozenset(_STAND_INS.values())
# Evaluations show what the policy achieves where there are enough, from the first half on to the last fifth. Ours.
# The first of them must not come after half of what training shows. Ours.
_FEWEST_EVALUATIONS, _BEFORE, _AFTER, _LEARNED = 2 * FEWEST_POINTS, 0.5, 0.8, 0.5


def _evaluated(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return evaluations in place of the return in training, which holds exploration and older policies as well."""
    returns, lengths = curves.get("evaluation_return"), curves.get("evaluation_length")
    logged = curves.get("episode_return")
    if returns is None or logged is None or len(returns) < _FEWEST_EVALUATIONS or not len(logged):
        return {}
    last = max(int(logged.steps[-1]), 1)
    if returns.steps[0] > _BEFORE * last or returns.steps[-1] < _AFTER * last:
        return {}
    # What was learned before the first evaluation, evaluations do not show.
    learned = abs(float(np.interp(returns.steps[0], logged.steps, logged.values)) - start_of(logged))
    if learned > _LEARNED * float(np.ptp(logged.values)):
        return {}
    found = {
        "episode_return": replace(returns, metric="episode_return"),
        "training_return": replace(logged, metric="training_return"),
    }
    if lengths is not None and len(lengths) >= FEWEST_POINTS:
        found["episode_length"] = replace(lengths, metric="episode_length")
    return found


def _of_outcomes(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return curves that no framework logs but that follow from the return, the length and the success of episodes."""
    derived = {}
    returns, lengths = curves.get("episode_return"), curves.get("episode_length")
    if returns is not None and lengths is not None and len(returns) and len(lengths):
        steps = np.interp(returns.steps, lengths.steps, lengths.values)
        rewards = returns.values / np.maximum(steps, 1.0)
        derived["reward_per_step"] = _like(returns, "reward_per_step", rewards)
        # What the return would be if episodes whose steps cost had not become longer than at the start.
        most = np.minimum(np.maximum(steps, 1.0), max(start_of(lengths), 1.0))
        capped = np.where(rewards < 0, rewards * most, returns.values)
        derived["return_at_first_length"] = _like(returns, "return_at_first_length", capped)
        # Above what a reward of -1 at each step of every failed episode comes to.
        solved = curves.get("success_rate")
        share = np.interp(returns.steps, solved.steps, solved.values) if solved is not None and len(solved) else 0.0
        derived["reward_above_sparse"] = _like(returns, "reward_above_sparse", rewards + 1.0 - share)
        derived |= _paid_sooner(curves.get("mean_return", returns), curves.get("mean_length", lengths))
        derived["reward_magnitude"] = _like(returns, "reward_magnitude", np.abs(rewards))
    success, evaluated = curves.get("success_rate"), curves.get("evaluation_success_rate")
    if success is not None and len(success):
        derived["reached_success"] = _like(success, "reached_success", _reached(success, evaluated))
    return derived


def _paid_sooner(returns: Curve, lengths: Curve) -> dict[str, Curve]:
    """Return what a step is paid and how long episodes are, as means over many: what a few of them do hides a trend."""
    steps = np.interp(returns.steps, lengths.steps, lengths.values)
    # Paid sooner is better, owed sooner is not.
    paid = np.maximum(returns.values / np.maximum(steps, 1.0), 0.0)
    return {
        "reward_above_zero": _like(returns, "reward_above_zero", paid),
        "return_over_many": replace(returns, metric="return_over_many"),
        "length_over_many": replace(lengths, metric="length_over_many"),
    }


def _of_updates(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return curves that follow from those of updates."""
    derived = {}
    losses = curves.get("value_loss")
    if losses is not None and len(losses):
        # An untrained critic predicts about 0, so the root of its loss is the size of the value targets.
        derived["value_error"] = _like(losses, "value_error", np.sqrt(np.maximum(losses.values, 0.0)))
    entropy, std = curves.get("entropy"), curves.get("std")
    if entropy is not None and std is not None and len(entropy) and len(std):
        spread = np.interp(entropy.steps, std.steps, np.log(np.maximum(std.values, 1e-300)))
        derived["entropy_over_std"] = _like(entropy, "entropy_over_std", entropy.values - (_OF_STD_ONE + spread))
    return derived


def _of_both(derived: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return the critic's error in rewards of a step, from curves of outcomes and of updates."""
    errors, rewards = derived.get("value_error"), derived.get("reward_magnitude")
    if errors is None or rewards is None or not len(rewards):
        return {}
    of_a_step = np.interp(errors.steps, rewards.steps, rewards.values)
    return {"value_error_per_reward": _like(errors, "value_error_per_reward", errors.values / (of_a_step + 1e-300))}


def _unvaried(run: Run) -> dict[str, Curve]:
    """Return where all value targets of a rollout are equal: explained_variance is 0 / 0 there, and the loss finite."""
    explained, losses = run.curves.get("explained_variance"), run.curves.get("value_loss")
    if (
        explained is None
        or losses is None
        or explained.finite() is explained
        or not np.isnan(explained.values).any()
        or not np.isfinite(losses.values).all()
    ):
        return {}
    return {"targets_without_variance": _like(explained, "targets_without_variance", 1.0 * np.isnan(explained.values))}


def _lead(curves: Mapping[str, Curve], baseline: float | None) -> dict[str, Curve]:
    """Return the return minus the baseline return, as a fraction of the larger of both; in [-2, 2]."""
    returns = curves.get("episode_return")
    if baseline is None or returns is None:
        return {}
    size = np.maximum(np.maximum(np.abs(returns.values), abs(baseline)), 1e-12)
    return {
        "lead_over_doing_nothing": _like(returns, "lead_over_doing_nothing", (returns.values - baseline) / size),
    }


def _reached(success: Curve, evaluated: Curve | None) -> FloatArray:
    """Return the success rate with, at the end of the run, what an evaluation of the last policy found.

    Training shows the exploring policy over its last hundred episodes, some of them long ago; an evaluation shows what
    was learned. One that is older than the last twentieth of the run does not describe its end.
    """
    if evaluated is None or not len(evaluated):
        return success.values
    first, last = float(success.steps[0]), float(success.steps[-1])
    if evaluated.steps[-1] < last - _FRESH * (last - first):
        return success.values
    late = success.steps >= first + (1.0 - _END) * (last - first)
    return np.where(late, evaluated.values[-1], success.values)


def _like(curve: Curve, metric: str, values: FloatArray) -> Curve:
    return Curve(metric, curve.steps, values, curve.tag, Aggregation.MEAN)
