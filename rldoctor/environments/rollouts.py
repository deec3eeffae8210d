"""Rollouts of whole episodes with any policy, for evaluation, baselines and checks."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rldoctor.environments.step_threads import StepThreads

Env = gymnasium.Env[Any, Any]
# A batch of observations: one array with a leading axis, or a dictionary of such arrays.
Observations = Any
Act = Callable[[Observations], Sequence[Any] | NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Episode:
    """One finished episode.

    Attributes:
        seed: The seed given to ``reset``.
        episode_return: Undiscounted sum of rewards.
        length: Steps.
        success: ``info["is_success"]`` at the last step; ``None`` where the environment reports none.
        final_distance: Distance from achieved to desired goal at the last step, in the goal's unit (metres for
            Fetch); ``None`` for an environment without goals.
        terminated: True when the environment ended the episode, false when the time limit did.
        goal: The desired goal; empty for an environment without goals that are vectors.
        path: The achieved goal at the start and after each step.
    """

    seed: int
    episode_return: float
    length: int
    success: bool | None
    final_distance: float | None
    terminated: bool
    goal: tuple[float, ...] = ()
    path: tuple[tuple[float, ...], ...] = ()


LANES = 8
"""With 8 the policy's forward pass is cheap compared with the physics; more gain nothing."""
# An environment without a time limit would hang a check forever.
_LONGEST_EPISODE = 10_000


def roll_out(
    make_env: Callable[[], Env],
    act: Act,
    seeds: Sequence[int],
    watcher: Callable[[int], None] | None = None,
    lanes: int = LANES,
    threads: int = 1,
) -> list[Episode]:
    """Play one episode for each of ``seeds``, several side by side, and return them in the order of ``seeds``.

    Args:
        make_env: Makes one environment; called at most ``lanes`` times.
        act: Takes a batch of observations (leading axis = environments), returns as many actions.
        seeds: Episode seeds.
        watcher: Called with the number of finished episodes each time one ends.
        lanes: Environments side by side; one is enough for a policy that is cheaper than making an environment.
        threads: How many lanes step at a time; more than one only for environments that share no state.
    """
    with contextlib.ExitStack() as closing:
        envs = []
        for _ in range(min(lanes, len(seeds))):
            envs.append(make_env())
            closing.callback(envs[-1].close)
        step_threads = closing.enter_context(contextlib.closing(StepThreads(threads)))
        return _play(envs, act, seeds, watcher or (lambda done: None), step_threads)


def _play(
    envs: list[Env], act: Act, seeds: Sequence[int], watcher: Callable[[int], None], threads: StepThreads
) -> list[Episode]:
    # Which lane plays which episode does not depend on the speed of the threads.
    lanes = [_Lane(env, seeds[place :: len(envs)]) for place, env in enumerate(envs)]
    playing = lanes
    while playing:
        actions = act(stack([lane.observation for lane in playing]))

        def step(places: Sequence[int], lanes: list[_Lane] = playing, actions: Any = actions) -> None:
            for place in places:
                lanes[place].step(actions[place])

        before = sum(len(lane.episodes) for lane in lanes)
        threads.share(step, len(playing))
        for done in range(before, sum(len(lane.episodes) for lane in lanes)):
            watcher(done + 1)
        playing = [lane for lane in playing if lane.seeds]
    finished = {episode.seed: episode for lane in lanes for episode in lane.episodes}
    return [finished[seed] for seed in seeds]


class _Lane:
    """One environment that plays one episode after another, those of ``seeds``."""

    def __init__(self, env: Env, seeds: Sequence[int]) -> None:
        self.env = env
        self.seeds = list(seeds)
        """Seeds of the current episode and of those to come."""
        self.episodes: list[Episode] = []
        self._start()

    def _start(self) -> None:
        self.total = 0.0
        self.length = 0
        self.observation, _ = self.env.reset(seed=self.seeds[0])
        self.path = [achieved] if (achieved := _vector(self.observation, "achieved_goal")) else []

    def step(self, action: Any) -> None:
        self.observation, reward, terminated, truncated, info = self.env.step(action)
        self.total += float(reward)
        self.length += 1
        if self.path:
            self.path.append(_vector(self.observation, "achieved_goal"))
        if not (terminated or truncated or self.length >= _LONGEST_EPISODE):
            return
        success = info.get("is_success")
        self.episodes.append(
            Episode(
                seed=self.seeds.pop(0),
                episode_return=self.total,
                length=self.length,
                success=None if success is None else bool(success),
                final_distance=goal_distance(self.observation),
                terminated=bool(terminated),
                goal=_vector(self.observation, "desired_goal"),
                path=tuple(self.path),
            )
        )
        if self.seeds:
            self._start()


def _vector(observation: Any, key: str) -> tuple[float, ...]:
    """Return a goal as numbers; empty if there is none or it is not a vector (FrankaKitchen's is a dictionary)."""
    value = np.asarray(observation[key]) if isinstance(observation, Mapping) and key in observation else np.empty(0)
    return tuple(value.tolist()) if value.ndim == 1 and value.dtype.kind in "biuf" else ()


def stack(observations: Sequence[Any]) -> Observations:
    """Stack single observations into a batch with a leading axis; dictionaries key by key."""
    if isinstance(observations[0], Mapping):
        return {key: np.stack([observation[key] for observation in observations]) for key in observations[0]}
    return np.stack(observations)


def goal_distance(observation: Any) -> float | None:
    """Return the Euclidean distance from achieved to desired goal, ``None`` without goals that are arrays."""
    if not isinstance(observation, Mapping) or not {"achieved_goal", "desired_goal"} <= observation.keys():
        return None
    achieved, desired = np.asarray(observation["achieved_goal"]), np.asarray(observation["desired_goal"])
    # FrankaKitchen's goals are dictionaries: there is no single distance to them.
    if achieved.dtype.kind not in "biuf" or achieved.shape != desired.shape:
        return None
    return float(np.linalg.norm(achieved - desired))


def zero_action(space: gymnasium.Space[Any]) -> Act:
    """Return the zero-action policy: zeros clipped into a Box, the first action of a discrete space."""
    if isinstance(space, gymnasium.spaces.Box):
        action: Any = np.clip(np.zeros(space.shape), space.low, space.high).astype(space.dtype)
    else:
        action = np.zeros(space.shape or (), dtype=space.dtype or np.int64)
        action = action if space.shape else getattr(space, "start", 0)
    return lambda observations: [action] * _batch(observations)


def random_action(space: gymnasium.Space[Any], seed: int = 0) -> Act:
    """Return the random policy: each action is drawn from the space, reproducibly from ``seed``."""
    # A copy: an environment may draw its states from the space itself.
    own = copy.deepcopy(space)
    own.seed(seed)
    return lambda observations: [own.sample() for _ in range(_batch(observations))]


def _batch(observations: Observations) -> int:
    return len(next(iter(observations.values())) if isinstance(observations, Mapping) else observations)
