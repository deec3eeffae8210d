"""What preflight measures on an environment. Nothing is judged here: the checks say what a number means."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray

if TYPE_CHECKING:
    import gymnasium
    from numpy.typing import NDArray

    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget

# Four episodes are four goals and, with FetchReach's 50 steps each, 0.1 s at 1,800 steps/s.
EPISODES = 4
_LONGEST = 250
_NUMBERS = 3_000_000
_FEWEST = 25
# Fraction of the budget for the random episodes: most checks look at nothing else.
_BATCH_SHARE = 0.25
_MONITOR = "stable_baselines3.common.monitor"


def arrays(observation: Any) -> dict[str, NDArray[Any]]:
    """Return an observation as named arrays; one that is not a dictionary is called ``observation``."""
    if isinstance(observation, Mapping):
        return {str(key): np.asarray(value) for key, value in observation.items()}
    return {"observation": np.asarray(observation)}


def spaces_of(space: gymnasium.Space[Any]) -> dict[str, gymnasium.Space[Any]]:
    """Return an observation space as named spaces, with the names of :func:`arrays`."""
    from gymnasium.spaces import Dict

    return dict(space.spaces) if isinstance(space, Dict) else {"observation": space}


def draw(space: gymnasium.Space[Any], random: np.random.Generator) -> Any:
    """Draw an action from ``space``, reproducibly: uniform in a bounded Box, else as the space samples.

    The space's own generator is left alone: an environment may draw its states from it.
    """
    from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

    if isinstance(space, Box) and space.is_bounded():
        # Reversed bounds are a finding of their own (ENV301) and must not stop every other check.
        low, high = np.minimum(space.low, space.high), np.maximum(space.low, space.high)
        if space.dtype is not None and space.dtype.kind in "iu":
            return np.asarray(random.integers(low.astype(np.int64), high.astype(np.int64) + 1)).astype(space.dtype)
        return np.asarray(random.uniform(low, high)).astype(space.dtype)
    if isinstance(space, (Discrete, MultiDiscrete, MultiBinary)):
        sizes = 2 if isinstance(space, MultiBinary) else space.n if isinstance(space, Discrete) else space.nvec
        drawn = random.integers(sizes, size=space.shape) + getattr(space, "start", 0)
        return np.asarray(drawn).astype(space.dtype) if space.shape else np.int64(drawn)
    own = deepcopy(space)
    own.seed(int(random.integers(2**31)))
    return own.sample()


def number_of(reward: Any) -> float:
    """Return a reward as a number; that it is an array of one number is a finding of its own (ENV102)."""
    return float(reward) if np.ndim(reward) == 0 else float(np.ravel(reward)[0])


def plain_reward(compute_reward: Callable[..., Any], goal: tuple[int, ...] | None) -> Callable[..., Any]:
    """Return ``compute_reward`` with a number for one goal, where it gives an array of one, as SB3's examples do."""
    from rldoctor.preflight.blame import told_apart

    def computed(achieved: Any, desired: Any, info: Any) -> Any:
        with told_apart("compute_reward"):
            rewards = compute_reward(achieved, desired, info)
        return np.ravel(rewards)[0] if np.shape(achieved) == goal and np.size(rewards) == 1 else rewards

    return computed


def simulated_time(env: Env) -> float | None:
    """Return the clock of the simulator in seconds: ``data.time`` of MuJoCo; ``None`` where there is none to see."""
    inner: Any = env.unwrapped
    for holder in (inner, getattr(inner, "physics", None), getattr(getattr(inner, "_env", None), "physics", None)):
        value = getattr(getattr(holder, "data", None), "time", None)
        if isinstance(value, (int, float, np.number)):
            return float(value)
    return None


@dataclass(frozen=True)
class Batch:
    """Transitions of the random policy; ``n`` steps over ``len(starts)`` episodes.

    Attributes:
        starts: The first observation of each episode.
        goals: The goal that the environment pursues (``env.unwrapped.goal``) in each episode, where it has one.
        actions: ``(n, ...)``.
        before: Named observations before each step, ``(n, ...)`` each.
        observations: Named observations after each step, ``(n, ...)`` each.
        rewards: ``(n,)``.
        infos: One per step.
        raw: The observations after each step as the environment returned them.
        episode: Number of the episode of each step, ``(n,)``.
        ends: ``(length, terminated, truncated)`` of each episode that ended within the batch.
        seconds: Duration of each step, ``(n,)``.
        clock: The simulator's clock before and after each step in seconds, ``(n, 2)``; NaN where there is none.
    """

    starts: tuple[dict[str, NDArray[Any]], ...]
    goals: tuple[NDArray[Any] | None, ...]
    actions: NDArray[Any]
    before: dict[str, NDArray[Any]]
    observations: dict[str, NDArray[Any]]
    rewards: FloatArray
    infos: tuple[Mapping[str, Any], ...]
    raw: tuple[Any, ...]
    episode: NDArray[np.int64]
    ends: tuple[tuple[int, bool, bool], ...]
    seconds: FloatArray
    clock: FloatArray

    @property
    def distances(self) -> FloatArray:
        """Distance from achieved to desired goal after each step, ``(n,)``."""
        achieved, desired = (self.observations[key].astype(float) for key in ("achieved_goal", "desired_goal"))
        return np.asarray(np.linalg.norm(achieved - desired, axis=-1))


