"""What DoctorCallback measures, for N trainings at once: the numbers of ``rldoctor/callback``, by name ``(N,)``.

A number that DoctorCallback would leave out is NaN. A test holds all to the callback's own functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from benchmarks.laboratory import masked
from benchmarks.laboratory.collect import Rollout, advantages_of
from benchmarks.laboratory.interface import BatchEnv, Faults, Recipe
from benchmarks.laboratory.learner import Batch
from benchmarks.laboratory.networks import Activation, Layout, Parts, backward, forward
from benchmarks.laboratory.normalize import Normalizer
from benchmarks.laboratory.rollout_measures import FEWEST_PAIRS, Measured, Sample, rollout_measures
from benchmarks.laboratory.update import Head, kept_shares

_LARGEST_LOG_RATIO = 20.0


@dataclass(frozen=True)
class _Learning:
    """The sample before the update, with which its effect is measured."""

    observations: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor


class Probe:
    """Measures N trainings.

    Args:
        env: Whose goals are looked at.
        recipe: Settings.
        faults: For what the optimiser does not train.
        layout: Of the networks.
        normalizer: Of the observations.

    Attributes:
        nonfinite: Training to tag, step and value of the first observation that is not finite.
    """

    def __init__(self, env: BatchEnv, recipe: Recipe, faults: Faults, layout: Layout, normalizer: Normalizer) -> None:
        self._env, self._recipe, self._layout, self._normalizer = env, recipe, layout, normalizer
        self._activation = Activation(recipe.relu)
        self._kept = kept_shares(layout, faults)
        self._rows: Tensor | None = None
        self._learning: _Learning | None = None
        self._updated: Measured = {}
        self._before: Tensor | None = None
        self.nonfinite: dict[int, tuple[str, int, float]] = {}

    @torch.no_grad()
    def before_update(self, rows: Tensor, rollout: Rollout, stored: Batch, values: Tensor) -> Measured:
        """Measure a rollout and the networks before they are updated on it.

        Args:
            rows: The networks.
            rollout: As it was collected.
            stored: As the update sees it.
            values: The critic's, as stored, ``(N, M)``.
        """
        steps, _, envs = rollout.log_probs.shape
        sample = Sample(steps, envs, rollout.dones)
        expected = self._advantages(rollout, values)
        found, self._updated = {**self._updated}, {}
        scale = _return_scale(stored.returns)
        found |= _advantages(stored, values, expected, scale)
        found |= rollout_measures(self._env, rollout, stored, sample, self._normalizer)
        found |= self._repetition(stored, sample)
        found |= self._networks(rows, stored, values, expected, sample, scale)
        return found

    @torch.no_grad()
    def after_update(self, rows: Tensor) -> None:
        """Measure what the last update did, for the next point of the curves."""
        before, learning = self._rows, self._learning
        self._rows = self._learning = None
        if before is None or learning is None:
            return
        n = len(rows) // 2
        moved, size = ((table.double().square().sum(1)).sqrt() for table in (rows - before, before))
        change = torch.where(size > 0, moved / size, torch.nan)
        self._updated |= {"policy_weight_change": change[:n], "critic_weight_change": change[n:]}
        broken = ~torch.isfinite(rows).all(1).view(2, n).all(0)
        values, head = self._evaluate(rows, learning.observations, learning.actions)
        shift = head.log_prob - learning.log_probs
        aligned = _rank_correlation(shift, learning.advantages)
        flat = (shift.amax(1) == shift.amin(1)) | (learning.advantages.amax(1) == learning.advantages.amin(1))
        errors = [(some - learning.returns).square().mean(1) for some in (learning.values, values)]
        improved = (1.0 - errors[1] / errors[0]).clamp(min=-10.0)
        self._updated["update_alignment"] = torch.where(broken | flat, torch.nan, aligned)
        self._updated["critic_improvement"] = torch.where(broken | (errors[0] <= 0), torch.nan, improved)

    def look_for_nonfinite(self, rollout: Rollout, last: Tensor, begun: int) -> None:
        """Remember the first observation entry of each training that is not finite; ``last``: after the rollout."""
        if math.isfinite(float(rollout.observations.sum() + last.sum())):
            return
        seen = torch.cat([rollout.observations[1:], last[None]])
        shares = (~torch.isfinite(seen)).double().mean((2, 3))
        for i in torch.nonzero((shares > 0).any(0)).flatten().tolist():
            step = int((shares[:, i] > 0).double().argmax())
            at = begun + (step + 1) * rollout.log_probs.shape[2]
            self.nonfinite.setdefault(i, ("doctor/observation_nonfinite", at, float(shares[step, i])))

    def _advantages(self, rollout: Rollout, values: Tensor) -> Tensor:
        """Return GAE computed again from what the environments returned, ``(N, M)`` in the order of the batch."""
        steps, n, envs = rollout.log_probs.shape
        given = values.view(n, envs, steps).permute(2, 0, 1).double()
        exact = advantages_of(
            rollout.stored_rewards.double(), given, rollout.dones, rollout.last_values.double(), self._recipe
        )
        return exact.permute(1, 2, 0).flatten(1)

    def _repetition(self, stored: Batch, sample: Sample) -> Measured:
        columns = [stored.observations, stored.actions.double()]
        columns += [stored.log_probs.unsqueeze(2), stored.advantages.unsqueeze(2)]
        now = torch.cat([sample.rows(column).double() for column in columns], 2)
        before, self._before = self._before, now
        if before is None:
            return {}
        same = (before == now) | (torch.isnan(before) & torch.isnan(now))
        return {"stored_data_repeated": same.all(2).double().mean(1)}

    def _evaluate(self, rows: Tensor, observed: Tensor, actions: Tensor) -> tuple[Tensor, Head]:
        parts = Parts(self._layout, rows)
        out, values = parts.outputs(forward(parts, self._activation, observed.repeat(2, 1, 1))[-1])
        return values, Head(self._layout, out, parts.log_std, actions)

    def _networks(
        self, rows: Tensor, stored: Batch, values: Tensor, expected: Tensor, sample: Sample, scale: Tensor
    ) -> Measured:
        n = len(rows) // 2
        broken = (~torch.isfinite(rows)).sum(1).view(2, n).sum(0)
        found: Measured = {"weights_nonfinite": broken.double() / _weights(self._layout)}
        self._rows = rows.clone()
        wide = [sample.wide_rows(column) for column in (stored.observations, stored.actions, expected, values)]
        seen, head = self._evaluate(rows, wide[0], wide[1])
        ratio = (head.log_prob - sample.wide_rows(stored.log_probs)).clamp(-_LARGEST_LOG_RATIO, _LARGEST_LOG_RATIO)
        found["first_ratio_error"] = (ratio.exp() - 1).abs().amax(1)
        returns = (wide[2] + wide[3]).float()
        self._learning = _Learning(wide[0], wide[1], head.log_prob, seen, wide[2], returns)
        found |= self._on_sample(rows, stored, sample, scale)
        return {
            name: value if name == "weights_nonfinite" else torch.where(broken > 0, torch.nan, value.double())
            for name, value in found.items()
        }

    def _on_sample(self, rows: Tensor, stored: Batch, sample: Sample, scale: Tensor) -> Measured:
        layout, recipe, n = self._layout, self._recipe, len(rows) // 2
        parts = Parts(layout, rows)
        observed, actions = sample.rows(stored.observations), sample.rows(stored.actions)
        inputs = observed.repeat(2, 1, 1)
        layers = forward(parts, self._activation, inputs)
        out, values = parts.outputs(layers[-1])
        head = Head(layout, out, parts.log_std, actions)
        count = observed.shape[1]
        weights = sample.rows(stored.advantages)
        if count > 1:
            normal = (weights - weights.mean(1, keepdim=True)) / (weights.std(1, keepdim=True) + 1e-8)
            weights = torch.where(recipe.normalize_advantage[:, None] > 0, normal, weights)
        gradients = torch.zeros_like(rows)
        to = Parts(layout, gradients)
        policy = head.gradient(-weights / count, recipe.ent_coef, to)
        value = (2 * recipe.vf_coef / count)[:, None] * (values - sample.rows(stored.returns))
        backward(parts, self._activation, inputs, layers, to, policy, value)
        if self._kept is not None:
            gradients *= self._kept > 0
        squares = gradients.double().square().sum(1).view(2, n)
        total = squares.sum(0)
        found: Measured = {"gradient_norm": total.sqrt()}
        found["critic_gradient_share"] = torch.where(total > 0, (squares[1] / total).sqrt(), torch.nan)
        if layout.discrete:
            found["action_entropy_fraction"] = head.entropy.double().mean(1) / math.log(layout.action_size)
        centre = head.probs if parts.log_std is None else out
        order = _order(2, count)
        changes = {"observation": observed[:, order]}
        if self._env.desired_goal is not None:
            changes["goal"] = observed.clone()
            changes["goal"][:, :, self._env.desired_goal] = observed[:, order, self._env.desired_goal]
        for name, changed in changes.items():
            moved_out, moved_values = parts.outputs(forward(parts, self._activation, changed.repeat(2, 1, 1))[-1])
            if parts.log_std is None:
                shift = 0.5 * (torch.softmax(moved_out, 2) - centre).abs().sum(2).mean(1)
            else:
                shift = ((moved_out - centre).abs() / parts.log_std.exp()[:, None]).mean((1, 2))
            found[f"policy_{name}_sensitivity"] = shift
            found[f"critic_{name}_sensitivity"] = (moved_values - values).abs().mean(1).double() / scale
        taken = torch.nn.functional.one_hot(actions[:, :, 0].long(), layout.action_size) if layout.discrete else actions
        return found | _action_effect(stored, sample, centre.double(), taken.double() - centre.double())


def _weights(layout: Layout) -> int:
    """Return how many parameters policy and critic have together."""
    hidden = sum((inputs + 1) * outputs for _, inputs, outputs in layout.hidden)
    return layout.size + hidden + layout.net_arch[-1] + 1


def _advantages(stored: Batch, values: Tensor, expected: Tensor, scale: Tensor) -> Measured:
    advantages, returns, given = stored.advantages.double(), stored.returns.double(), values.double()
    size = torch.maximum(_std(expected), 1e-3 * expected.square().mean(1).sqrt())
    return {
        "advantage_mean": advantages.mean(1),
        "advantage_std": _std(advantages),
        "return_std": _std(returns),
        "value_std": _std(given),
        "advantage_identity_error": (advantages + given - returns).square().mean(1).sqrt() / scale,
        "gae_error": torch.where(size > 0, _std(advantages - expected) / size, torch.nan),
    }


def _return_scale(returns: Tensor) -> Tensor:
    numbers = returns.double()
    return torch.maximum(_std(numbers), 1e-3 * numbers.square().mean(1).sqrt()).clamp(min=1e-12)


def _std(values: Tensor) -> Tensor:
    return values.std(1, correction=0)


def _rank_correlation(left: Tensor, right: Tensor) -> Tensor:
    ranks = [values.argsort(1).argsort(1).double() for values in (left, right)]
    centred = [rank - rank.mean(1, keepdim=True) for rank in ranks]
    return (centred[0] * centred[1]).sum(1) / (centred[0].square().sum(1) * centred[1].square().sum(1)).sqrt()


@cache
def _order(seed: int, count: int) -> Tensor:
    """Return the permutation that DoctorCallback draws."""
    return torch.as_tensor(np.random.default_rng(seed).permutation(count))


def _action_effect(stored: Batch, sample: Sample, centre: Tensor, noise: Tensor) -> Measured:
    """Measure how much of the observation's next change is due to the chance part of the action."""
    mask = sample.paired
    before = sample.rows(stored.observations).double()
    change = sample.next_rows(stored.observations).double() - before
    finite = torch.isfinite(torch.where(mask[:, :, None], before + change, 0.0)).all(2).all(1)
    before, change = (torch.where(finite[:, None, None], table, 0.0) for table in (before, change))
    seen, moving = masked.varying(before, mask), masked.varying(change, mask)
    count = mask.sum(1)
    ones = mask[:, :, None].double()
    known = torch.cat([masked.standard(before, mask) * seen[:, None], masked.standard(centre, mask), ones], 2)
    wide = seen.sum(1) + centre.shape[2] + 1 + noise.shape[2]
    enough = (count >= 2 * wide + FEWEST_PAIRS) & finite
    if not enough.any():
        return {}
    outputs = torch.cat([masked.standard(change, mask) * moving[:, None], masked.standard(noise, mask)], 2)
    rest = masked.residual(torch.nan_to_num(known), torch.nan_to_num(outputs), count.clamp(min=1))
    change_left, noise_left = rest.split([change.shape[2], noise.shape[2]], 2)
    ones_or_nan = torch.where(enough, 1.0, torch.nan)
    left = change_left.square().sum(1) / count.clamp(min=1)[:, None]
    real = (left > 1e-9) & moving
    explained, by_chance = (
        1.0 - masked.residual(inputs, change_left, count.clamp(min=1)).square().sum(1) / count[:, None] / left
        for inputs in (noise_left, _shuffled(noise_left, mask))
    )
    none = ~real.any(1)

    def gap(factor: Tensor | float) -> Tensor:
        best = [torch.where(real, table * factor, -torch.inf).amax(1) for table in (explained, by_chance)]
        return torch.where(none, 0.0, (best[0] - best[1]).clamp(0.0, 1.0)) * ones_or_nan

    return {"action_observation_effect": gap(1.0), "action_change_share": gap(left)}


def _shuffled(rows: Tensor, mask: Tensor) -> Tensor:
    """Return the counting rows of each training in the order that DoctorCallback shuffles them to."""
    index = torch.arange(rows.shape[1]).repeat(len(rows), 1)
    for i, chosen in enumerate(mask):
        places = torch.nonzero(chosen).flatten()
        index[i, places] = places[_order(1, len(places))]
    return rows.gather(1, index[:, :, None].expand_as(rows))
