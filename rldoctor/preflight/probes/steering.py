"""How actions move the achieved goal, and how near a simple controller comes to the desired one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget
    from rldoctor.preflight.measurements import Batch

_LONGEST = 250
_HOMING_EPISODES = 5


@dataclass(frozen=True)
class Movement:
    """A linear fit of the achieved goal's displacement on the action, over the random batch.

    Attributes:
        per_unit: Displacement of the achieved goal in one step per unit of action, ``(actions, goal dimensions)``.
        fit: Fraction of the displacement's variance that the actions explain, in [0, 1].
    """

    per_unit: FloatArray
    fit: float


def fit_movement(batch: Batch) -> Movement:
    """Fit ``displacement = action @ per_unit + constant`` by least squares."""
    actions = batch.actions.reshape(len(batch.actions), -1).astype(float)
    moved = (batch.observations["achieved_goal"] - batch.before["achieved_goal"]).astype(float)
    moved = moved.reshape(len(moved), -1)
    design = np.column_stack([actions, np.ones(len(actions))])
    solution, *_ = np.linalg.lstsq(design, moved, rcond=None)
    spread = float(((moved - moved.mean(axis=0)) ** 2).sum())
    rest = float(((moved - design @ solution) ** 2).sum())
    return Movement(solution[:-1], 1.0 - rest / spread if spread > 1e-12 else 0.0)


@dataclass(frozen=True)
class Homing:
    """What a proportional controller reached.

    Attributes:
        first: Distance to the goal at the start of each episode.
        last: Distance to the goal at the end of each episode.
        distances: Distance after every step of all episodes tried.
        successes: ``is_success`` after every step; ``None`` where the environment reports none.
    """

    first: FloatArray
    last: FloatArray
    distances: FloatArray
    successes: tuple[bool | None, ...]


def home_in(env: Env, movement: Movement, horizon: int | None, budget: Budget) -> Homing:
    """Steer towards the goal with ``action = gain x error / displacement per unit``; try a lower gain if that fails."""
    longest = min(horizon or _LONGEST, _LONGEST)
    # Cut short, an episode ends before the goal can be reached.
    longest = budget.steps(longest, least=longest, plays=_HOMING_EPISODES)
    tried = [_home_in(env, movement, longest, 1.0)]
    if np.median(tried[0].last) > 0.5 * np.median(tried[0].first):
        tried.append(_home_in(env, movement, longest, 0.3))
    return min(tried, key=lambda homing: float(np.median(homing.last)))


def _home_in(env: Env, movement: Movement, longest: int, gain: float) -> Homing:
    from rldoctor.environments.rollouts import goal_distance

    space: Any = env.action_space
    # Dimensions that move nothing must not be driven by the noise of the fit.
    steer = np.linalg.pinv(movement.per_unit, rcond=0.1)
    firsts, lasts, seen, successes = [], [], [], []
    for seed in range(_HOMING_EPISODES):
        observation, _ = env.reset(seed=seed)
        firsts.append(goal_distance(observation) or 0.0)
        for _ in range(longest):
            wanted = gain * np.ravel(observation["desired_goal"] - observation["achieved_goal"]) @ steer
            action = np.clip(wanted.reshape(space.shape), space.low, space.high).astype(space.dtype)
            observation, _, terminated, truncated, info = env.step(action)
            seen.append(goal_distance(observation) or 0.0)
            flag = info.get("is_success")
            successes.append(None if flag is None else bool(flag))
            if terminated or truncated:
                break
        lasts.append(seen[-1])
    return Homing(np.array(firsts), np.array(lasts), np.array(seen), tuple(successes))
