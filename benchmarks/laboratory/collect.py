"""One rollout of N trainings: acting, what the buffer keeps, advantages; with the faults that belong here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.laboratory.interface import BatchEnv, Faults, Recipe
from benchmarks.laboratory.learner import Batch
from benchmarks.laboratory.networks import Activation, Layout, Parts, forward
from benchmarks.laboratory.normalize import Normalizer
from benchmarks.laboratory.update import Head


@dataclass
class Rollout:
    """``T`` steps of all environments, as the buffer keeps them and as the environments gave them, ``(T, N, E, ...)``.

    ``stored_rewards`` hold the bootstrapped value at time limits; ``rewards`` are the learner's before that;
    ``given`` are the environment's, before normalisation. ``final_goals`` holds achieved and desired goals, in the
    environment's unit, of the last observation of an episode.
    """

    observations: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    rewards: Tensor
    stored_rewards: Tensor
    given: Tensor
    dones: Tensor
    timeouts: Tensor
    true_rewards: Tensor
    true_dones: Tensor
    successes: Tensor | None
    true_successes: Tensor | None
    final_goals: Tensor | None
    last_values: Tensor
    advantages: Tensor
    returns: Tensor

    def batch(self) -> tuple[Batch, Tensor]:
        """Return the samples in the order of SB3's ``swap_and_flatten``, and the critic's values of them."""
        columns = (self.observations, self.actions, self.log_probs, self.advantages, self.returns)
        return Batch(*[_flat(column) for column in columns]), _flat(self.values)


def _flat(column: Tensor) -> Tensor:
    return column.transpose(0, 1).transpose(1, 2).flatten(1, 2)


class Collector:
    """Acts in the environments.

    Args:
        env: The environments, not yet reset.
        recipe: Settings.
        faults: Put in.
        layout: Of the networks.
        generator: For actions and faults; the environment has its own.
        env_generator: For the environment.
    """

    def __init__(
        self,
        env: BatchEnv,
        recipe: Recipe,
        faults: Faults,
        layout: Layout,
        generator: torch.Generator,
        env_generator: torch.Generator,
    ) -> None:
        self._env, self._recipe, self._faults, self._layout, self._generator = env, recipe, faults, layout, generator
        self._activation = Activation(recipe.relu)
        self._present = faults.present()
        n_envs = env.shape[1]
        flags = (recipe.normalize_observation, recipe.normalize_reward, recipe.gamma)
        self.normalizer = Normalizer(*flags, env.observation_size, n_envs)
        self.observed = self.normalizer.observe(env.reset(env_generator))
        """What the policy acts on next, ``(N, E, O)``."""
        self.alive = torch.ones(recipe.count, dtype=torch.bool)
        """Trainings whose policy gives numbers: SB3 raises where it is NaN."""
        goals = env.achieved_goal, env.desired_goal
        self._goals = goals if None not in goals else None

    @torch.no_grad()
    def collect(self, rows: Tensor) -> Rollout:
        """Take ``n_steps`` steps with the networks in ``rows``, and compute advantages."""
        parts = Parts(self._layout, rows)
        std = None if parts.log_std is None else parts.log_std.exp()[:, None]
        if std is not None:
            self.alive &= (std > 0).all(2).squeeze(1)
        kept: dict[str, list[Any]] = {}
        for _ in range(self._recipe.shapes.n_steps):
            for name, value in self._step(parts).items():
                kept.setdefault(name, []).append(value)
        stacked = {name: None if values[0] is None else torch.stack(values) for name, values in kept.items()}
        self._store(stacked)
        last = self._values(parts, self.observed)
        return self._with_advantages(stacked, last)

    def _step(self, parts: Parts) -> dict[str, Tensor | None]:
        observed, faults = self.observed, self._faults
        layers = forward(parts, self._activation, observed.repeat(2, 1, 1))
        out, values = parts.outputs(layers[-1])
        nan = torch.isnan(out).flatten(1).any(1)
        if nan.any():
            self.alive &= ~nan
            out = torch.nan_to_num(out, 0.0)
        actions = self._draw(out, parts)
        head = Head(self._layout, out, parts.log_std, actions)
        log_probs = head.log_prob
        if "log_prob_other" in self._present:
            other = Head(self._layout, out, parts.log_std, self._draw(out, parts)).log_prob
            log_probs = torch.where(self._some(faults.log_prob_other, log_probs.shape), other, log_probs)
        step = self._env.step(actions.squeeze(2) if self._layout.discrete else actions.clamp(-1.0, 1.0))
        dones = step.terminated | step.truncated
        timeouts = step.truncated & ~step.terminated
        self.observed = self.normalizer.observe(step.obs)
        rewards = self.normalizer.rewards(step.reward, dones)
        true_dones = dones if step.true_done is None else step.true_done
        return {
            "observations": observed,
            "actions": actions,
            "log_probs": log_probs,
            "values": values,
            "rewards": rewards,
            "stored_rewards": self._bootstrapped(parts, rewards, step.terminated & dones, timeouts, step.final_obs),
            "given": step.reward,
            "dones": dones,
            "timeouts": timeouts,
            "true_rewards": step.reward if step.true_reward is None else step.true_reward,
            "true_dones": true_dones,
            "successes": step.success,
            "true_successes": step.success if step.true_success is None else step.true_success,
            "final_goals": self._goals_of(step.final_obs),
        }

    def _draw(self, out: Tensor, parts: Parts) -> Tensor:
        """Draw actions: int64 ``(N, E, 1)`` or float ``(N, E, A)``, not clipped."""
        if parts.log_std is None:
            # The largest of logits with Gumbel noise is a draw from their distribution.
            uniform = torch.rand(out.shape, generator=self._generator).clamp_(min=1e-20)
            return (out - (-uniform.log()).log()).argmax(2, keepdim=True)
        noise = torch.randn(out.shape, generator=self._generator)
        return out + parts.log_std.exp()[:, None] * noise

    def _some(self, share: Tensor, shape: torch.Size | tuple[int, ...]) -> Tensor:
        """Return a mask ``(N, ...)`` that is true with the training's share."""
        return torch.rand(shape, generator=self._generator) < share.view(-1, *[1] * (len(shape) - 1))

    def _values(self, parts: Parts, observed: Tensor) -> Tensor:
        return parts.outputs(forward(parts, self._activation, observed.repeat(2, 1, 1))[-1])[1]

    def _bootstrapped(
        self, parts: Parts, rewards: Tensor, terminated: Tensor, timeouts: Tensor, final: Tensor
    ) -> Tensor:
        """Add the critic's value of the last observation where the time limit ended an episode."""
        faults, going_on = self._faults, timeouts
        if "time_limit_terminal" in self._present:
            going_on = going_on & ~self._some(faults.time_limit_terminal, timeouts.shape)
        if "terminal_missing" in self._present:
            going_on = going_on | (terminated & self._some(faults.terminal_missing, timeouts.shape))
        if not going_on.any():
            return rewards
        values = self._values(parts, self.normalizer.normal(final))
        return torch.where(going_on, rewards + self._recipe.gamma[:, None] * values, rewards)

    def _goals_of(self, final: Tensor) -> Tensor | None:
        if self._goals is None:
            return None
        achieved, desired = self._goals
        return torch.stack([final[:, :, achieved], final[:, :, desired]], 2)

    def _store(self, kept: dict[str, Any]) -> None:
        """Put in the faults of what the buffer keeps, and of what it keeps it for."""
        faults = self._faults
        steps, n = kept["log_probs"].shape[:2]

        def some(share: Tensor) -> Tensor:
            return self._some(share, (n, steps, kept["log_probs"].shape[2])).transpose(0, 1)

        if "stored_action_clipped" in self._present and not self._layout.discrete:
            chosen = some(faults.stored_action_clipped).unsqueeze(3)
            kept["actions"] = torch.where(chosen, kept["actions"].clamp(-1.0, 1.0), kept["actions"])
        if "log_prob_off" in self._present:
            size = 1 if self._layout.discrete else self._layout.action_size
            share, right = faults.log_prob_off[:, None], kept["log_probs"]
            kept["log_probs"] = (1 - share) * right + share * (right / size - 0.5 * (share > 0))
        if "observation_lagged" in self._present:
            before = torch.cat([kept["observations"][:1], kept["observations"][:-1]])
            chosen = some(faults.observation_lagged).unsqueeze(3)
            kept["observations"] = torch.where(chosen, before, kept["observations"])
        if "rewards_shifted" in self._present:
            kept["stored_rewards"] = _shifted(kept["stored_rewards"], -faults.rewards_shifted)

    def _with_advantages(self, kept: dict[str, Any], last: Tensor) -> Rollout:
        faults, recipe = self._faults, self._recipe
        dones = kept["dones"]
        if "gae_ignores_ends" in self._present:
            dones = dones & ~self._some(faults.gae_ignores_ends, (dones.shape[1], *dones.shape[::2])).transpose(0, 1)
        share = 1 - faults.gae_no_bootstrap if "gae_no_bootstrap" in self._present else None
        estimate = advantages_of(kept["stored_rewards"], kept["values"], dones, last, recipe, share)
        if "gae_forward" in self._present:
            wrong = advantages_of(kept["stored_rewards"], kept["values"], dones, last, recipe, share, forward=True)
            chosen = self._some(faults.gae_forward, (dones.shape[1], *dones.shape[::2])).transpose(0, 1)
            estimate = torch.where(chosen, wrong, estimate)
        returns = estimate + kept["values"]
        if "value_target_reward" in self._present:
            part = faults.value_target_reward[:, None]
            returns = (1 - part) * returns + part * kept["stored_rewards"]
        return Rollout(**kept, last_values=last, advantages=self._spoiled(estimate), returns=returns)

    def _spoiled(self, advantages: Tensor) -> Tensor:
        """Put in the faults of advantages that have been computed."""
        faults, (steps, n, envs) = self._faults, advantages.shape

        def some(share: Tensor) -> Tensor:
            return self._some(share, (n, steps, envs)).transpose(0, 1)

        if "advantages_shifted" in self._present:
            advantages = _shifted(advantages, faults.advantages_shifted)
        if "advantages_shuffled" in self._present:
            order = torch.randperm(steps * envs, generator=self._generator)
            flat = advantages.transpose(0, 1).reshape(n, -1)[:, order]
            mixed = flat.view(n, steps, envs).transpose(0, 1)
            advantages = torch.where(some(faults.advantages_shuffled), mixed, advantages)
        if "advantages_noisy" in self._present:
            size = advantages.std((0, 2), keepdim=True) * faults.advantages_noisy[:, None]
            advantages = advantages + size * torch.randn(advantages.shape, generator=self._generator)
        if "advantage_sign" in self._present:
            advantages = torch.where(some(faults.advantage_sign), -advantages, advantages)
        return advantages


