"""Small environments, broken and healthy, of the kinds that test_kinds_of_ends.py tells apart: actions and ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from tests.preflight.kinds_of_limits import Base, Corridor


# The sign of an action.
class SquaredThrust(Base):
    def move(self, action: Any) -> None:
        super().move(np.square(action))


class OneMotorWithoutASign(Base):
    def move(self, action: Any) -> None:
        super().move([action[0], abs(float(action[1]))])


class Brakes(Base):
    """To push pulls nothing: the lower half does nothing, and not what the upper one does."""

    def move(self, action: Any) -> None:
        super().move(np.maximum(action, 0.0))


class Mirror(Base):
    """Starts in the middle of a symmetric room and sees distances from it."""

    def look(self) -> Any:
        return np.abs(super().look())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = self.load = 0.0
        return self.look(), {}


class SignIsPaid(Base):
    """Moves by the size of the action and is paid by its sign: which of the two is chosen counts."""

    def move(self, action: Any) -> None:
        super().move(np.abs(action))

    def pay(self) -> float:
        return float(np.sum(self.action))


# Ends that are told as truncations.
class Leaves(Base):
    limit = 200

    def over(self) -> bool:
        return abs(self.place) > 1.2


class LeavesTruncated(Leaves):
    def step(self, action: Any) -> Any:
        seen, paid, over, cut, info = super().step(action)
        return seen, paid, False, over or cut, info


class CollidesTruncated(LeavesTruncated):
    action_space = Discrete(3)

    def move(self, action: Any) -> None:
        super().move([float(action) - 1.0, 0.0])

    def tell(self) -> dict[str, Any]:
        return {"collision": self.over()}


class DrawnLimit(Base):
    """How long it lasts is drawn with the start."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        seen, info = super().reset(seed=seed)
        self.limit = int(self.np_random.integers(20, 60))
        return seen, info


class DrawnWithEachStep(Base):
    """Each step is the last one with a small chance."""

    def step(self, action: Any) -> Any:
        seen, paid, over, _, info = super().step(action)
        return seen, paid, over, bool(self.np_random.random() < 0.05), info


# Starts that end at once.
class StartsOutside(Leaves):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place *= 3.0
        return self.look(), {}


class StartsAtTheGoal(Base):
    limit = 100

    def over(self) -> bool:
        return abs(self.load) < 0.4