def flatten(observation: Any) -> FloatArray:
    """Return an observation as one vector of numbers, without what is not numeric."""
    parts = [part.ravel().astype(float) for part in arrays(observation).values() if part.dtype.kind in "biuf"]
    return np.concatenate(parts) if parts else np.zeros(0)


def _size(space: gymnasium.Space[Any]) -> int:
    return int(np.prod(space.shape)) if space.shape else 1


def play_random(env: Env, horizon: int | None, budget: Budget) -> Batch:
    """Play ``EPISODES`` episodes with seeds 0, 1, ... of at most ``_LONGEST`` steps each, fewer where they are slow."""
    from rldoctor.environments.rollouts import stack

    random = np.random.default_rng(0)
    # Pictures of 96 x 96 in colour take 200 MB as floats after a thousand steps, and seconds to look at.
    affordable = _NUMBERS // (EPISODES * max(1, sum(map(_size, spaces_of(env.observation_space).values()))))
    limit = min(horizon or _LONGEST, _LONGEST, max(_FEWEST, affordable))
    starts, goals, ends, rows, seconds, clock = [], [], [], [], [], []
    began = time.monotonic()
    for number in range(EPISODES):
        until = began + _BATCH_SHARE * budget.seconds * (number + 1) / EPISODES
        observation = deepcopy(env.reset(seed=number)[0])
        starts.append(arrays(observation))
        goal = getattr(env.unwrapped, "goal", None)
        goals.append(None if goal is None else np.array(goal, copy=True))
        for step in range(1, limit + 1):
            action = draw(env.action_space, random)
            at = simulated_time(env)
            started = time.perf_counter()
            after, reward, terminated, truncated, info = env.step(action)
            seconds.append(time.perf_counter() - started)
            clock.append((at, simulated_time(env)))
            after = deepcopy(after)  # some environments hand out the same array again and again
            rows.append((action, observation, after, number_of(reward), dict(info), number))
            observation = after
            if terminated or truncated:
                ends.append((step, bool(terminated), bool(truncated)))
                break
            if step > 1 and time.monotonic() > until:
                break
    action_rows, before, after_rows, rewards, infos, episodes = zip(*rows, strict=True)
    return Batch(
        starts=tuple(starts),
        goals=tuple(goals),
        actions=np.array(action_rows),
        before=stack([arrays(observation) for observation in before]),
        observations=stack([arrays(observation) for observation in after_rows]),
        rewards=np.array(rewards),
        infos=infos,
        raw=after_rows,
        episode=np.array(episodes, dtype=np.int64),
        ends=tuple(ends),
        seconds=np.array(seconds),
        clock=np.array(clock, dtype=float),
    )


def play_actions(
    env: Env, seed: int, actions: Iterable[Any], told: list[Mapping[str, Any]] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Reset to ``seed`` and take ``actions``, until they or the episode end; each ``info`` is added to ``told``.

    Returns:
        The flattened observations, shape ``(steps + 1, d)``, and the rewards, ``(steps + 1,)``, 0 at the start.
    """
    observation, _ = env.reset(seed=seed)
    rows, rewards = [flatten(observation)], [0.0]
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        rows.append(flatten(observation))
        rewards.append(number_of(reward))
        if told is not None:
            told.append(dict(info))
        if terminated or truncated:
            break
    return np.stack(rows), np.array(rewards)


def trajectory(env: Env, seed: int, steps: int, told: list[Mapping[str, Any]] | None = None) -> FloatArray:
    """Return observations and rewards of ``steps`` steps; the actions are the same at every call.

    Shape ``(steps + 1, d + 1)``, or fewer rows where the episode ends before. Each ``info`` is added to ``told``.
    """
    random = np.random.default_rng(12345)
    return np.column_stack(play_actions(env, seed, (draw(env.action_space, random) for _ in range(steps)), told))


def monitored(env: Any) -> Any:
    """Put Stable-Baselines3's Monitor around ``env``, without PyTorch where that is not imported yet."""
    return _monitor()(env)


def _monitor() -> Any:
    if "torch" not in sys.modules and (found := _by_itself()):
        return found
    from stable_baselines3.common.monitor import Monitor

    return Monitor


@cache
def _by_itself() -> Any:
    """Return the class from its file: its package imports PyTorch, which takes seconds, and Monitor needs none of it.

    ``None`` where it does not load by itself, as with another version of the package.
    """
    package = importlib.util.find_spec(_MONITOR.partition(".")[0])
    if package is None or not package.origin:
        return None
    spec = importlib.util.spec_from_file_location(_MONITOR, Path(package.origin).with_name("common") / "monitor.py")
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception:
        return None
    return getattr(module, "Monitor", None)
