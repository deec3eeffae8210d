"""An environment with faults in it: a pipeline of changes whose knobs are one number for each training.

Every knob has a value at which nothing is changed (``KNOBS``); a change costs nothing where no training has it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from benchmarks.laboratory.environments.world import World
from benchmarks.laboratory.interface import BatchEnv, Step
from benchmarks.laboratory.knobs import KNOBS, spread
from benchmarks.laboratory.rings import Ring


class Broken(BatchEnv):
    """A world with faults; its steps also tell what is true below them.

    Args:
        world: The healthy environment.
        knobs: Some of ``KNOBS``, each ``(N,)``.
        steps: Steps that each environment will make in the whole training.
    """

    def __init__(self, world: World, knobs: Mapping[str, Tensor], steps: int) -> None:
        if unknown := set(knobs) - set(KNOBS):
            raise TypeError(f"no such knob: {', '.join(sorted(unknown))}")
        self.world, self.planned = world, steps
        for name in ("name", "shape", "observation_size", "action_size", "discrete", "horizon", "has_success"):
            setattr(self, name, getattr(world, name))
        self.achieved_goal, self.desired_goal = world.achieved_goal, world.desired_goal
        self.distance_threshold = world.distance_threshold
        self._knobs = knobs
        self._rows = {
            name: (value != KNOBS[name]).nonzero()[:, 0]
            for name, value in knobs.items()
            if (value != KNOBS[name]).any()
        }
        world.limit = torch.minimum(world.limit, self._all("limit")[:, None])
        world.goal_shift = self._all("goal_shift")[:, None]
        self.obs_std, self.reward_std = spread(type(world))
        self.count = 0

    def reset(self, generator: torch.Generator) -> Tensor:
        self.generator = generator
        obs = self.world.reset(generator)
        self._rings = {
            name: Ring(int(self._knob(name, 0).max()))
            for name in ("obs_delay", "act_delay", "rew_delay")
            if self._has(name)
        }
        # Which entries are hidden or dead is drawn once.
        self._hidden = self._some(self._knob("obs_hidden"), self.observation_size) if self._has("obs_hidden") else None
        self._dead = self._some(self._knob("act_dead"), self.action_size) if self._has("act_dead") else None
        self._first = obs.clone()
        self._shown = obs.clone()
        self._done_before: Tensor | None = None
        return self._seen(obs, torch.ones(self.shape, dtype=torch.bool), renewed=True)

    def step(self, actions: Tensor) -> Step:
        self.count += 1
        acted = self._acted(actions) if any(name.startswith("act_") for name in self._rows) else actions
        step = self.world.step(acted)
        done = step.terminated | step.truncated
        over = bool(done.any())
        final = self._seen(step.final_obs, done, renewed=False)
        obs = final
        if over:
            obs = torch.where(done[..., None], self._seen(step.obs, done, renewed=True), final)
        if "obs_repeated" in self._rows:
            self._shown = obs
        success = step.success
        if success is not None and ("success_dead" in self._rows or "success_always" in self._rows):
            success = (success & (self._all("success_dead") == 0)[:, None]) | (self._all("success_always") > 0)[:, None]
        return Step(
            obs,
            final,
            self._rewarded(step, acted, done),
            step.terminated,
            step.truncated,
            success,
            true_reward=step.reward,
            true_success=step.success,
            true_done=done,
        )

    def _all(self, name: str) -> Tensor:
        return self._knobs.get(name, torch.full((self.shape[0],), KNOBS[name]))

    def _has(self, name: str) -> bool:
        return name in self._rows

    def _knob(self, name: str, axes: int = 2) -> Tensor:
        """Return the knob of those trainings that have the fault, with so many more axes of 1."""
        return self._knobs[name][self._rows[name]].reshape(-1, *[1] * axes)

    def _rand(self, *size: int) -> Tensor:
        return torch.rand(*size, generator=self.generator)

    def _randn(self, *size: int) -> Tensor:
        return torch.randn(*size, generator=self.generator)

    def _chance(self, name: str) -> Tensor:
        """Return for each environment of the trainings with the fault whether it strikes at this step."""
        return self._rand(len(self._rows[name]), self.shape[1]) < self._knob(name, 1)

    def _some(self, share: Tensor, size: int) -> Tensor:
        """Return a mask of a share of entries, at least one of them and not all."""
        count = (share * size).round().clamp(1, max(1, size - 1))
        return torch.rand(len(share), 1, size, generator=self.generator).argsort(-1) < count

    def _seen(self, obs: Tensor, done: Tensor, renewed: bool) -> Tensor:
        """Return what is shown: of a step (its final observation), or of the first states of new episodes."""
        rows = self._rows
        if not any(name.startswith(("obs_", "goal_h", "goal_st")) for name in rows):
            return obs
        obs, envs, size = obs.clone(), *self.shape[1:], self.observation_size
        if (at := rows.get("obs_delay")) is not None:
            ring = self._rings["obs_delay"]
            if renewed:
                obs[at] = ring.restart(obs[at], done[at])
            else:
                obs[at] = ring.push(obs[at], self._knob("obs_delay", 0).long())
        for name, other in (("obs_frozen", self._first), ("obs_repeated", self._shown)):
            if (at := rows.get(name)) is not None and not (renewed and name == "obs_repeated"):
                obs[at] = torch.where(self._chance(name)[..., None], other[at], obs[at])
        if (at := rows.get("obs_crossed")) is not None:
            obs[at] = torch.where(self._chance("obs_crossed")[..., None], obs[at].roll(1, 1), obs[at])
        if (at := rows.get("goal_stale")) is not None and self.desired_goal is not None:
            obs[at, :, self.desired_goal] = self._first[at, :, self.desired_goal]
        if (at := rows.get("goal_hidden")) is not None and self.desired_goal is not None:
            obs[at, :, self.desired_goal] = 0.0
        if (at := rows.get("obs_hidden")) is not None and self._hidden is not None:
            obs[at] = obs[at].masked_fill(self._hidden, 0.0)
        if (at := rows.get("obs_shuffled")) is not None:
            order = self._rand(len(at), envs, size).argsort(-1)
            obs[at] = torch.where(self._chance("obs_shuffled")[..., None], obs[at].gather(-1, order), obs[at])
        if (at := rows.get("obs_noise")) is not None:
            obs[at] += self._knob("obs_noise") * self.obs_std * self._randn(len(at), envs, size)
        if (at := rows.get("obs_clip")) is not None:
            bound = self._knob("obs_clip") * self.obs_std
            obs[at] = obs[at].clamp(-bound, bound)
        if (at := rows.get("obs_factor")) is not None:
            obs[at] *= self._knob("obs_factor")
        if (at := rows.get("obs_nan_from")) is not None:
            late = self.count > self._knob("obs_nan_from") * self.planned
            obs[at] = obs[at].masked_fill(late, float("nan"))
        return obs

    def _acted(self, actions: Tensor) -> Tensor:
        """Return what is done."""
        rows, envs, size = self._rows, self.shape[1], self.action_size
        actions = actions.clone()
        if (at := rows.get("act_delay")) is not None:
            late = self._knob("act_delay", 0).long()
            ring = self._rings["act_delay"]
            actions[at] = ring.push(actions[at], late) if ring.started else ring.restart(actions[at], None)
        if (at := rows.get("act_repeated")) is not None:
            before = getattr(self, "_acted_before", actions)
            strikes = self._chance("act_repeated")
            actions[at] = torch.where(strikes if self.discrete else strikes[..., None], before[at], actions[at])
            self._acted_before = actions.clone()
        if (at := rows.get("act_crossed")) is not None:
            strikes = self._chance("act_crossed")
            actions[at] = torch.where(
                strikes if self.discrete else strikes[..., None], actions[at].roll(1, 1), actions[at]
            )
        if (at := rows.get("act_ignored")) is not None:
            strikes = self._chance("act_ignored")
            if self.discrete:
                drawn = torch.randint(0, size, (len(at), envs), generator=self.generator)
                actions[at] = torch.where(strikes, drawn, actions[at])
            else:
                actions[at] = actions[at].masked_fill(strikes[..., None], 0.0)
        if self.discrete:
            return actions
        if (at := rows.get("act_shuffled")) is not None:
            order = self._rand(len(at), envs, size).argsort(-1)
            actions[at] = torch.where(
                self._chance("act_shuffled")[..., None], actions[at].gather(-1, order), actions[at]
            )
        if (at := rows.get("act_dead")) is not None and self._dead is not None:
            actions[at] = actions[at].masked_fill(self._dead, 0.0)
        if (at := rows.get("act_noise")) is not None:
            actions[at] += self._knob("act_noise") * self._randn(len(at), envs, size)
        if (at := rows.get("act_inverted")) is not None:
            actions[at, :, 0] *= -1.0
        if (at := rows.get("act_factor")) is not None:
            actions[at] *= self._knob("act_factor")
        return actions.clamp(-1, 1)

    def _rewarded(self, step: Step, actions: Tensor, done: Tensor) -> Tensor:
        """Return the reward that the learner gets."""
        rows, envs = self._rows, self.shape[1]
        if not any(name.startswith("rew_") for name in rows):
            return step.reward
        reward, std = step.reward.clone(), self.reward_std
        if (at := rows.get("rew_sparse")) is not None and step.success is not None:
            reward[at] = step.success[at].float() - 1.0
        if (at := rows.get("rew_end_lost")) is not None:
            reward[at] = reward[at].masked_fill(self._chance("rew_end_lost") & step.terminated[at], 0.0)
        if (at := rows.get("rew_for_effort")) is not None:
            size = (actions[at] != 0).float() if self.discrete else actions[at].abs().mean(-1)
            reward[at] += self._knob("rew_for_effort", 1) * std * size
        if (at := rows.get("rew_bonus")) is not None:
            reward[at] += self._knob("rew_bonus", 1) * std
        if (at := rows.get("rew_low")) is not None:
            reward[at] = torch.maximum(reward[at], self._knob("rew_low", 1) * std)
        if (at := rows.get("rew_high")) is not None:
            reward[at] = torch.minimum(reward[at], self._knob("rew_high", 1) * std)
        if (at := rows.get("rew_crossed")) is not None:
            reward[at] = torch.where(self._chance("rew_crossed"), reward[at].roll(1, 1), reward[at])
        if (at := rows.get("rew_delay")) is not None:
            ring = self._rings["rew_delay"]
            late = self._knob("rew_delay", 0).long()
            if not ring.started:
                ring.restart(torch.zeros_like(reward[at]), None)
            reward[at] = ring.push(reward[at], late)
            ring.restart(torch.zeros_like(reward[at]), done[at])
        if (at := rows.get("rew_constant")) is not None:
            value = self._all("rew_value")[at][:, None]
            reward[at] = torch.where(self._chance("rew_constant"), value, reward[at])
        if (at := rows.get("rew_random")) is not None:
            reward[at] = torch.where(self._chance("rew_random"), std * self._randn(len(at), envs), reward[at])
        if (at := rows.get("rew_noise")) is not None:
            reward[at] += self._knob("rew_noise", 1) * std * self._randn(len(at), envs)
        if (at := rows.get("rew_flips_at")) is not None:
            late = self.count > self._knob("rew_flips_at", 1) * self.planned
            reward[at] = torch.where(late, -reward[at], reward[at])
        if (at := rows.get("rew_factor")) is not None:
            reward[at] *= self._knob("rew_factor", 1)
        return reward