class StartsNearTheEdge(Leaves):
    """One start in fourteen ends at once."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place *= 1.3
        return self.look(), {}


class ShortGame(Base):
    """A throw of the dice ends it, often the first one."""

    action_space = Discrete(2)

    def move(self, action: Any) -> None:
        self.load = self.np_random.random()

    def over(self) -> bool:
        return self.load < 0.3


class Quits(Base):
    """One of the actions ends the episode."""

    action_space = Discrete(4)

    def move(self, action: Any) -> None:
        super().move([float(action) - 1.5, 0.0])

    def over(self) -> bool:
        return self.action == 3


# Simulations that explode.
class StiffSpring(Base):
    def move(self, action: Any) -> None:
        force = float(action[0])
        self.place, self.speed = self.place + 0.1 * self.speed, self.speed + 0.1 * (force - 400.0 * self.place)


class WrongFeedback(Base):
    """Seen within bounds, and steered by choices."""

    action_space = Discrete(2)
    observation_space = Box(-10.0, 10.0, (2,), np.float32)

    def look(self) -> Any:
        return np.clip([self.place, self.speed], -10.0, 10.0).astype(np.float32)

    def move(self, action: Any) -> None:
        self.speed += 0.8 * self.speed + 0.5 * self.place + 0.1 * (2 * int(action) - 1)
        self.place += self.speed


class SaturatedSensor(Base):
    """What is seen is at its bounds, and the state is where it was."""

    observation_space = Box(-0.1, 0.1, (3,), np.float32)

    def look(self) -> Any:
        return np.clip([self.place + 0.8 * np.sign(self.place), 0.01 * self.speed, self.load], -0.1, 0.1).astype(
            np.float32
        )


class Savings(Base):
    """Money that grows by a tenth in each of 80 steps."""

    limit = 80

    def move(self, action: Any) -> None:
        self.load = 1.1 * abs(self.load) + 0.01 * float(action[0])

    def pay(self) -> float:
        return float(np.log1p(self.load))


class Odometer(Base):
    """Counts, faster and faster."""

    limit = 200

    def move(self, action: Any) -> None:
        super().move(action)
        self.load = 0.5 * self.time**2


# Thrust that pushes one way.
class Rocket(Base):
    """A rocket that should stay where it is; gravity 1."""

    limit, weakest, strongest = 300, 0.0, 2.0
    action_space = Box(0.0, 1.0, (1,), np.float32)
    observation_space = Box(-np.inf, np.inf, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.place, self.speed], np.float32)

    def thrust(self, action: Any) -> float:
        return float(np.clip(np.mean(action), 0.0, 1.0))

    def move(self, action: Any) -> None:
        self.speed += 0.05 * (self.weakest + (self.strongest - self.weakest) * self.thrust(action) - 1.0)
        self.place += 0.05 * self.speed

    def over(self) -> bool:
        return abs(self.place) > 2.0

    def pay(self) -> float:
        return 1.0 - abs(self.place) / 2.0


class RocketTooWeak(Rocket):
    strongest = 0.6


class TwoRotorsScaledTwice(Rocket):
    action_space = Box(-1.0, 1.0, (2,), np.float32)

    def thrust(self, action: Any) -> float:
        return 0.75 + 0.125 * (float(np.mean(action)) + 1.0)


class FallingBall(Rocket):
    """A ball falls beside a paddle that is moved; only the paddle follows the action."""

    observation_space = Box(-np.inf, np.inf, (3,), np.float32)

    def look(self) -> Any:
        return np.array([self.place, self.speed, self.load], np.float32)

    def move(self, action: Any) -> None:
        self.speed -= 0.05
        self.place += 0.05 * self.speed
        self.load += 0.1 * (float(action[0]) - 0.5)


class RaceToTheLine(Rocket):
    """It can only go faster, and the line is where it should come to."""

    weakest = 1.2

    def over(self) -> bool:
        return self.place > 2.0

    def pay(self) -> float:
        return 10.0 if self.over() else -0.1


class Train(Rocket):
    """Goes on whatever is done, at a speed that is chosen."""

    def move(self, action: Any) -> None:
        self.speed = 1.0 + float(action[0])
        self.place += 0.05 * self.speed


# What ends pay.
class Ledge(Corridor):
    """-1 a step, a fall as well."""

    limit, fine = 60, 0.0

    def fell(self) -> bool:
        return self.place < 0

    def move(self, action: Any) -> None:
        self.place += 2 * int(action) - 1

    def over(self) -> bool:
        return self.place >= self.length or self.fell()

    def pay(self) -> float:
        return -1.0 - self.fine * self.fell()

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.place >= self.length}


class LedgeWithAFine(Ledge):
    fine = 100.0


class LedgeThatPaysSteps(Ledge):
    length = 10**9

    def pay(self) -> float:
        return 1.0


class TimeAndFall(Leaves):
    """Time costs, and so does each metre from the middle; leaving the track does not."""

    limit = 400

    def pay(self) -> float:
        return -1.0 - abs(self.place)

    def tell(self) -> dict[str, Any]:
        return {"fell": self.over()}


class DistanceAndFall(TimeAndFall):
    """To stay in the middle costs nothing, and leaving the track costs all the way there."""

    def pay(self) -> float:
        return -abs(self.place)


class Beside(Base):
    """Pays the more the nearer; to arrive ends it."""

    limit, bonus = 60, 0.0
    action_space = Discrete(3)
    observation_space = Box(-20.0, 20.0, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.place, self.load], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.load = (int(value) for value in self.np_random.permutation(7)[:2])
        self.before = abs(self.place - self.load)
        return self.look(), {}

    def move(self, action: Any) -> None:
        self.before = abs(self.place - self.load)
        self.place = int(np.clip(self.place + int(action) - 1, 0, 6))

    def over(self) -> bool:
        return self.place == self.load

    def pay(self) -> float:
        return 1.0 / (1.0 + abs(self.place - self.load)) + self.bonus * self.over()

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.over()}


class BesideUntold(Beside):
    """The same without a word of success, and no way to stand still."""

    action_space = Discrete(2)

    def move(self, action: Any) -> None:
        super().move(2 * int(action))

    def tell(self) -> dict[str, Any]:
        return {}


class BesideWithABonus(Beside):
    bonus = 100.0


class BesideByProgress(Beside):
    def pay(self) -> float:
        return self.before - abs(self.place - self.load) + 0.5 * self.over()


class BesideGoesOn(Beside):
    """At the goal it goes on: to stay there pays most."""

    def over(self) -> bool:
        return False


# Rewards that are sums.
class SumSoFar(Base):
    limit = 60

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.total = 0.0
        return super().reset(seed=seed)

    def pay(self) -> float:
        self.total += 1.0 - abs(self.place) + 0.3 * abs(self.load)
        return self.total


class SumOfAList(Base):
    """The same, of what is kept in a list of dictionaries."""

    limit = 60

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.history: list[dict[str, float]] = []
        return super().reset(seed=seed)

    def pay(self) -> float:
        self.history.append({"reward": 1.0 - abs(self.place) + 0.3 * abs(self.load)})
        return sum(item["reward"] for item in self.history)


class FromRest(Base):
    """Pays the speed, which begins with nothing and is seen."""

    limit = 60

    def pay(self) -> float:
        return self.speed


class Inventory(Base):
    """Pays for what is in store, which is seen."""

    limit = 60

    def move(self, action: Any) -> None:
        super().move(action)
        self.load += 0.1

    def pay(self) -> float:
        return 2.0 * self.load

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.load = 0.0
        return self.look(), {}


# Terms of the reward.
class EffortDrowns(Base):
    weight = 1e4

    def terms(self) -> dict[str, float]:
        return {"reward_progress": -abs(self.place), "reward_ctrl": -self.weight * float(np.square(self.action).sum())}

    def pay(self) -> float:
        return sum(self.terms().values())

    def tell(self) -> dict[str, Any]:
        return self.terms()


class CostInsideInfo(EffortDrowns):
    """Terms in a dictionary of their own, beside numbers that are none; the cost is taken off."""

    def pay(self) -> float:
        terms = self.terms()
        return terms["reward_progress"] + terms["reward_ctrl"]

    def tell(self) -> dict[str, Any]:
        return {"time": self.time, "terms": {"alive": 1.0, **self.terms()}, "speed": self.speed}


class EffortInMeasure(EffortDrowns):
    weight = 0.1


class SeldomFined(EffortDrowns):
    """A heavy fine, that is seldom paid."""

    def terms(self) -> dict[str, float]:
        return {"progress": -abs(self.place), "penalty": -1000.0 * (self.speed > 0.12)}


class OtherNumbers(EffortDrowns):
    """Energy in joules is told, and not paid."""

    def pay(self) -> float:
        return -abs(self.place) - 0.01 * abs(self.load)


# Successes that are not told.
class Arrives(Base):
    limit, near, bonus = 100, 0.15, 10.0

    def move(self, action: Any) -> None:
        self.place += 0.1 * float(np.clip(action[0], -1, 1))
        self.load += 0.1 * float(np.clip(action[1], -1, 1))

    def over(self) -> bool:
        return float(np.hypot(self.place, self.load)) < self.near

    def pay(self) -> float:
        return -float(np.hypot(self.place, self.load)) + self.bonus * self.over()

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.over()}


class ToldBeforeTheStep(Arrives):
    def step(self, action: Any) -> Any:
        before = self.over()
        seen, paid, over, cut, _ = super().step(action)
        return seen, paid, over, cut, {"is_success": before}


class NeverTold(Arrives):
    bonus = 0.0

    def tell(self) -> dict[str, Any]:
        return {"success": False}


class FailsAtTheEdge(Arrives):
    """Ends where it should not, for a fine, and comes to its goal by skill alone."""

    near = 0.0

    def over(self) -> bool:
        return abs(self.place) > 1.5

    def pay(self) -> float:
        return 1.0 - 10.0 * self.over()

    def tell(self) -> dict[str, Any]:
        return {"is_success": False}


class NeverArrives(Arrives):
    near = 0.0


# Actions that random numbers replace.
class Replaced(Base):
    """Seven of ten actions are drawn."""

    action_space = Discrete(3)

    def move(self, action: Any) -> None:
        drawn = self.np_random.integers(3)
        super().move([float(drawn if self.np_random.random() < 0.7 else action) - 1.0, 0.0])


# What goes on from episode to episode.
EPISODES = 0


class CounterOfTheModule(Base):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        global EPISODES
        EPISODES += 1
        super().reset(seed=seed)
        self.load *= 1.0 + 0.05 * EPISODES
        return self.look(), {}


class CounterOfTheClass(Base):
    """Ends at some level."""

    level = 0.1

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        CounterOfTheClass.level = min(3.0, 1.02 * CounterOfTheClass.level)
        super().reset(seed=seed)
        self.place = self.level
        return self.look(), {}


class DrawnWithoutASeed(Base):
    def __init__(self) -> None:
        self.own = np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = self.own.uniform(-1, 1)
        return self.look(), {}


class DrawnOfFew(DrawnWithoutASeed):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = float(self.own.integers(20))
        return self.look(), {}


class DrawnWithEachStepUnseeded(DrawnWithoutASeed):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = 0.0
        return self.look(), {}

    def move(self, action: Any) -> None:
        super().move(action)
        self.load += 0.1 * self.own.normal()


# What resets draw and cannot be replaced at will.
class Cards(Base):
    """A hand that each reset deals, and looks up by whole numbers; what it is worth is not seen."""

    action_space = Discrete(2)
    worth = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.hand = [int(card) for card in self.np_random.integers(6, size=2)]
        return self.look(), {}

    def move(self, action: Any) -> None:
        super().move([0.1 * sum(self.worth[card] for card in self.hand) * (2 * int(action) - 1), 0.0])


class SealedCards(Cards):
    """Which raises where the hand is not the one that was dealt."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.seal = str(self.hand)
        return self.look(), {}

    def move(self, action: Any) -> None:
        if str(self.hand) != self.seal:
            raise RuntimeError("not the hand that was dealt")
        super().move(action)
