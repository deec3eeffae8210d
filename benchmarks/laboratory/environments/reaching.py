"""Goal-reaching in two to six dimensions: with and without success, sparse and dense, with and without an end."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.laboratory.environments.world import Moved, World


class Reach(World):
    """A tip that actions move towards a goal in a box; subclasses choose size, reward and end.

    The observation is what SB3's MultiInputPolicy sees of a goal environment: achieved goal, desired goal, and the tip
    with its velocity. A shifted goal lies outside of the box that the tip can reach.
    """

    discrete, horizon, has_success = False, 50, True
    # Metres: half of the box, the reach of one action, and how near is a success.
    half, pace, distance_threshold = 1.0, 0.1, 0.1
    dimensions: int
    moves_goals, sparse = True, False
    bonus = 0.0

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "dimensions"):
            k = cls.dimensions
            cls.action_size = cls.__dict__.get("action_size", k)
            cls.observation_size = cls.__dict__.get("observation_size", 4 * k)
            cls.achieved_goal, cls.desired_goal = slice(0, k), slice(k, 2 * k)

    def start(self) -> Tensor:
        k = self.dimensions
        drawn = self.uniform(-self.half, self.half, 3 * k)
        tip, goal = drawn[..., :k], drawn[..., k : 2 * k]
        goal = goal + self.goal_shift[..., None] * self.half
        return torch.cat((tip, torch.zeros_like(tip), goal), -1)

    def observe(self, state: Tensor) -> Tensor:
        tip, speed, goal = state.split(self.dimensions, -1)
        return torch.cat((tip, goal, tip, speed / self.pace), -1)

    def move(self, state: Tensor, action: Tensor) -> Moved:
        k = self.dimensions
        tip, speed, goal = state.split(k, -1)
        speed = 0.5 * speed + 0.5 * self.pace * action[..., :k].clamp(-1, 1)
        tip = (tip + speed).clamp(-self.half, self.half)
        distance = (tip - goal).norm(dim=-1)
        success = distance < self.distance_threshold
        return Moved(torch.cat((tip, speed, goal), -1), *self.judged(distance, success))

    def judged(self, distance: Tensor, success: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return reward, end, success."""
        reward = success.float() - 1.0 if self.sparse else -distance
        over = success if self.ends else self.never()
        return reward + self.bonus * success, over, success if self.has_success else None


class Reach2(Reach):
    """Two dimensions, dense, only a time limit."""

    name, dimensions = "reach-2d", 2


class Reach2Sparse(Reach):
    """Two dimensions, minus one until the goal is reached, which ends the episode; the goal is large."""

    name, dimensions, sparse, ends, distance_threshold, pace = "reach-2d-sparse", 2, True, True, 0.3, 0.25


class Fetch(Reach):
    """What PPO sees of FetchReachDense: a 3-D tip, a gripper action without effect, 25 cm, success within 5 cm.

    16 numbers as there: both goals, the gripper's place, velocity, and fingers that do nothing.
    """

    name, dimensions, action_size, observation_size = "fetch-like", 3, 4, 16
    half, pace, distance_threshold = 0.15, 0.04, 0.05
    # The middle of FetchReach's box, in metres.
    middle = torch.tensor([1.34, 0.75, 0.53])

    def start(self) -> Tensor:
        state = super().start()
        # The arm starts at the middle.
        state[..., :3] *= 0.1
        return state

    def observe(self, state: Tensor) -> Tensor:
        tip, speed, goal = state.split(3, -1)
        fingers = torch.zeros(*self.shape, 4)
        return torch.cat((tip + self.middle, goal + self.middle, tip + self.middle, speed, fingers), -1)


class Reach4(Reach):
    """Four dimensions, dense with a bonus; success ends the episode; a velocity that must be slowed."""

    name, dimensions, ends, bonus, distance_threshold, pace = "reach-4d-ends", 4, True, 5.0, 0.4, 0.2


class Reach6(Reach):
    """Six dimensions, dense, nothing tells a success, rewards of thousandths."""

    name, dimensions, has_success, pace, horizon = "reach-6d-small-reward", 6, False, 0.3, 40

    def judged(self, distance: Tensor, success: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        return -1e-3 * distance, self.never(), None


class Grid(World):
    """Seven by seven fields with a wall in the middle; one step costs 0.02, the goal pays 1 and ends the episode."""

    name = "grid-world"
    observation_size, action_size, discrete, horizon, has_success = 4, 4, True, 60, True
    ends = moves_goals = True
    achieved_goal, desired_goal, distance_threshold = slice(0, 2), slice(2, 4), 0.1
    moves = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])

    def start(self) -> Tensor:
        drawn = torch.randint(0, 7, (*self.shape, 4), generator=self.generator).float()
        # Nobody starts in the wall, nor is the goal there.
        in_wall = (drawn[..., 0::2] == 3) & (drawn[..., 1::2] < 5)
        drawn[..., 0::2] += in_wall
        drawn[..., 2] += 20.0 * self.goal_shift
        return drawn

    def observe(self, state: Tensor) -> Tensor:
        return (state - 3.0) / 3.0

    def move(self, state: Tensor, action: Tensor) -> Moved:
        place, goal = state.split(2, -1)
        aimed = (place + self.moves[action]).clamp(0, 6)
        blocked = (aimed[..., 0] == 3) & (aimed[..., 1] < 5)
        place = torch.where(blocked[..., None], place, aimed)
        success = (place == goal).all(-1)
        return Moved(torch.cat((place, goal), -1), success * 1.02 - 0.02, success, success)
