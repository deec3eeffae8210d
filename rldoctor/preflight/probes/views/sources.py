"""What the numbers of an observation show: attributes of the environment as they are, or as they were steps ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import flatten, number_of
from rldoctor.preflight.probes.inspection import state_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rldoctor.environments.rollouts import Env

# Of a simulator with more joints, no single one says much.
_JOINTS = 40
# A number that an attribute is multiplied with and added to, in single precision.
_EXACT = 1e-9
_SINGLE = 1e-6
# Changes of a number below which another one follows it by chance.
_FEWEST_CHANGES = 5


@dataclass(frozen=True)
class Watched:
    """One play: what is seen, and the environment's own numbers beside it.

    Attributes:
        seen: Flattened observations, ``(steps + 1, d)``.
        inner: Numbers of the attributes at the same time, ``(steps + 1, m)``.
        names: Of the attribute of each of these numbers, ``(m,)``.
        rewards: ``(steps + 1,)``, 0 at the start.
    """

    seen: FloatArray
    inner: FloatArray
    names: tuple[str, ...]
    rewards: FloatArray


def _state(env: Env) -> dict[str, FloatArray]:
    data = getattr(env.unwrapped, "data", None)
    joints = {f"data.{part}": getattr(data, part, None) for part in ("qpos", "qvel")}
    found = {name: np.array(x, float) for name, x in joints.items() if isinstance(x, np.ndarray) and x.size <= _JOINTS}
    return {**state_of(env), **found}


def watch(env: Env, seed: int, actions: Sequence[Any]) -> Watched:
    """Reset to ``seed`` and take ``actions``, until they or the episode end."""
    observation, _ = env.reset(seed=seed)
    rows, states, rewards = [flatten(observation)], [_state(env)], [0.0]
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        rows.append(flatten(observation))
        states.append(_state(env))
        rewards.append(number_of(reward))
        if terminated or truncated:
            break
    sizes = {name: value.size for name, value in states[0].items()}
    lasting = [name for name, size in sizes.items() if all(name in one and one[name].size == size for one in states)]
    inner = [np.concatenate([one[name].ravel() for name in lasting] or [np.zeros(0)]) for one in states]
    names = tuple(name for name in lasting for _ in range(sizes[name]))
    return Watched(np.stack(rows), np.stack(inner), names, np.array(rewards))


def follows(plays: Sequence[Watched], late: int) -> NDArray[np.bool_]:
    """Return which number of an observation is one of an attribute ``late`` steps before, ``(d, m)``.

    Up to a factor and a constant. Numbers that hardly ever change follow none.
    """
    return _alike([play.seen for play in plays], [play.inner for play in plays], late)


def copies(plays: Sequence[Watched]) -> NDArray[np.bool_]:
    """Return which numbers of attributes, ``(m,)``, are what another one was a step before: kept to be shown later."""
    inner = [play.inner for play in plays]
    return np.asarray((_alike(inner, inner, 1) & ~_alike(inner, inner, 0)).any(axis=1))


def of_actions(plays: Sequence[Watched], actions: Sequence[FloatArray]) -> NDArray[np.bool_]:
    """Return which numbers of attributes, ``(m,)``, are one of the action that was just taken.

    Args:
        plays: What was watched.
        actions: Of each play, ``(steps, a)``.
    """
    shared = [min(len(play.inner) - 1, len(taken)) for play, taken in zip(plays, actions, strict=True)]
    inner = [play.inner[1 : count + 1] for play, count in zip(plays, shared, strict=True)]
    return np.asarray(
        _alike(inner, [taken[:count] for taken, count in zip(actions, shared, strict=True)], 0).any(axis=1)
    )


def _alike(first: Sequence[FloatArray], second: Sequence[FloatArray], late: int) -> NDArray[np.bool_]:
    """Return which columns of ``first`` are those of ``second`` so many rows before, up to a factor and a constant."""
    # The first row, of a reset, may be older than it looks.
    rows = np.concatenate([one[max(late, 1) :] for one in first])
    others = np.concatenate([one[max(late, 1) - late : max(0, len(one) - late)] for one in second])
    if len(rows) <= _FEWEST_CHANGES:
        return np.zeros((rows.shape[1], others.shape[1]), dtype=bool)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        scaled = [(one - one.mean(axis=0)) / (one.std(axis=0) * np.sqrt(len(one))) for one in (rows, others)]
        alike = np.abs(np.nan_to_num(scaled[0]).T @ np.nan_to_num(scaled[1]))
    moving = [(np.diff(one, axis=0) != 0).sum(axis=0) >= _FEWEST_CHANGES for one in (rows, others)]
    return np.asarray((alike > 1 - _EXACT) & moving[0][:, None] & moving[1])


def somewhere(plays: Sequence[Watched]) -> NDArray[np.bool_]:
    """Return whether each number of an attribute, ``(m,)``, is found in every observation, at whichever place."""
    found = []
    for play in plays:
        for seen, inner in zip(play.seen, play.inner, strict=True):
            gap = np.abs(seen[:, None] - inner)
            found.append((gap <= _SINGLE * np.maximum(1.0, np.abs(inner))).any(axis=0))
    inner = np.concatenate([play.inner for play in plays])
    moving = (np.diff(inner, axis=0) != 0).sum(axis=0) >= _FEWEST_CHANGES
    return np.asarray(np.all(found, axis=0) & moving)


def differs_at_once(env: Env, seed: int, before: Sequence[Any], actions: Sequence[Any], after: int = 0) -> list[str]:
    """Return the attributes that another action changes with its own step, and for good.

    Args:
        env: The environment.
        seed: Of the start.
        before: Actions that lead away from it.
        actions: Those of which each is taken once.
        after: Steps with the first of ``actions`` for which the difference has to last: what an action moves stays
            moved, one that waits in a queue is forgotten.
    """
    plays = [watch(env, seed, [*before, action, *[actions[0]] * after]) for action in actions]
    names = plays[0].names
    longest = len(before) + 2 + after
    plays = [play for play in plays if play.names == names and len(play.inner) == longest]
    if len(plays) < 2:
        return []
    rows = np.stack([play.inner[len(before) + 1 :] for play in plays])
    differ = (np.ptp(rows, axis=0) > 0).all(axis=0)
    return list(dict.fromkeys(name for name, one in zip(names, differ, strict=True) if one))
