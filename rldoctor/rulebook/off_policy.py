"""Curves that follow from those of off-policy methods: how large the critic's values are, and what evaluations show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rldoctor.model import Aggregation, Curve, FloatArray, Run
from rldoctor.rulebook.episodes import LONG, WINDOW, counts_of
from rldoctor.rulebook.resample import resampled

# Algorithms of checks/algorithms.toml that learn from a replay buffer.
OFF_POLICY = ("sac", "td3", "dqn")
OFF_POLICY_METRICS = (
    "value_per_return",
    "q_per_return",
    "critic_loss_per_reward",
    "critic_loss_per_value",
    "signed_value",
    "evaluation_size",
    "evaluation_length_ratio",
    "evaluation_lead",
    "entropy_kept",
    "value_per_reward",
    "critic_loss_over_median",
    "updates_per_step",
    "return_by_episode",
)
# A mean over episodes that took more than this share of a run's steps says what earlier policies did; it is taken apart
# in a run of up to so many episodes. Ours, from tasks whose episodes get ten times as long.
_MUCH, MANY = 0.15, 20 * LONG
# Discount factor where no settings say it: the default of Stable-Baselines3's off-policy methods.
_GAMMA = 0.99
_TINY = 1e-12
# From this fraction of a run on its critic's loss is compared with its own median.
_SETTLED = 0.3
# Of the mean rewards of a run's episodes, the quantile that stands for their size. Ours.
_HIGH = 0.9


def most_episodes(algorithm: str, lengths: Curve, window: int) -> int:
    """Return from how many episodes on a run's mean over the last ``window`` of them is left as it is.

    Off-policy methods log every few episodes, so that means can be taken apart for longer; and as the episodes of a
    task like CartPole get longer, the last 100 are most of the steps of a run. Ours.

    Args:
        algorithm: A key of ``checks/algorithms.toml``.
        lengths: Mean length of the last episodes, finite.
        window: Over how many.
    """
    if algorithm not in OFF_POLICY:
        return LONG
    recent = window * float(lengths.values[-1]) if len(lengths) else 0.0
    return MANY if recent > _MUCH * float(lengths.steps[-1] if len(lengths) else 0) else 2 * LONG


def derived(curves: Mapping[str, Curve], run: Run) -> dict[str, Curve]:
    """Return what follows from the curves that are there; nothing for runs of other algorithms.

    ``value_per_return`` is the size of the actor's loss, which is that of the values of its actions, over the largest
    discounted return that the rewards of the run so far allow; about 1 and less for values that are right.
    ``signed_value`` is the same with its sign: below 0 where values are of the other sign than all returns.
    ``critic_loss_per_value`` is the error of the critic over the square of the values of the actor's actions.
    ``q_per_return`` is the same for values and returns that DoctorCallback has measured on the same steps.
    ``critic_loss_per_reward`` is the error of the critic in the unit in which it is measured, that of a squared reward,
    over the size of the rewards: about 1 for a critic that knows nothing, whatever the scale of the rewards.
    ``critic_loss_over_median`` is that error over its own median, from 30 % of the run on. ``value_per_reward`` is the
    size of the actor's loss over the mean reward of a step at the same time: 1 where values hold a single reward.
    ``updates_per_step``, where DoctorCallback has not measured it, follows from ``n_updates``, or from how fast SAC's
    temperature moves. ``entropy_kept`` is the entropy of SAC's policy above its target, over what it was at the start.
    ``evaluation_lead`` is by how much evaluations are above the return in training at the same steps.
    ``evaluation_size`` is the size of evaluations over that of the return in training, the largest so far, and
    ``evaluation_length_ratio`` the same of their lengths.
    """
    if run.algorithm not in OFF_POLICY:
        return {}
    gamma = run.settings.gamma if run.settings else None
    found = {}
    losses, returns, lengths = (curves.get(name) for name in ("actor_loss", "episode_return", "episode_length"))
    if losses is not None and returns is not None and lengths is not None and _all(losses, returns, lengths):
        horizon = 1.0 / max(1.0 - (_GAMMA if gamma is None else gamma), 1e-6)
        steps = np.maximum(np.interp(returns.steps, lengths.steps, lengths.values), 1.0)
        rewards = np.abs(returns.values) / steps * np.minimum(steps, horizon)
        most = np.maximum.accumulate(rewards)
        if most[-1] > _TINY:
            size = np.interp(losses.steps, returns.steps, np.maximum(most, _TINY))
            found["value_per_return"] = _like(losses, "value_per_return", np.abs(losses.values) / size)
            side = float(np.sign(returns.values[0]))
            if (side * returns.values > 0).all():
                found["signed_value"] = _like(losses, "signed_value", -side * losses.values / size)
            reward = np.interp(losses.steps, returns.steps, np.abs(returns.values) / steps)
            found["value_per_reward"] = _like(losses, "value_per_reward", np.abs(losses.values) / (reward + _TINY))
    found |= _critic_loss(curves, run.algorithm)
    found |= {**_updates(curves, run), **_entropy(curves), **_lead(curves), **_critic_loss_per_value(curves)}
    values, got = curves.get("q_mean"), curves.get("return_got")
    if values is not None and got is not None and _all(values, got):
        size = np.interp(values.steps, got.steps, np.abs(got.values))
        known = size > _TINY
        if known.any():
            ratio = np.abs(values.values[known]) / size[known]
            found["q_per_return"] = Curve("q_per_return", values.steps[known], ratio, values.tag, Aggregation.MEAN)
    for name, logged, trained in (
        ("evaluation_size", "evaluation_return", "training_return"),
        ("evaluation_length_ratio", "evaluation_length", "episode_length"),
    ):
        shown = curves.get(logged)
        here = curves.get(trained) or curves.get("episode_return" if trained == "training_return" else trained)
        if shown is not None and here is not None and _all(shown, here):
            most = np.maximum.accumulate(np.abs(shown.values))
            level = float(np.median(np.abs(here.values)))
            if level > _TINY:
                found[name] = _like(shown, name, most / level)
    return found


def _critic_loss(curves: Mapping[str, Curve], algorithm: str) -> dict[str, Curve]:
    losses = curves.get("critic_loss") or curves.get("loss")
    if losses is None or not len(losses):
        return {}
    found = {}
    late = losses.values[losses.steps >= _SETTLED * losses.steps[-1]]
    if (level := float(np.median(late))) > 0:
        found["critic_loss_over_median"] = _like(losses, "critic_loss_over_median", losses.values / level)
    return found | _critic_loss_per_reward(losses, curves, algorithm)


def _critic_loss_per_reward(losses: Curve, curves: Mapping[str, Curve], algorithm: str) -> dict[str, Curve]:
    returns, lengths = curves.get("episode_return"), curves.get("episode_length")
    if returns is None or lengths is None or not _all(returns, lengths):
        return {}
    steps = np.maximum(np.interp(returns.steps, lengths.steps, lengths.values), 1.0)
    # Returns of both signs cross 0, where they say nothing of the rewards.
    reward = float(np.quantile(np.abs(returns.values) / steps, _HIGH))
    if reward <= _TINY:
        return {}
    # Beyond 1 DQN's error is not squared (smooth_l1_loss).
    size = reward if algorithm == "dqn" and reward > 1.0 else reward**2
    return {"critic_loss_per_reward": _like(losses, "critic_loss_per_reward", losses.values / size)}


def _updates(curves: Mapping[str, Curve], run: Run) -> dict[str, Curve]:
    """Return the gradient steps for each environment step where the ratio is not measured."""
    if "updates_per_step" in curves or not run.counts_steps:
        return {}
    counted = curves.get("n_updates")
    if counted is None or len(counted) < 2:
        return _updates_of_temperature(curves)
    passed = np.diff(counted.steps).astype(np.float64)
    later = np.flatnonzero(passed > 0)
    done = np.diff(counted.values)[later] / passed[later]
    return {
        "updates_per_step": Curve("updates_per_step", counted.steps[1:][later], done, counted.tag, Aggregation.MEAN)
    }


# How far from 1, in its logarithm, a tuned temperature may be where it is logged first, so that it is still on its way
# from there; by how much it has to move in all; and of its first rows, how many say how fast. Ours.
_NEAR_START, _MOVED, _FIRST = 0.7, 0.001, 0.2


def _updates_of_temperature(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return the gradient steps for each environment step that SAC's temperature shows, at least.

    Adam moves the logarithm of the temperature by the learning rate in each update as long as the entropy stays on one
    side of its target, and by less afterwards: how fast it moves at first says how many updates there are.
    """
    temperatures, rates = curves.get("ent_coef"), curves.get("learning_rate")
    if temperatures is None or rates is None or not _all(temperatures, rates) or (temperatures.values <= 0).any():
        return {}
    level, steps = np.log(temperatures.values), temperatures.steps
    passed = np.diff(steps) * np.interp(steps, rates.steps, rates.values)[1:]
    moved = np.diff(level)
    known = passed > 0
    first = max(_FEWEST_BEGUN, int(_FIRST * known.sum()))
    if known.sum() < first or abs(level[0]) > _NEAR_START:
        return {}
    whole = float(moved[known][:first].sum())
    # A temperature that goes to and fro is where it should be, and one that hardly moves is rounded.
    if abs(whole) < max(_MOVED, 0.9 * float(np.abs(moved[known][:first]).sum())):
        return {}
    least = abs(whole) / float(passed[known][:first].sum())
    same = np.full(int(known.sum()), least)
    return {"updates_per_step": Curve("updates_per_step", steps[1:][known], same, temperatures.tag, Aggregation.MEAN)}


