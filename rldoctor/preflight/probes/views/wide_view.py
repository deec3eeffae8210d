"""Steps that go further than the random batch: random ones with other seeds, and actions that are held."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import draw, flatten, number_of
from rldoctor.preflight.probes.alternatives import alternatives

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rldoctor.preflight.context import PreflightContext

# Longer than most episodes take to cross a range; of the processor's time, so that a busy machine plays as many.
_STEPS, _SECONDS, _SHARE = 1_200, 0.4, 0.03
_HELD = 3
_LONGEST = 300


@dataclass(frozen=True)
class WideView:
    """Steps of several episodes, ``n`` of them.

    Attributes:
        before: Flattened observations before each step, ``(n, d)``.
        after: And after it, ``(n, d)``.
        actions: One row a step; one column a choice where there are few, ``(n, a)``.
        rewards: ``(n,)``.
        episode: Number of the episode of each step, ``(n,)``.
    """

    before: FloatArray
    after: FloatArray
    actions: FloatArray
    rewards: FloatArray
    episode: NDArray[np.int64]


def look_wide(context: PreflightContext) -> WideView:
    """Return the steps of the random batch and as many others as time allows."""
    env, batch = context.env, context.batch
    first = [flatten(one) for one in batch.raw]
    starts = [flatten(start) for start in batch.starts]
    previous = [
        starts[batch.episode[i]] if i == 0 or batch.episode[i] != batch.episode[i - 1] else first[i - 1]
        for i in range(len(first))
    ]
    rows: list[tuple[FloatArray, FloatArray, Any, float, int]] = list(
        zip(previous, first, batch.actions, batch.rewards, batch.episode.tolist(), strict=True)
    )
    random, held = np.random.default_rng(23), alternatives(env.action_space, _HELD, seed=23)
    until, latest = time.process_time() + _SECONDS, time.monotonic() + _SHARE * context.budget.seconds
    most, number = len(rows) + _STEPS, len(starts)
    while len(rows) < most and time.process_time() < until and time.monotonic() < latest:
        # By turns: what is drawn, each of the held ones, and each half of the time.
        kind = (number - len(starts)) % (1 + len(held))
        seen = flatten(env.reset(seed=200 + number)[0])
        for _ in range(_LONGEST):
            action = held[kind - 1] if kind else draw(env.action_space, random)
            observation, reward, terminated, truncated, _ = env.step(action)
            after = flatten(observation)
            rows.append((seen, after, action, number_of(reward), number))
            seen = after
            if terminated or truncated or time.process_time() > until:
                break
        number += 1
    before, after_rows, actions, rewards, episodes = zip(*rows, strict=True)
    return WideView(
        np.stack(before), np.stack(after_rows), _columns(np.array(actions)), np.array(rewards), np.array(episodes)
    )


def _columns(actions: NDArray[Any]) -> FloatArray:
    """Return one row a step; a choice has no size, so that each has a column of its own."""
    flat = actions.reshape(len(actions), -1).astype(float)
    choices = np.unique(flat)
    few = actions.dtype.kind in "iu" and flat.shape[1] == 1 and len(choices) <= 16
    return np.asarray(flat == choices[None, :], dtype=float) if few else flat
