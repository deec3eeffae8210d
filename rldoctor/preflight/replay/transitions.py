"""What a replay buffer gives back, compared with what the stand-ins wrote down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from rldoctor.preflight.replay.stand_in import Machinery, Transition, parts_of

# Batches that are drawn and their size: a fault of one transition in fifty is missed once in a million times.
_BATCHES, _SIZE = 4, 256
_TOLERANCE = 1e-4


@dataclass
class Returned:
    """What was drawn from a buffer.

    Attributes:
        count: Transitions drawn.
        stored: Of them, those with their own goal.
        wrong: How many are wrong in which way.
        n_steps: Of n-step returns.
        share: Of the transitions that hindsight replay was asked to relabel; ``None`` where it is off.
    """

    count: int = 0
    stored: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    n_steps: int = 1
    share: float | None = None

    @property
    def relabelled(self) -> int:
        """Those with another goal than their own."""
        return self.count - self.stored - self.wrong["unknown"]


@dataclass(frozen=True)
class _Place:
    """Where a transition was written down: which environment, and its number there."""

    log: Sequence[Transition]
    step: int


def draw(machinery: Machinery) -> Returned:
    """Draw batches and compare each transition with what happened."""
    places = {
        _key(transition.observation): _Place(log, step) for log in machinery.logs for step, transition in enumerate(log)
    }
    goals = getattr(machinery.buffer, "n_sampled_goal", None)
    share = None if goals is None else 1.0 - 1.0 / (goals + 1.0)
    found = Returned(n_steps=int(getattr(machinery.buffer, "n_steps", 1)), share=share)
    future = str(getattr(machinery.buffer, "goal_selection_strategy", "")).lower().endswith("future")
    for _ in range(_BATCHES):
        for row in _rows(machinery.buffer.sample(_SIZE)):
            found.count += 1
            place = places.get(_key(row["observation"]))
            if place is None:
                found.wrong["unknown"] += 1
            elif _is_relabelled(row, place):
                _judge_goal(row, place, future, found)
                _judge_rest(machinery, row, place, found, with_reward=False)
            else:
                found.stored += 1
                _judge_rest(machinery, row, place, found, with_reward=True)
    return found


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    observations, following = _arrays(batch.observations), _arrays(batch.next_observations)
    discounts = getattr(batch, "discounts", None)
    for i in range(len(batch.rewards)):
        yield {
            "observation": {key: part[i] for key, part in observations.items()},
            "following": {key: part[i] for key, part in following.items()},
            "action": batch.actions[i].numpy(),
            "reward": float(batch.rewards[i]),
            "done": float(batch.dones[i]),
            "discount": None if discounts is None else float(discounts[i]),
        }


def _arrays(observations: Any) -> dict[str, NDArray[Any]]:
    parts: Mapping[str, Any] = parts_of(observations)
    return {key: part.numpy() for key, part in parts.items()}


def _key(observation: Mapping[str, NDArray[Any]]) -> bytes:
    parts = [observation[key] for key in sorted(observation) if key != "desired_goal"]
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.float32).tobytes()


def _same(one: Any, other: Any) -> bool:
    return bool(np.allclose(one, other, atol=_TOLERANCE, rtol=_TOLERANCE))


def _is_relabelled(row: Mapping[str, Any], place: _Place) -> bool:
    own = place.log[place.step].observation.get("desired_goal")
    return own is not None and not _same(row["observation"]["desired_goal"], own)


def _judge_goal(row: Mapping[str, Any], place: _Place, future: bool, found: Returned) -> None:
    goal, transition = row["observation"]["desired_goal"], place.log[place.step]
    if not _same(row["following"]["desired_goal"], goal):
        found.wrong["goal-half-replaced"] += 1
    reached = [
        step
        for step, other in enumerate(place.log)
        if other.episode == transition.episode and _same(other.following["achieved_goal"], goal)
    ]
    if not reached:
        found.wrong["goal-foreign"] += 1
    elif future and max(reached) < place.step:
        found.wrong["goal-past"] += 1
    expected = -float(np.linalg.norm(transition.following["achieved_goal"] - goal))
    if not _same(row["reward"], expected):
        found.wrong["goal-reward"] += 1


def _judge_rest(
    machinery: Machinery, row: Mapping[str, Any], place: _Place, found: Returned, with_reward: bool
) -> None:
    transition = place.log[place.step]
    last, reward, discount = _ahead(place, found.n_steps, float(machinery.model.gamma))
    for name in _wrong_actions(machinery.model, row["action"], transition.action):
        found.wrong[name] += 1
    if _key(row["following"]) != _key(last.following):
        after = place.step + 1 < len(place.log) and _key(row["following"]) == _key(
            place.log[place.step + 1].observation
        )
        found.wrong["next-of-new-episode" if after and (last.terminated or last.truncated) else "next"] += 1
    if with_reward and not _same(row["reward"], reward):
        found.wrong["reward"] += 1
    if last.truncated and row["done"]:
        found.wrong["truncation-is-end"] += 1
    elif row["done"] != float(last.terminated):
        found.wrong["end"] += 1
    if row["discount"] is not None and not _same(row["discount"], discount):
        found.wrong["discount"] += 1


def _ahead(place: _Place, n_steps: int, gamma: float) -> tuple[Transition, float, float]:
    """Return the last transition of an n-step return, the return, and the discount of what follows."""
    reward, discount, last = 0.0, 1.0, place.log[place.step]
    for last in place.log[place.step : place.step + n_steps]:
        reward, discount = reward + discount * last.reward, discount * gamma
        if last.terminated or last.truncated:
            break
    return last, reward, discount


def _wrong_actions(model: Any, stored: NDArray[Any], taken: NDArray[Any]) -> Iterator[str]:
    """Yield what is wrong with a stored action: SB3 stores continuous ones scaled to [-1, 1], once."""
    if not isinstance(model.action_space, spaces.Box):
        if not np.array_equal(np.ravel(stored), np.ravel(taken)):
            yield "action"
        return
    low, high = model.action_space.low, model.action_space.high
    scaled = 2.0 * (taken - low) / (high - low) - 1.0
    if _same(stored, scaled):
        return
    twice = 2.0 * (scaled - low) / (high - low) - 1.0
    yield "action-unscaled" if _same(stored, taken) else "action-twice" if _same(stored, twice) else "action"
