"""More environments that users write from nothing, each broken in one way, and their healthy twins: own_worlds.py:Name.

A lander, a heated room, a chase, and a light switch. Written when the rules for the others had been made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box

# The healthy ones are examined under this file's name as well.
from benchmarks.own_environments.sound_worlds import (
    Chase,
    Lander,
    LanderGusts,  # noqa: F401
    Room,
    Stepped,
    Switch,
)


class LanderStillborn(Lander):
    """Each step ends the episode by the toss of a coin."""

    def over(self) -> bool:
        return super().over() or bool(self.np_random.random() < 0.5)


class LanderPixels(Lander):
    """Observations in pixels of a screen."""

    def look(self) -> Any:
        return (super().look() * 5000 + 3000).astype(np.float32)


class LanderOverflow(Lander):
    """Observations are cast to bytes that wrap around."""

    def look(self) -> Any:
        return (super().look() * 1000).astype(np.int64).astype(np.int8).astype(np.float32) / 128


class LanderNoSpeed(Lander):
    """The speed was left out."""

    def look(self) -> Any:
        return np.array([*self.place, 0, 0], np.float32)


class LanderOldView(Lander):
    """A buffer of ten observations that is read from the wrong end."""

    def reset(self, **options: Any) -> Any:
        self.views: list[Any] = []
        return super().reset(**options)

    def look(self) -> Any:
        self.views = [*self.views, super().look()][-10:]
        return self.views[0]


class LanderPaysClock(Lander):
    """A bonus for each step that grows with the clock drowns the rest."""

    def pay(self) -> float:
        return self.time - 1e-3 * self.distance


class LanderPaysEffort(Lander):
    """Pays for the action alone."""

    def push(self, action: Any) -> Any:
        self.effort = float(np.abs(action).sum())
        return super().push(action)

    def pay(self) -> float:
        return -self.effort


class LanderDivides(Lander):
    """One over a distance that may be nothing, and its logarithm."""

    def pay(self) -> float:
        with np.errstate(all="ignore"):
            return super().pay() + 1e-3 * float(np.log(np.float64(2.5) - self.distance))


class LanderCrashPaid(Lander):
    """A thousand for leaving the field, which should have cost it."""

    def pay(self) -> float:
        return super().pay() + (1000.0 if self.over() else 0.0)


class LanderNoSuccess(Lander):
    """Success is reported for a distance that is never reached."""

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.distance < 0.0}


class LanderByte(Lander):
    """Motors from 0 to 255, as bytes, which a policy near 0 does not reach."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = Box(0.0, 255.0, (2,), np.float32)

    def push(self, action: Any) -> Any:
        return super().push(np.asarray(action) / 127.5 - 1)


class LanderAtTheEnd(Lander):
    """Pays the whole sum with the last step."""

    def reset(self, **options: Any) -> Any:
        self.total = 0.0
        return super().reset(**options)

    def pay(self) -> float:
        self.total += super().pay()
        return self.total if self.time >= self.limit or self.over() else 0.0


class LanderSticky(Lander):
    """The first action of an episode is held to its end."""

    def reset(self, **options: Any) -> Any:
        self.first = None
        return super().reset(**options)

    def push(self, action: Any) -> Any:
        self.first = action if self.first is None else self.first
        return super().push(self.first)


class RoomWhole(Room):
    """Costs are rounded to whole numbers, and are below one."""

    def pay(self) -> float:
        return float(int(super().pay() / 4))


class RoomFaint(Room):
    """Costs in other units."""

    def pay(self) -> float:
        return super().pay() * 1e-6


class RoomLoud(Room):
    """Costs in other units."""

    def pay(self) -> float:
        return super().pay() * 1e5


class RoomWarmer(Room):
    """Pays for warmth, whatever is wanted; the number that was meant is in info."""

    def pay(self) -> float:
        return abs(self.warmth - self.wanted)

    def step(self, action: Any) -> Stepped:
        seen, reward, over, cut, _ = super().step(action)
        return seen, reward, over, cut, {"temperature_error": self.warmth - self.wanted}


class RoomDead(Room):
    """The heater's relay is not connected."""

    def heat(self, action: Any) -> float:
        return 0.0


class RoomSeldom(Room):
    """The heater listens where it is cold outside alone, which it hardly is."""

    def heat(self, action: Any) -> float:
        return super().heat(action) if self.outside < -1.45 else 0.0


class RoomSecret(Room):
    """What is wanted is not shown."""

    def look(self) -> Any:
        return np.array([self.warmth, self.outside, self.outside], np.float32)


class ChaseOneMotor(Chase):
    """The strong motor is not connected."""

    def turn(self, action: Any) -> float:
        return 0.02 * (int(action[1]) - 1)


class ChaseMasked(Chase):
    """A mask sets all but the sine of its own place to nothing."""

    def look(self) -> Any:
        return super().look() * np.array([1, 0, 0, 0], np.float32)


class ChaseRandomPay(Chase):
    """Pays the gap to a place that is drawn at each step."""

    def pay(self) -> float:
        return 1.0 - abs(float(self.np_random.uniform(-np.pi, np.pi)))


class SwitchLate(Switch):
    """Shows the colour of the step before."""

    def reset(self, **options: Any) -> Any:
        self.shown = 0
        return super().reset(**options)

    def look(self) -> Any:
        shown, self.shown = self.shown, self.colour
        return np.eye(4, dtype=np.float32)[shown]


class SwitchDark(Switch):
    """Shows nothing."""

    def look(self) -> Any:
        return np.zeros(4, np.float32)
