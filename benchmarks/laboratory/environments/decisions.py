"""One-step tasks and stochastic ones: bandits, a throw, a stock to keep, a walk in the wind."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.laboratory.environments.world import Moved, World


class Bandit(World):
    """One step: which of four actions suits a context of five numbers; the reward is noisy."""

    name = "bandit"
    observation_size, action_size, discrete, horizon = 5, 4, True, 1
    ends = True

    def __init__(self, trainings: int, envs: int) -> None:
        super().__init__(trainings, envs)
        self.taste = torch.randn(5, 4, generator=torch.Generator().manual_seed(3))

    def start(self) -> Tensor:
        return self.normal(5)

    def observe(self, state: Tensor) -> Tensor:
        return state

    def move(self, state: Tensor, action: Tensor) -> Moved:
        worth = (state @ self.taste).gather(-1, action[..., None])[..., 0]
        return Moved(state, worth + self.normal(1)[..., 0], torch.ones(self.shape, dtype=torch.bool))


class Throw(World):
    """One step: angle and speed of a throw at a target on a plane; a hit is a success."""

    name = "throw"
    observation_size, action_size, discrete, horizon, has_success = 2, 2, False, 1, True
    ends = moves_goals = True

    def start(self) -> Tensor:
        # The lasting part of the goal's shift puts the target beyond every throw.
        place = self.uniform(-0.8, 0.8, 2)
        place[..., 0] = 0.5 * place[..., 0] + 0.8
        return place + 5.0 * self.goal_shift[..., None]

    def observe(self, state: Tensor) -> Tensor:
        return state

    def move(self, state: Tensor, action: Tensor) -> Moved:
        turn, speed = action.clamp(-1, 1).unbind(-1)
        reach = 0.75 * (speed + 1.0)
        landed = torch.stack((reach * (1.6 * turn).cos(), reach * (1.6 * turn).sin()), -1)
        distance = (landed - state).norm(dim=-1)
        over = torch.ones(self.shape, dtype=torch.bool)
        return Moved(state, -10.0 * distance, over, distance < 0.4)


class Stock(World):
    """Orders for a shop with random demand: unsold goods cost, missed sales too; a hundred days, rewards in money."""

    name = "stock"
    observation_size, action_size, discrete, horizon = 4, 5, True, 100

    def start(self) -> Tensor:
        state = self.uniform(0.0, 10.0, 4)
        # Goods, goods on order, day of the week, yesterday's demand.
        state[..., 2] = torch.floor(state[..., 2] * 0.7)
        return state

    def observe(self, state: Tensor) -> Tensor:
        goods, ordered, day, demand = state.unbind(-1)
        return torch.stack((goods / 10.0 - 1.0, ordered / 10.0, (day >= 5).float(), demand / 10.0 - 1.0), -1)

    def move(self, state: Tensor, action: Tensor) -> Moved:
        goods, ordered, day, _ = state.unbind(-1)
        mean = torch.where(day >= 5, 12.0, 6.0)
        demand = (mean + 2.0 * self.normal(1)[..., 0]).clamp(min=0.0)
        goods = (goods + ordered).clamp(max=40.0)
        sold = torch.minimum(goods, demand)
        left = goods - sold
        reward = 50.0 * sold - 20.0 * left - 30.0 * (demand - sold) - 10.0 * action
        state = torch.stack((left, 4.0 * action, torch.remainder(day + 1, 7), demand), -1)
        return Moved(state, reward, self.never())


class Wind(World):
    """A boat in gusts towards a buoy: only the arrival pays, and each step costs; running aground ends the episode."""

    name = "wind"
    observation_size, action_size, discrete, horizon, has_success = 6, 2, False, 80, True
    ends = moves_goals = True
    achieved_goal, desired_goal, distance_threshold = slice(0, 2), slice(2, 4), 0.25

    def start(self) -> Tensor:
        state = self.uniform(-0.9, 0.9, 6)
        state[..., 4:] *= 0.5
        state[..., 2] += 3.0 * self.goal_shift
        return state

    def observe(self, state: Tensor) -> Tensor:
        return state

    def move(self, state: Tensor, action: Tensor) -> Moved:
        place, buoy, wind = state.split(2, -1)
        wind = 0.9 * wind + 0.2 * self.normal(2)
        before = (place - buoy).norm(dim=-1)
        place = place + 0.1 * action.clamp(-1, 1) + 0.05 * wind
        distance = (place - buoy).norm(dim=-1)
        success = distance < self.distance_threshold
        aground = place.abs().amax(-1) > 1.5
        reward = 5.0 * (before - distance) - 0.1 + 10.0 * success - 10.0 * aground
        return Moved(torch.cat((place, buoy, wind), -1), reward, success | aground, success)
