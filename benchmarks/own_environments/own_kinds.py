"""A third lot of environments of users' own, of many kinds, each broken in one way, and healthy ones: own_kinds.py:Name.

A store, cards, pictures, a crane of several levers, a goal with ``compute_reward``, one-shot aiming, and wrapped
environments of Gymnasium. Written and trained before any rule was changed for them.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

# The healthy ones are examined under this file's name as well.
from benchmarks.own_environments.sound_kinds import (  # noqa: F401
    Aim,
    Cards,
    Crane,
    Dot,
    LakeOneHot,
    Park,
    Rocking,
    Stepped,
    Store,
    hopper_normalised,
    pendulum_stacked,
)


class RockingHard(Rocking):
    """Nearly every action repeats the last one, and nobody says so."""

    share = 0.95


class StoreThousands(Store):
    """Paid in cents of a large company."""

    price = 3000.0


class CardsLate(Cards):
    """Pays the answer to the card before."""

    def reset(self, **options: Any) -> Any:
        self.owed = 0.0
        return super().reset(**options)

    def step(self, action: Any) -> Stepped:
        seen, reward, over, cut, info = super().step(action)
        reward, self.owed = self.owed, reward
        return seen, reward, over, cut, info


class DotOverflow(Dot):
    """Brightness is scaled beyond a byte and wraps around."""

    def look(self) -> Any:
        return (self.draw() * 1280).astype(np.int64).astype(np.uint8)


class DotOld(Dot):
    """The picture is drawn before the dot moves, four steps late."""

    def reset(self, **options: Any) -> Any:
        self.shots: list[Any] = []
        return super().reset(**options)

    def look(self) -> Any:
        self.shots.append(super().look())
        return self.shots[max(0, len(self.shots) - 5)]


class CraneDead(Crane):
    """Two of the three levers are not connected."""

    def levers(self, action: Any) -> Any:
        return super().levers(action) * np.array([1.0, 0.0, 0.0])


class CraneEnd(Crane):
    """Pays what the whole way has cost when it is over."""

    def reset(self, **options: Any) -> Any:
        self.total = 0.0
        return super().reset(**options)

    def pay(self) -> float:
        self.total += super().pay()
        return self.total if self.time >= 60 else 0.0


class CraneThousandths(Crane):
    """Places in thousandths, held in whole numbers."""

    def look(self) -> Any:
        return np.concatenate([self.load, self.wanted]).astype(np.int64).astype(np.float32)


class ParkOldGoal(Park):
    """Shows the goal of the episode before."""

    def reset(self, **options: Any) -> Any:
        self.before = self.target.copy()
        return super().reset(**options)

    def shown(self) -> Any:
        return self.before.copy()


class ParkSuccess(Park):
    """Success is told where the car is far away."""

    def tell(self) -> dict[str, Any]:
        return {"is_success": bool(np.linalg.norm(self.car - self.target) > 1.5)}


class ParkThrottle(Park):
    """A throttle in per mille: 500 is neutral."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = Box(0.0, 1000.0, (2,), np.float32)

    def step(self, action: Any) -> Stepped:
        return super().step(np.asarray(action) / 500 - 1)


class AimBlind(Aim):
    """The target is drawn when the shot is over: what is shown is another one."""

    def step(self, action: Any) -> Stepped:
        self.target = float(self.np_random.uniform(-1, 1))
        return super().step(action)


class CartPoleSwapped(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A fall is told as truncated, the limit as terminated."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("CartPole-v1"))

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        return seen, reward, cut, over, info


class AcrobotForever(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Starts anew by itself when an episode is over, and tells nobody."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("Acrobot-v1"))

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        if over or cut:
            seen, info = self.env.reset()
        return seen, reward, False, False, info


class DoublePendulumOld(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Returns what was seen two steps before."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("InvertedDoublePendulum-v5"))

    def reset(self, **options: Any) -> Any:
        seen, info = self.env.reset(**options)
        self.seen = [seen] * 3
        return seen, info

    def step(self, action: Any) -> Any:
        seen, *rest = self.env.step(action)
        self.seen = [*self.seen[1:], seen]
        return self.seen[0], *rest


class HopperRoot(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The root of a speed that may be backwards is added to the reward."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("Hopper-v5"))

    def step(self, action: Any) -> Any:
        seen, reward, *rest = self.env.step(action)
        with np.errstate(invalid="ignore"):
            return seen, float(reward) + float(np.sqrt(seen[5] + 0.5)), *rest
