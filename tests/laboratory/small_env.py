"""A small environment with goals, for tests of the laboratory."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.laboratory.interface import BatchEnv, Step


class Walk(BatchEnv):
    """A point walks to a goal in the plane: reaching it ends the episode, and so does the time limit.

    Observations are those of a goal environment of SB3 in the order of its keys: achieved goal, desired goal,
    observation.
    """

    name = "walk"
    observation_size = 6
    horizon = 12
    has_success = True
    achieved_goal, desired_goal = slice(0, 2), slice(2, 4)
    distance_threshold = 0.3

    def __init__(self, n: int, envs: int, discrete: bool = False) -> None:
        self.shape = (n, envs)
        self.discrete = discrete
        self.action_size = 3 if discrete else 2
        self.fail_at: int | None = None
        """From this step on, the first training's observations are NaN."""

    def reset(self, generator: torch.Generator) -> Tensor:
        self._generator, self._time = generator, 0
        self._steps = torch.zeros(self.shape)
        self._place, self._goal = self._draw(), self._draw()
        return self._observe()

    def _draw(self) -> Tensor:
        return torch.rand(*self.shape, 2, generator=self._generator) * 2 - 1

    def _observe(self) -> Tensor:
        seen = torch.cat([self._place, self._goal, self._goal - self._place], 2)
        if self.fail_at is not None and self._time >= self.fail_at:
            seen[0] = torch.nan
        return seen

    def step(self, actions: Tensor) -> Step:
        self._time += 1
        moves = torch.tensor([[0.0, 0.0], [1.0, 0.3], [-1.0, -0.3]])[actions] if self.discrete else actions
        self._place = self._place + 0.2 * moves
        self._steps += 1
        away = (self._place - self._goal).norm(dim=2)
        success = away < self.distance_threshold
        truncated = self._steps >= self.horizon
        final = self._observe()
        done = success | truncated
        self._place = torch.where(done[:, :, None], self._draw(), self._place)
        self._goal = torch.where(done[:, :, None], self._draw(), self._goal)
        self._steps = self._steps.masked_fill(done, 0.0)
        return Step(self._observe(), final, -away, success, truncated, success)
