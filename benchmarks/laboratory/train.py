"""Train N recipes with N faults at once; what each logged and how it truly went."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from benchmarks.laboratory.collect import Collector, Rollout
from benchmarks.laboratory.interface import BatchEnv, Faults, Recipe
from benchmarks.laboratory.learner import Batch, Learner, Progress
from benchmarks.laboratory.networks import Layout, Parts
from benchmarks.laboratory.probe import Probe
from benchmarks.laboratory.process import prepare
from benchmarks.laboratory.records import EpisodeLog, Scalars, Trained, recipe_json, run_of
from benchmarks.laboratory.update import update

# Where in the training a rate explodes.
_MIDWAY = 0.5


def train(
    env: BatchEnv, recipe: Recipe, faults: Faults | None = None, seed: int = 0, *, doctor: bool = True
) -> list[Trained]:
    """Train all recipes on ``env``.

    Args:
        env: ``N x E`` environments.
        recipe: Of N trainings; ``recipe.shapes.n_envs`` is E.
        faults: Put in; none by default.
        seed: All random numbers follow from it. A training's own depend on its place in the batch.
        doctor: Measure what DoctorCallback logs as well.

    Raises:
        ValueError: Environment, recipe and faults are not of the same trainings.
    """
    prepare()
    faults = faults or Faults(recipe.count)
    if not env.shape == (recipe.count, recipe.shapes.n_envs) or faults.count != recipe.count:
        raise ValueError(f"{env.shape} environments, {recipe.count} recipes, {faults.count} faults")
    # Numbers too small for float32's normal range are taken for 0, as they slow a processor down a hundredfold.
    torch.set_flush_denormal(True)
    try:
        training = Training(env, recipe, faults, seed, doctor=doctor)
        while training.steps < recipe.shapes.total_steps and bool(training.alive.any()):
            training.iterate()
        return training.results(seed)
    finally:
        torch.set_flush_denormal(False)


class Training:
    """N trainings under way.

    Attributes:
        learner: Networks and optimisers.
        steps: Environment steps of each so far.
        alive: Those that SB3 would not have ended with an error, bool ``(N,)``.
        probe: What measures as DoctorCallback does; ``None`` without.
    """

    def __init__(self, env: BatchEnv, recipe: Recipe, faults: Faults, seed: int, *, doctor: bool) -> None:
        self._env, self._recipe, self._faults = env, recipe, faults
        self._generator = torch.Generator().manual_seed(seed)
        env_generator = torch.Generator().manual_seed(seed + 2**32)
        shapes = recipe.shapes
        self._layout = Layout(env.observation_size, env.action_size, shapes.net_arch, env.discrete)
        self.learner = Learner.new(self._layout, self._initial())
        self._collector = Collector(env, recipe, faults, self._layout, self._generator, env_generator)
        n = recipe.count
        self.steps, self.alive = 0, torch.ones(n, dtype=torch.bool)
        self._iterations = 0
        self._dumps = torch.zeros(n, dtype=torch.int64)
        self._scalars = Scalars()
        self._logged, self._true = EpisodeLog(n, shapes.n_envs), EpisodeLog(n, shapes.n_envs)
        normalizer = self._collector.normalizer
        self.probe = Probe(env, recipe, faults, self._layout, normalizer) if doctor else None
        self._update_scalars: dict[str, Tensor] = {}
        self._held = self.learner.rows.clone()
        self._first: tuple[Batch, Tensor] | None = None
        # Any plausible speed, falling a little as SB3's does.
        self._fps = 500.0 * torch.exp(1.5 * torch.rand(n, generator=torch.Generator().manual_seed(seed + 1)))

    def _initial(self) -> Tensor:
        rows = self._layout.initial(self._recipe.log_std_init, self._generator)
        gain = torch.where(self._faults.init_gain > 0, self._faults.init_gain, 1.0).repeat(2)
        for weights in Parts(self._layout, rows).weights:
            weights.mul_(gain[:, None, None])
        return rows

    def iterate(self) -> None:
        """Collect a rollout, dump the scalars, and update, as SB3's ``learn`` does."""
        shapes, faults = self._recipe.shapes, self._faults
        before = self.steps
        if self.probe:
            self.probe.after_update(self.learner.rows)
        rollout = self._collector.collect(self._acting())
        self.alive &= self._collector.alive
        self.steps += shapes.n_steps * shapes.n_envs
        self._iterations += 1
        self._logged.add(rollout.given, rollout.dones, rollout.successes, before)
        self._true.add(rollout.true_rewards, rollout.true_dones, rollout.true_successes, before)
        batch, values = self._stored(rollout)
        dump = self._iterations % shapes.log_interval == 0
        measured: Mapping[str, Tensor] = {}
        if self.probe:
            self.probe.look_for_nonfinite(rollout, self._collector.observed, before)
        if self.probe and dump:
            found = self.probe.before_update(self.learner.rows, rollout, batch, values)
            measured = {f"doctor/{name}": value for name, value in found.items()}
        if dump:
            self._dump(measured)
        self._update(batch, faults)
        self._update_scalars["train/explained_variance"] = _explained_variance(values, batch.returns)

    def _acting(self) -> Tensor:
        """Return the networks that collect: with the fault of a stale policy, older ones."""
        every = self._faults.stale_policy
        if not self._faults.has("stale_policy"):
            return self.learner.rows
        fresh = (every < 1) | (torch.remainder(torch.full_like(every, self._iterations), every.clamp(min=1)) == 0)
        self._held = torch.where(fresh.repeat(2)[:, None], self.learner.rows, self._held)
        return self._held

    def _stored(self, rollout: Rollout) -> tuple[Batch, Tensor]:
        """Return what the update sees, with the critic's values ``(N, M)``: with stale data, the first rollout."""
        batch, values = rollout.batch()
        if not self._faults.has("stale_data"):
            return batch, values
        if self._first is None:
            self._first = batch, values
        old_batch, old_values = self._first
        again = torch.rand(len(values), generator=self._generator) < self._faults.stale_data

        def chosen(old: Tensor, new: Tensor) -> Tensor:
            return torch.where(again.view(-1, *[1] * (new.dim() - 1)), old, new)

        names = batch.__dataclass_fields__
        mixed = Batch(*[chosen(getattr(old_batch, name), getattr(batch, name)) for name in names])
        return mixed, chosen(old_values, values)

    def _dump(self, measured: Mapping[str, Tensor]) -> None:
        recent = torch.from_numpy(self._logged.recent())
        episodes = {"rollout/ep_rew_mean": recent[:, 0], "rollout/ep_len_mean": recent[:, 1]}
        if self._env.has_success:
            episodes["rollout/success_rate"] = recent[:, 2]
        fps = (self._fps * (1 + 0.2 / math.sqrt(self._iterations))).floor()
        self._scalars.dump(self.steps, {"time/fps": fps, **self._update_scalars}, {**episodes, **measured})
        self._dumps += self.alive

    def _progress(self) -> Progress:
        recipe, faults = self._recipe, self._faults
        done = self.steps / recipe.shapes.total_steps
        left = 1.0 - done
        rate = recipe.learning_rate * torch.where(recipe.learning_rate_linear > 0, left, 1.0)
        clip = recipe.clip_range * torch.where(recipe.clip_range_linear > 0, left, 1.0)
        rate = torch.where((faults.rate_stops > 0) & (done > 1 - faults.rate_stops), 0.0, rate)
        rate = torch.where((faults.rate_explodes > 0) & (done > _MIDWAY), rate * faults.rate_explodes, rate)
        return Progress(rate, clip)

    def _update(self, batch: Batch, faults: Faults) -> None:
        progress = self._progress()
        sums, self.alive = update(self.learner, batch, self._recipe, faults, progress, self.alive, self._generator)
        self._after_update(faults)
        scalars = sums.logged()
        scalars["train/learning_rate"], scalars["train/clip_range"] = progress.learning_rate, progress.clip_range
        log_std = Parts(self._layout, self.learner.rows).log_std
        if log_std is not None:
            scalars["train/std"] = log_std.exp().mean(1)
        self._update_scalars = scalars
        # What has ended is computed on, harmlessly: NaN would only slow that down.
        ended = ~self.alive.repeat(2)
        if ended.any():
            for table in (self.learner.rows, self.learner.first, self.learner.second):
                table[ended] = 0.0

    def _after_update(self, faults: Faults) -> None:
        """Put in the faults that touch the weights between two updates."""
        n, rows = faults.count, self.learner.rows
        if faults.has("update_noise"):
            parts = Parts(self._layout, rows)
            for weights in (*[w[:n] for w in parts.weights], parts.policy_weights):
                size = weights.flatten(1).std(1)[:, None, None] * faults.update_noise[:, None, None]
                weights.add_(size * torch.randn(weights.shape, generator=self._generator))
        if faults.has("weights_reset"):
            total, rollout = self._recipe.shapes.total_steps, self._recipe.shapes.n_steps * self._recipe.shapes.n_envs
            at = faults.weights_reset * total
            now = (faults.weights_reset > 0) & (at <= self.steps) & (self.steps < at + rollout)
            if now.any():
                fresh = self._initial()
                rows[:n] = torch.where(now[:, None], fresh[:n], rows[:n])

    def results(self, seed: int) -> list[Trained]:
        """Return the trainings as far as they have come."""
        if self.probe:
            self._scalars.alone = self.probe.nonfinite
        points = self._scalars.points(self._dumps.tolist())
        found = []
        for i in range(self._recipe.count):
            failed = not bool(self.alive[i])
            recipe = recipe_json(f"laboratory/{self._env.name}", self._recipe, i)
            run = run_of(f"{self._env.name}-{seed}-{i}", points[i], recipe, seed, failed)
            found.append(Trained(run, self._true.episodes(i), failed))
        return found


def _explained_variance(values: Tensor, returns: Tensor) -> Tensor:
    variance = returns.var(1, correction=0)
    explained = 1 - (returns - values).var(1, correction=0) / variance
    return torch.where(variance == 0, math.nan, explained)
