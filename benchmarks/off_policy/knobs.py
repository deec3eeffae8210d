"""Everything in which trainings of one batch may differ: settings, and faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEVER = 1e9


@dataclass(frozen=True)
class Knobs:
    """The settings of one training, and what is wrong with it; as they are here, nothing is.

    Settings have the names that Stable-Baselines3 gives them. ``learning_rate_linear`` lets the rate fall to 0;
    ``update_every`` and ``updates`` are train_freq and gradient_steps; ``noise`` is the standard deviation of TD3's.
    The others are faults; see :data:`benchmarks.off_policy.faults.FAULTS`.
    """

    learning_rate: float = 1e-3
    learning_rate_linear: float = 0.0
    gamma: float = 0.98
    tau: float = 0.02
    target_interval: float = 250
    buffer_size: float = 50_000
    learning_starts: float = 200
    update_every: float = 2
    updates: float = 1
    ent_coef: float = 0.0
    """Fixed temperature; 0 for one that is tuned."""
    noise: float = 0.15
    exploration_initial: float = 1.0
    exploration_final: float = 0.05
    exploration_fraction: float = 0.3
    relabelled: float = 0.8
    """Share of a batch whose goals HER replaces."""

    reward_scale: float = 1.0
    reward_shift: float = 0.0
    reward_random: float = 0.0
    reward_nan_after: float = _NEVER
    observation_scale: float = 1.0
    observation_noise: float = 0.0
    goal_hidden: float = 0.0
    action_scale: float = 1.0
    action_gain: float = 1.0
    """What the declared bounds are too wide by: actions times this are clipped."""
    actions_ignored: float = 0.0
    stops_storing: float = _NEVER
    next_is_now: float = 0.0
    rewards_mixed: float = 0.0
    never_terminal: float = 0.0
    timeouts_terminal: float = 0.0
    relabel_scale: float = 1.0
    relabel_shift: float = 0.0
    optimism: float = 0.0
    critic_moves: float = 1.0
    actor_moves: float = 1.0
    temperature_moves: float = 1.0
    temperature_start: float = 1.0
    entropy_above: float = 0.0
    """Asked for beyond the usual target of minus one a dimension."""
    resumed_at: float = _NEVER
    """Share of the steps after which the replay buffer is empty again."""
    rate_jumps_at: float = _NEVER
    """Share of the steps after which a linear learning rate starts from the top again."""
    evaluation_scale: float = 1.0


class Rows:
    """The knobs of N trainings, each an array ``(n,)``."""

    def __init__(self, knobs: Sequence[Knobs]) -> None:
        self.n = len(knobs)
        self._values: Mapping[str, NDArray[np.float64]] = {
            field.name: np.array([getattr(row, field.name) for row in knobs], np.float64) for field in fields(Knobs)
        }

    def __getattr__(self, name: str) -> Any:
        """Return the values of one knob."""
        return self._values[name]

    def differ(self, name: str) -> bool:
        """Return whether any training has another value than is usual."""
        return bool((self._values[name] != getattr(Knobs(), name)).any())