# Of the rows of a temperature, those that show where its entropy began; and how near to 1 a temperature is whose
# logarithm is lost in the noise of a batch. Ours.
_BEGUN, _FEWEST_BEGUN, _NEAR_ONE = 0.1, 3, 0.02


def _entropy(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return what is left of the entropy above its target: the loss of the temperature is that times its logarithm."""
    losses, temperatures = curves.get("ent_coef_loss"), curves.get("ent_coef")
    if losses is None or temperatures is None or not _all(losses, temperatures):
        return {}
    size = np.interp(losses.steps, temperatures.steps, np.log(np.maximum(temperatures.values, 1e-300)))
    known = np.abs(size) > _NEAR_ONE
    above = losses.values[known] / size[known]
    if not len(above):
        return {}
    first = float(above[: max(_FEWEST_BEGUN, int(_BEGUN * len(above)))].max())
    if first <= _TINY:
        return {}
    return {"entropy_kept": Curve("entropy_kept", losses.steps[known], above / first, losses.tag, Aggregation.MEAN)}


def _lead(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return by how much evaluations are above training, where both are logged."""
    shown, trained = curves.get("evaluation_return"), curves.get("training_return") or curves.get("episode_return")
    if shown is None or trained is None or not _all(shown, trained):
        return {}
    here = np.interp(shown.steps, trained.steps, trained.values)
    size = np.maximum(np.maximum(np.abs(shown.values), np.abs(here)), _TINY)
    return {"evaluation_lead": _like(shown, "evaluation_lead", (shown.values - here) / size)}


def _critic_loss_per_value(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    errors, losses = curves.get("critic_loss"), curves.get("actor_loss")
    if errors is None or losses is None or not _all(errors, losses):
        return {}
    values = np.interp(errors.steps, losses.steps, losses.values)
    return {"critic_loss_per_value": _like(errors, "critic_loss_per_value", errors.values / (values**2 + _TINY))}


def by_episode(run: Run, window: int = WINDOW) -> dict[str, Curve]:
    """Return the mean return over the episodes that have ended, instead of the steps; nothing for few of them.

    An agent that fails soon plays many episodes in few steps: by its steps, hundreds of failures are the last hundredth
    of a training. ``window`` is over how many episodes the mean is.
    """
    logged = [run.curves[name].finite() for name in ("episode_return", "episode_length") if name in run.curves]
    if run.algorithm not in OFF_POLICY or not run.counts_steps or len(logged) < 2 or not _all(*logged):
        return {}
    returns, lengths = logged
    if returns.aggregation is not Aggregation.WINDOW:
        return {}
    size = np.maximum(np.interp(returns.steps, lengths.steps, lengths.values), 1.0)
    counts = counts_of(returns.steps.astype(np.float64), size, window)
    if counts[-1] < LONG:
        return {}
    curve = Curve("return_by_episode", counts.astype(np.int64), returns.values, returns.tag, returns.aggregation)
    return {curve.metric: resampled(curve)}


def _all(*curves: Curve) -> bool:
    return all(len(curve) for curve in curves)


def _like(curve: Curve, metric: str, values: FloatArray) -> Curve:
    return Curve(metric, curve.steps, values, curve.tag, Aggregation.MEAN)
