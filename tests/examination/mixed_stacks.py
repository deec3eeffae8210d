"""Stacks of users' wrappers among sound ones, of which one has a fault that stacks.py and vec_stacks.py lack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.wrappers import RecordEpisodeStatistics, RescaleAction, TransformReward
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor

from benchmarks.own_environments.sound_kinds import Crane, Park
from tests.examination.stacks import Plain
from tests.examination.vec_stacks import Passing


class Owing(gymnasium.Wrapper):
    """Pays what was earned three steps before."""

    def reset(self, **options: Any) -> Any:
        self.owed = [0.0] * 3
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        seen, reward, *rest = self.env.step(action)
        self.owed.append(float(reward))
        return seen, self.owed.pop(0), *rest


class Looking(gymnasium.Wrapper):
    """Shows what was seen two steps before."""

    def reset(self, **options: Any) -> Any:
        seen, info = self.env.reset(**options)
        self.seen = [seen] * 2
        return seen, info

    def step(self, action: Any) -> Any:
        seen, *rest = self.env.step(action)
        self.seen.append(seen)
        return self.seen.pop(0), *rest


class Holding(gymnasium.Wrapper):
    """Takes the first action of an episode to its end."""

    def reset(self, **options: Any) -> Any:
        self.held: Any = None
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        self.held = action if self.held is None else self.held
        return self.env.step(self.held)


class Exchanged(gymnasium.Wrapper):
    """Tells the limit as an end."""

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        return seen, reward, over or cut, False, info


class Counting(gymnasium.Wrapper):
    """A counter that ends episodes and that nobody sets back."""

    count = 0

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        self.count += 1
        return seen, reward, over or self.count > 300, cut, info


class Braking(gymnasium.ActionWrapper):
    """Lets through a tenth of the last entry of an action alone."""

    def action(self, action: Any) -> Any:
        return np.asarray(action) * np.array([0.0] * (np.size(action) - 1) + [0.1], np.asarray(action).dtype)


class Crossing(gymnasium.ActionWrapper):
    """Exchanges the entries of an action."""

    def action(self, action: Any) -> Any:
        return np.asarray(action)[::-1].copy()


class Cutting(gymnasium.ObservationWrapper):
    """Rounds observations to whole numbers."""

    def observation(self, observation: Any) -> Any:
        rounded = (
            {key: np.round(value) for key, value in observation.items()} if isinstance(observation, dict) else None
        )
        return rounded or np.round(observation)


class Shouting(gymnasium.RewardWrapper):
    """Pays in another unit."""

    def reward(self, reward: Any) -> float:
        return 1e5 * float(reward)


class Dividing(gymnasium.RewardWrapper):
    """Divides by nothing now and then."""

    def reward(self, reward: Any) -> float:
        return float("nan") if float(reward) > -1.0 else float(reward)


class VecOwing(Passing):
    """Pays what was earned two steps before."""

    def reset(self) -> Any:
        self.owed = [np.zeros(self.num_envs, np.float32)] * 2
        return self.venv.reset()

    def step_wait(self) -> Any:
        seen, rewards, dones, infos = self.venv.step_wait()
        self.owed.append(rewards.copy())
        return seen, self.owed.pop(0), dones, infos


class VecMixed(Passing):
    """Gives each environment the action of its neighbour."""

    def step_async(self, actions: np.ndarray) -> None:
        self.venv.step_async(np.roll(actions, 1, axis=0))


class VecTimid(Passing):
    """Cuts observations to a hundredth."""

    def reset(self) -> Any:
        return np.clip(self.venv.reset(), -0.01, 0.01)

    def step_wait(self) -> Any:
        seen, *rest = self.venv.step_wait()
        return np.clip(seen, -0.01, 0.01), *rest


class Drive(Park):
    """Park without goals: the target among the numbers that are seen; Gymnasium's own time limit is around it."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = Box(-3.0, 3.0, (6,), np.float64)

    compute_reward = None  # type: ignore[assignment]

    def look(self) -> Any:
        return np.concatenate([self.car, self.speed, self.target])

    def step(self, action: Any) -> Any:
        self.speed = 0.5 * self.speed + 0.1 * np.clip(np.asarray(action, float), -1, 1)
        self.car = np.clip(self.car + self.speed, -3, 3)
        return self.look(), -float(np.linalg.norm(self.car - self.target)), False, False, self.tell()


def drive() -> gymnasium.Env:
    return gymnasium.wrappers.TimeLimit(Drive(), 50)


FAULTY: dict[str, Callable[[Any], Any]] = {
    kind.__name__: kind
    for kind in (
        *(Owing, Looking, Holding, Exchanged, Counting, Braking, Crossing, Cutting, Shouting, Dividing),
        *(VecOwing, VecMixed, VecTimid),
    )
}
BASES: dict[str, Callable[[], gymnasium.Env]] = {"Drive": drive, "Park": Park, "Crane": Crane}


def _unit(env: gymnasium.Env) -> gymnasium.Env:
    return RescaleAction(env, np.float32(-1), np.float32(1))


def _twice(env: gymnasium.Env) -> gymnasium.Env:
    return TransformReward(env, lambda reward: 2.0 * reward)


_SOUND = (Plain, _unit, RecordEpisodeStatistics, _twice)

CASES = (
    *(("Drive", 2, "Owing", 1), ("Drive", 3, "Looking", 0), ("Drive", 4, "Holding", 2), ("Drive", 5, "Exchanged", 3)),
    *(("Drive", 6, "Counting", 1), ("Drive", 2, "Braking", 0), ("Drive", 3, "Crossing", 2), ("Drive", 4, "Cutting", 1)),
    *(("Drive", 5, "Shouting", 4), ("Drive", 6, "Dividing", 3), ("Park", 2, "Owing", 0), ("Park", 4, "Looking", 3)),
    *(("Park", 5, "Holding", 1), ("Park", 6, "Counting", 5), ("Park", 3, "Shouting", 1), ("Crane", 3, "Owing", 2)),
    *(
        ("Crane", 5, "Cutting", 2),
        ("Crane", 2, "VecOwing", 1),
        ("Crane", 3, "VecMixed", 0),
        ("Crane", 4, "VecTimid", 3),
    ),
)
"""Base, depth, fault and place, 0 the innermost."""


def stacked(base: str, depth: int, fault: str, place: int) -> Any:
    """Return ``depth`` wrappers on a base, the one at ``place`` with a fault; of vec envs where it is one of those."""
    if fault.startswith("Vec"):
        envs: VecEnv = DummyVecEnv([lambda: Monitor(BASES[base]())] * 3)
        for layer in range(depth):
            envs = FAULTY[fault](envs) if layer == place else (Passing, VecMonitor)[layer % 2](envs)
        return envs
    env: Any = BASES[base]()
    for layer in range(depth):
        sound = _SOUND[layer % len(_SOUND)]
        # Crane's levers cannot be scaled, and a goal environment's reward is compared with its own.
        sound = Plain if (sound is _unit and base == "Crane") or (sound is _twice and base == "Park") else sound
        env = FAULTY[fault](env) if layer == place else sound(env)
    return env
