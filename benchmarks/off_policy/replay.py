"""N replay buffers, and the batches that are drawn from them, with what can be wrong with either."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.off_policy.knobs import Rows
from benchmarks.off_policy.tasks import Flags, Floats, Ints, Task

Stored = NDArray[np.float32]


class Batch(NamedTuple):
    """Samples of some trainings: ``(rows, batch, ...)``."""

    seen: Tensor
    actions: Tensor
    after: Tensor
    terminal: Tensor
    rewards: Tensor


class Replay:
    """The transitions of N trainings of ``steps`` steps.

    Attributes:
        held: How many transitions each holds.
        at: Where each stores the next one.
    """

    def __init__(self, task: Task, knobs: Rows, steps: int, seed: int) -> None:
        n, width = task.n, 1 if task.discrete else task.actions
        self._task, self._knobs = task, knobs
        self.random = np.random.default_rng(seed)
        self.capacity = np.minimum(knobs.buffer_size, steps).astype(np.int64)
        self.seen, self.after = (np.zeros((n, steps, task.size), np.float32) for _ in range(2))
        self.actions = np.zeros((n, steps, width), np.float32)
        self.rewards, self.ended, self.timeouts = (np.zeros((n, steps), np.float32) for _ in range(3))
        self.at, self.held = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._rows = np.arange(n)
        self._mixed, self._stops = knobs.rewards_mixed, knobs.stops_storing

    def add(
        self, seen: Floats, actions: Floats, rewards: Floats, after: Floats, over: Flags, cut: Flags, step: int
    ) -> None:
        """Store one step of every training; ``step`` counts from 1."""
        knobs, random = self._knobs, self.random
        kept = self._rows[step <= self._stops]
        if not len(kept):
            return
        place = self.at[kept]
        stored = rewards.copy()
        mixed = (random.random(len(rewards)) < self._mixed) & (self.held > 0)
        if mixed.any():
            other = (random.random(len(rewards)) * np.maximum(self.held, 1)).astype(np.int64)
            # What the other transition stores has been mixed itself: rewards of any step.
            stored[mixed] = self.rewards[self._rows[mixed], other[mixed]]
            first = mixed & (random.random(len(rewards)) < 0.2)
            stored[first] = rewards[first]
        still = knobs.next_is_now[:, None] > 0
        self.seen[kept, place] = seen[kept]
        self.after[kept, place] = np.where(still, seen, after)[kept]
        self.actions[kept, place] = actions[kept]
        self.rewards[kept, place] = stored[kept]
        ended = over | cut
        self.ended[kept, place] = ended[kept]
        by_time = (cut & (knobs.timeouts_terminal == 0)) | (over & (knobs.never_terminal > 0))
        self.timeouts[kept, place] = by_time[kept]
        self.at[kept] = (place + 1) % self.capacity[kept]
        self.held[kept] = np.minimum(self.held[kept] + 1, self.capacity[kept])

    def forget(self, which: Flags) -> None:
        """Empty the buffers of some trainings."""
        self.at[which] = self.held[which] = 0

    def sample(self, rows: Ints, size: int, random: np.random.Generator | None = None) -> Batch:
        """Draw a batch for each of some trainings, with other goals where HER puts them in."""
        random = random or self.random
        row = rows[:, None]
        place = (random.random((len(rows), size)) * self.held[row]).astype(np.int64)
        seen, after = self.seen[row, place], self.after[row, place]
        rewards = self.rewards[row, place]
        if self._task.goal and self._knobs.relabelled[rows].any():
            seen, after, rewards = self._relabel(row, place, seen, after, rewards, random)
        terminal = self.ended[row, place] * (1.0 - self.timeouts[row, place])
        parts = (seen, self.actions[row, place], after, terminal, rewards)
        return Batch(*(torch.from_numpy(np.ascontiguousarray(part, np.float32)) for part in parts))

    def _relabel(
        self, row: Ints, place: Ints, seen: Stored, after: Stored, rewards: Stored, random: np.random.Generator
    ) -> tuple[Stored, Stored, Stored]:
        """Put a goal that was reached later in the episode into the first of each batch, as HerReplayBuffer does."""
        task, knobs = self._task, self._knobs
        size, goal = place.shape[1], task.goal
        # Every episode has as many steps: it begins at a multiple of them.
        begun = place // task.limit * task.limit
        last = np.minimum(begun + task.limit, self.held[row]) - 1
        later = place + (random.random(place.shape) * (last - place + 1)).astype(np.int64)
        chosen = np.arange(size)[None, :] < knobs.relabelled[row] * size
        goals = self.after[row, np.clip(later, 0, None)][..., :goal]
        seen, after = seen.copy(), after.copy()
        for part in (seen, after):
            part[..., goal : 2 * goal] = np.where(chosen[..., None], goals, part[..., goal : 2 * goal])
        scale = np.maximum(np.abs(knobs.observation_scale[row, None]), 1e-12)
        computed = task.reward_of(after[..., :goal] / scale, after[..., goal : 2 * goal] / scale)
        computed = computed * knobs.relabel_scale[row] + knobs.relabel_shift[row]
        computed = computed * knobs.reward_scale[row] + knobs.reward_shift[row]
        return seen, after, np.where(chosen, computed, rewards).astype(np.float32)
