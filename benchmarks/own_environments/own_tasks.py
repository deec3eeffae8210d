"""Environments that users write from nothing, each broken in one way, and their healthy twins: own_tasks.py:Name.

A tank's level, a point in a plane, a grid, a hovering mass. None of them was used to fit a weight.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.wrappers import RescaleAction, TimeLimit, TransformObservation, TransformReward

# The healthy ones are examined under this file's name as well.
from benchmarks.own_environments.sound_tasks import (  # noqa: F401
    Grid,
    GridSlippery,
    Hover,
    Point,
    PointDict,
    PointSlightNoise,
    Stepped,
    Tank,
    TankDeadBand,
)


class TankSetpointHidden(Tank):
    """The setpoint was forgotten in the observation."""

    def look(self) -> Any:
        return np.array([self.level, 0.0], np.float32)


class TankPercent(Tank):
    """The valve expects per cent and gets a number from -1 to 1."""

    def valve(self, action: Any) -> float:
        return 0.5 + float(np.clip(action[0], -100, 100)) / 200


class TankOldSetpoint(Tank):
    """Pays for the setpoint of the episode before."""

    old = 0.5

    def reset(self, **options: Any) -> Any:
        self.old = getattr(self, "setpoint", 0.5)
        return super().reset(**options)

    def pay(self) -> float:
        return -abs(self.level - self.old)


class TankPaysError(Tank):
    """The minus was forgotten."""

    def pay(self) -> float:
        return abs(self.level - self.setpoint)


class TankSensorNoise(Tank):
    """A sensor whose noise is larger than the tank."""

    def look(self) -> Any:
        return np.clip(super().look() + self.np_random.normal(0, [2.0, 0.0]), 0, 2).astype(np.float32)


class TankStuckSensor(Tank):
    """The level's sensor shows the level at the start."""

    def reset(self, **options: Any) -> Any:
        self.first = None
        return super().reset(**options)

    def look(self) -> Any:
        self.first = self.level if self.first is None else self.first
        return np.array([self.first, self.setpoint], np.float32)


class PointWholeNumbers(Point):
    """Observations are cast to whole numbers on the way."""

    def look(self) -> Any:
        return super().look().astype(np.int32).astype(np.float32)


class PointTinyNumbers(Point):
    """Observations in other units, a thousand times too small."""

    def look(self) -> Any:
        return super().look() / 1e3


class PointPenalty(Point):
    """A million for leaving the field, among costs of about one."""

    def pay(self) -> float:
        return -self.distance - (1e6 if np.abs(self.place).max() > 1 else 0.0)


class PointSuccessInverted(Point):
    """Success is reported where the goal is missed."""

    def success(self) -> bool:
        return self.distance > self.near


class PointDropsActions(Point):
    """A bus that loses all but one action in fifty."""

    def move(self, action: Any) -> Any:
        return super().move(action) * (self.np_random.random() < 0.02)


class PointSparse(Point):
    """Pays within a hundredth of the goal alone."""

    def pay(self) -> float:
        return float(self.distance < 0.01)


class PointOneAxis(Point):
    """One motor is connected to both axes' first."""

    def move(self, action: Any) -> Any:
        return super().move(action)[[0, 0]] * [1, 0]


class PointCosts(Point):
    """The constant drowns the distance: 1,000 a step for being alive, a thousandth for the distance."""

    def pay(self) -> float:
        return 1000.0 - 1e-3 * self.distance


class PointGoalMoves(Point):
    """The goal that is paid is drawn anew at each step, and another is seen."""

    def pay(self) -> float:
        return -float(np.linalg.norm(self.place - self.np_random.uniform(-1, 1, 2)))


class GridOneMove(Grid):
    """Every action is turned into the same move."""

    def move(self, action: Any) -> Any:
        return self.moves[int(bool(action is None))]


class GridLate(Grid):
    """Shows where it was before the move."""

    def step(self, action: Any) -> Stepped:
        before = self.look()
        _, *rest = super().step(action)
        return (before, *rest)