def _shifted(values: Tensor, by: Tensor) -> Tensor:
    """Return values ``(T, N, E)`` of ``by`` steps later (earlier where negative), 0 beyond the rollout."""
    steps = torch.arange(len(values))[:, None] + by.round().long()
    inside = (steps >= 0) & (steps < len(values))
    index = steps.clamp(0, len(values) - 1).unsqueeze(2).expand_as(values)
    return torch.where(inside.unsqueeze(2), values.gather(0, index), 0.0)


def advantages_of(
    rewards: Tensor,
    values: Tensor,
    dones: Tensor,
    last_values: Tensor,
    recipe: Recipe,
    bootstrap: Tensor | None = None,
    *,
    forward: bool = False,
) -> Tensor:
    """Return generalised advantage estimates, as SB3's ``compute_returns_and_advantage`` does.

    Args:
        rewards: ``(T, N, E)``, with the bootstrapped value at time limits.
        values: The critic's, likewise.
        dones: Whether the episode ended with the step.
        last_values: After the last step, ``(N, E)``.
        recipe: For gamma and lambda.
        bootstrap: Factor of the next state's value, ``(N,)``.
        forward: Run through time in the wrong direction.
    """
    going_on = 1.0 - dones.float()
    following = torch.cat([values[1:], last_values[None]])
    if bootstrap is not None:
        following = following * bootstrap[:, None]
    gamma = recipe.gamma[:, None]
    deltas = rewards + gamma * following * going_on - values
    decay = gamma * recipe.gae_lambda[:, None] * going_on
    found = torch.empty_like(deltas)
    running = torch.zeros_like(last_values)
    order = range(len(deltas)) if forward else range(len(deltas) - 1, -1, -1)
    for step in order:
        running = deltas[step] + decay[step] * running
        found[step] = running
    return found
