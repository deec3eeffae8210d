"""What the laboratory's environments share: state tensors, time limits and automatic resets."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.laboratory.interface import BatchEnv, Step


class Moved(NamedTuple):
    """What one step did: the new state ``(N, E, S)``, reward, whether the task ended the episode, success."""

    state: Tensor
    reward: Tensor
    terminated: Tensor
    success: Tensor | None = None


class World(BatchEnv):
    """An environment whose whole state is one tensor.

    Attributes:
        state: ``(N, E, S)``.
        limit: Time limit of each training, ``(N, 1)``; a fault may shorten it.
        goal_shift: How far a fault moves each training's goals out of reach, ``(N, 1)``, in the unit of the goal.
        held: For how many steps of the dynamics each action holds.
        ends: Whether the task can end an episode before its time limit.
        moves_goals: Whether ``goal_shift`` does anything.
    """

    horizon: int
    ends = moves_goals = False
    held = 1

    def __init__(self, trainings: int, envs: int) -> None:
        self.shape = (trainings, envs)
        self.limit = torch.full((trainings, 1), float(self.horizon))
        self.goal_shift = torch.zeros(trainings, 1)
        self.state = torch.zeros(0)
        self.steps = torch.zeros(trainings, envs)
        self.generator = torch.Generator()

    @abstractmethod
    def start(self) -> Tensor:
        """Return first states ``(N, E, S)`` of episodes."""

    @abstractmethod
    def move(self, state: Tensor, action: Tensor) -> Moved:
        """Return what the actions do."""

    @abstractmethod
    def observe(self, state: Tensor) -> Tensor:
        """Return the observations ``(N, E, O)`` of states."""

    def reset(self, generator: torch.Generator) -> Tensor:
        self.generator = generator
        self.state = self.start()
        self.steps = torch.zeros(self.shape)
        return self.observe(self.state)

    def step(self, actions: Tensor) -> Step:
        moved = self._held(actions)
        self.steps += 1
        truncated = (self.steps >= self.limit) & ~moved.terminated
        done = moved.terminated | truncated
        final = self.observe(moved.state)
        self.state, seen = moved.state, final
        if bool(done.any()):
            self.state = torch.where(done[..., None], self.start(), moved.state)
            self.steps = self.steps.masked_fill(done, 0.0)
            seen = self.observe(self.state)
        return Step(seen, final, moved.reward, moved.terminated, truncated, moved.success)

    def _held(self, actions: Tensor) -> Moved:
        moved = self.move(self.state, actions)
        for _ in range(self.held - 1):
            on = self.move(moved.state, actions)
            over = moved.terminated
            state = torch.where(over[..., None], moved.state, on.state)
            reward = moved.reward + on.reward.masked_fill(over, 0.0)
            moved = Moved(state, reward, over | on.terminated, moved.success)
        return moved

    def never(self) -> Tensor:
        """Return False for every environment."""
        return torch.zeros(self.shape, dtype=torch.bool)

    def uniform(self, low: float, high: float, size: int) -> Tensor:
        """Draw ``(N, E, size)`` numbers."""
        return torch.rand(*self.shape, size, generator=self.generator) * (high - low) + low

    def normal(self, size: int) -> Tensor:
        """Draw ``(N, E, size)`` numbers."""
        return torch.randn(*self.shape, size, generator=self.generator)