class GridNoGoal(Grid):
    """The goal is outside the grid."""

    def draw(self) -> None:
        super().draw()
        self.goal = self.goal + self.size

    def look(self) -> Any:
        return np.clip(super().look(), -1, 1)


class GridRenumbered(Grid):
    """The cells' numbers are drawn anew for each episode."""

    def draw(self) -> None:
        super().draw()
        self.number = self.np_random.permutation(self.size)

    def look(self) -> Any:
        cells = self.number[np.concatenate([self.cell, self.goal])]
        return (cells / (self.size - 1) * 2 - 1).astype(np.float32)


class GridActionsRenumbered(Grid):
    """What an action does is drawn anew for each episode."""

    def draw(self) -> None:
        super().draw()
        self.number = self.np_random.permutation(4)

    def move(self, action: Any) -> Any:
        return self.moves[self.number[int(action)]]


class HoverEndsAtOnce(Hover):
    """The condition is the wrong way round."""

    def over(self) -> bool:
        return abs(self.height) < 2


class HoverWeak(Hover):
    """Full thrust does not carry the mass."""

    thrust = 0.5


class HoverShared(Hover):
    """Its height and speed are the class's: all copies share them."""

    state: ClassVar[list[float]] = [0.0, 0.0]

    height = property(lambda self: self.state[0], lambda self, value: self.state.__setitem__(0, value))
    speed = property(lambda self: self.state[1], lambda self, value: self.state.__setitem__(1, value))


class HoverOldReward(Hover):
    """Pays for what was thirty steps ago."""

    def reset(self, **options: Any) -> Any:
        self.waiting = [0.5] * 30
        return super().reset(**options)

    def pay(self) -> float:
        self.waiting.append(super().pay())
        return self.waiting.pop(0)


class HoverRoot(Hover):
    """The root of a negative number where it falls fast."""

    def pay(self) -> float:
        with np.errstate(invalid="ignore"):
            return float(super().pay() + 0.1 * np.sqrt(np.float64(1.0 + self.speed)))


class HoverNeverReset(Hover):
    """Reset sets the clock back and not the mass."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        at = (self.height, self.speed) if hasattr(self, "time") else None
        found = super().reset(seed=seed, options=options)
        if at:
            self.height, self.speed = at
            return self.look(), {}
        return found


def tank_signs() -> gymnasium.Env[Any, Any]:
    """The reward's sign alone, by a wrapper: always -1."""
    return TransformReward(Tank(), lambda reward: float(np.sign(reward)))


def point_clipped() -> gymnasium.Env[Any, Any]:
    """Observations clipped to a hundredth."""
    return TransformObservation(Point(), lambda seen: np.clip(seen, -0.01, 0.01), Box(-0.01, 0.01, (4,), np.float32))


def point_three_steps() -> gymnasium.Env[Any, Any]:
    """A time limit in seconds, taken for steps."""
    return TimeLimit(Point(), 3)


class _Bang(gymnasium.ActionWrapper[Any, Any, Any]):
    def action(self, action: Any) -> Any:
        return np.clip(1000 * action, -1, 1)


def hover_bang() -> gymnasium.Env[Any, Any]:
    """Actions a thousand times too large, then clipped."""
    return _Bang(Hover())


def tank_rescaled() -> gymnasium.Env[Any, Any]:
    """Actions rescaled to a thousandth of the valve's range."""
    return RescaleAction(_Narrow(Tank()), np.float32(-1), np.float32(1))


class _Narrow(gymnasium.ActionWrapper[Any, Any, Any]):
    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.action_space = Box(-1e-3, 1e-3, (1,), np.float32)

    def action(self, action: Any) -> Any:
        return action


_RANDOM = np.random.default_rng(0)


def point_hazy() -> gymnasium.Env[Any, Any]:
    """Noise from a generator of the module, in a function that a wrapper holds."""
    point = Point()
    return TransformObservation(point, lambda seen: seen + 3 * _RANDOM.normal(size=4), point.observation_space)
