"""Environments that users write from nothing, each broken in one way, and their healthy twins: own_tasks.py:Name.

A tank's level, a point in a plane, a grid, a hovering mass. None of them was used to fit a weight.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.wrappers import RescaleAction, TimeLimit, TransformObservation, TransformReward

Stepped = tuple[Any, float, bool, bool, dict[str, Any]]


# Healthy ones.
class Tank(gymnasium.Env[Any, Any]):
    """Hold a tank's level, 0 to 1, at a setpoint that is drawn for each episode."""

    limit, outflow = 100, 0.02

    def __init__(self) -> None:
        self.observation_space = Box(0.0, 2.0, (2,), np.float32)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array([self.level, self.setpoint], np.float32)

    def pay(self) -> float:
        return -abs(self.level - self.setpoint)

    def valve(self, action: Any) -> float:
        return 0.5 + 0.5 * float(np.clip(action[0], -1, 1))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.level, self.setpoint = self.np_random.uniform(0.2, 0.8, 2)
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.level = float(np.clip(self.level + 0.1 * self.valve(action) - 0.05, 0.0, 1.0))
        self.time += 1
        return self.look(), float(self.pay()), False, self.time >= self.limit, {"error": self.level - self.setpoint}


class Point(gymnasium.Env[Any, Any]):
    """Move a point in a plane to a goal; succeeds within 0.1."""

    limit, near = 60, 0.1

    def __init__(self) -> None:
        self.observation_space = Box(-4.0, 4.0, (4,), np.float32)
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.place - self.goal))

    def look(self) -> Any:
        return np.concatenate([self.place, self.goal]).astype(np.float32)

    def pay(self) -> float:
        return -self.distance

    def move(self, action: Any) -> Any:
        return 0.15 * np.clip(action, -1, 1)

    def success(self) -> bool:
        return self.distance < self.near

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.goal = self.np_random.uniform(-1, 1, (2, 2))
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.place = np.clip(self.place + self.move(action), -2, 2)
        self.time += 1
        info = {"is_success": self.success(), "distance": self.distance}
        return self.look(), float(self.pay()), False, self.time >= self.limit, info


class Grid(gymnasium.Env[Any, Any]):
    """Walk over a grid of 6 by 6 to a cell; a step costs 0.05, the cell pays 1."""

    limit, size = 60, 6
    moves = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])

    def __init__(self) -> None:
        self.observation_space = Box(-1.0, 1.0, (4,), np.float32)
        self.action_space = Discrete(4)

    def look(self) -> Any:
        return (np.concatenate([self.cell, self.goal]) / (self.size - 1) * 2 - 1).astype(np.float32)

    def pay(self, there: bool) -> float:
        return 1.0 if there else -0.05

    def move(self, action: Any) -> Any:
        return self.moves[int(action)]

    def draw(self) -> None:
        self.cell, self.goal = self.np_random.integers(0, self.size, (2, 2))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.draw()
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.cell = np.clip(self.cell + self.move(action), 0, self.size - 1)
        self.time += 1
        there = bool((self.cell == self.goal).all())
        return self.look(), float(self.pay(there)), there, self.time >= self.limit, {}


class Hover(gymnasium.Env[Any, Any]):
    """Hold a mass at height 0 by its thrust against gravity; it ends where the mass leaves -2 to 2."""

    limit, gravity, thrust = 200, 1.0, 2.0

    def __init__(self) -> None:
        self.observation_space = Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array([self.height, self.speed], np.float32)

    def pay(self) -> float:
        return 1.0 - self.height**2 / 4 - 0.05 * self.speed**2

    def over(self) -> bool:
        return abs(self.height) > 2

    def force(self, action: Any) -> float:
        return self.thrust * (0.5 + 0.5 * float(np.clip(action[0], -1, 1)))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.height, self.speed = self.np_random.uniform(-0.5, 0.5, 2)
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.speed += 0.1 * (self.force(action) - self.gravity)
        self.height += 0.1 * self.speed
        self.time += 1
        return self.look(), float(self.pay()), bool(self.over()), self.time >= self.limit, {}


class TankDeadBand(Tank):
    """Costs nothing within a twentieth of the setpoint."""

    def pay(self) -> float:
        return -max(abs(self.level - self.setpoint) - 0.05, 0.0)


class PointSlightNoise(Point):
    """A motor with a little noise, as real ones have."""

    def move(self, action: Any) -> Any:
        return super().move(action) + self.np_random.normal(0, 0.01, 2)


class GridSlippery(Grid):
    """One move in ten goes elsewhere."""

    def move(self, action: Any) -> Any:
        return super().move(self.np_random.integers(4) if self.np_random.random() < 0.1 else action)


class PointDict(Point):
    """Observations in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = Dict({key: Box(-4.0, 4.0, (2,), np.float32) for key in ("place", "goal")})

    def look(self) -> Any:
        return {"place": self.place.astype(np.float32), "goal": self.goal.astype(np.float32)}


# Broken ones.
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
