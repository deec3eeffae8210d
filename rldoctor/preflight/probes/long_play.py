"""Random episodes played to their end: how they end, and what goes wrong only late in them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rldoctor.preflight.check import one_line
from rldoctor.preflight.measurements import arrays, draw, simulated_time, spaces_of

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.measurements import Batch

# An episode without an end in so many steps is taken to have none; registered limits are 1,000 or less.
LONGEST = 5_000
# Three episodes of one length are a limit, no chance.
_EPISODES = 3
# Single precision, beyond which a value has left its bounds.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class LongPlay:
    """Episodes that were played on until they ended.

    Attributes:
        ends: ``(length, terminated, truncated)`` of those that ended.
        longest: Steps of the longest episode.
        cut: Whether time was up before an end.
        faults: Kind (``not-finite``, ``reward-not-finite``, ``outside``, ``raises``, ``rewound``), step of the episode,
            and details; the first of each kind.
    """

    ends: tuple[tuple[int, bool, bool], ...] = ()
    longest: int = 0
    cut: bool = False
    faults: tuple[tuple[str, int, str], ...] = ()


def play_long(env: Env, horizon: int | None, batch: Batch, seconds: float, processor: float) -> LongPlay:
    """Play random episodes to their end; none where all of ``batch`` have ended already.

    Args:
        env: The environment.
        horizon: Its time limit in steps, if any.
        batch: The random episodes that were played before.
        seconds: After which it stops.
        processor: The same, of this process's own time: a busy machine does not shorten it.
    """
    if len(batch.ends) == len(batch.starts):
        return LongPlay()
    spaces = {key: space for key, space in spaces_of(env.observation_space).items() if hasattr(space, "low")}
    random = np.random.default_rng(1)
    until, own = time.monotonic() + seconds, time.process_time() + processor
    ends: list[tuple[int, bool, bool]] = []
    faults: dict[str, tuple[int, str]] = {}
    longest = 0
    # With a registered limit one episode shows the end; without, three of one length show a limit of its own.
    for number in range(1 if horizon else _EPISODES):
        env.reset(seed=100 + number)
        clock = simulated_time(env)
        step, over = 0, False
        while not over and step < min(horizon or LONGEST, LONGEST):
            if time.monotonic() > until or time.process_time() > own:
                return LongPlay(tuple(ends), max(longest, step), True, _in_order(faults))
            step += 1
            try:
                observation, reward, terminated, truncated, _ = env.step(draw(env.action_space, random))
            except Exception as problem:
                faults.setdefault("raises", (step, one_line(problem)))
                return LongPlay(tuple(ends), max(longest, step), False, _in_order(faults))
            over = bool(terminated or truncated)
            before, clock = clock, simulated_time(env)
            if before is not None and clock is not None and clock < before:
                faults.setdefault("rewound", (step, f"{before:.4g} s to {clock:.4g} s"))
            if not np.isfinite(np.asarray(reward, dtype=float)).all():
                faults.setdefault("reward-not-finite", (step, str(reward)))
            for key, value in arrays(observation).items():
                if value.dtype.kind == "f" and not np.isfinite(value).all():
                    faults.setdefault("not-finite", (step, key))
                elif key in spaces and value.shape == spaces[key].shape and value.dtype.kind in "iuf":
                    low, high = (np.asarray(bound, dtype=float) for bound in (spaces[key].low, spaces[key].high))  # type: ignore[attr-defined]
                    gap = float(np.max(np.maximum(low - value, value - high), initial=-np.inf))
                    if gap > _ROUNDING * max(1.0, float(np.abs(value).max(initial=0.0))):
                        faults.setdefault("outside", (step, f"{key} by {gap:.3g}"))
        longest = max(longest, step)
        if not over:
            break
        ends.append((step, bool(terminated), bool(truncated)))
    return LongPlay(tuple(ends), longest, False, _in_order(faults))


def _in_order(faults: dict[str, tuple[int, str]]) -> tuple[tuple[str, int, str], ...]:
    return tuple((kind, step, details) for kind, (step, details) in faults.items())
