"""All that a training is between two updates besides its weights, so that a resumed one goes on to the last bit.

That is: chance (PyTorch's and numpy's), the episodes in progress, the window of recent episodes, what is noted for the
next point of the curves, and what :class:`~rldoctor.callback.doctor_callback.DoctorCallback` remembers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.environments.rewind import EpisodeSoFar, RewindableMonitor
from rldoctor.errors import CannotJudge
from rldoctor.model import Json

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class ResumeState:
    """What a checkpoint holds besides the weights: plain ``numbers`` and ``tensors``."""

    numbers: Mapping[str, Json]
    tensors: Tensors

    def count(self, key: str) -> int:
        """Return a number that every checkpoint has.

        Raises:
            CannotJudge: This one has not.
        """
        value = self.numbers.get(key)
        if type(value) is not int or value < 0:
            raise CannotJudge(f"The checkpoint does not say its {key}.", "It was not saved by rldoctor.")
        return value


def capture(model: PPO, envs: VecEnv, doctor: DoctorCallback, steps: int) -> ResumeState:
    """Return the moment in which ``model`` is about to collect a rollout, ``steps`` into its training."""
    monitors = _monitors(envs)
    episodes = [monitor.so_far() for monitor in monitors]
    # legacy=False gives a dictionary.
    chance: Any = np.random.get_state(legacy=False)
    numbers: dict[str, Json] = {
        "steps": steps,
        "updates": model._n_updates,
        # JSON has no word for a return that is not finite; such an episode is left out of the window.
        "recent_episodes": [
            [float(info["r"]), int(info["l"])] for info in model.ep_info_buffer or () if math.isfinite(info["r"])
        ],
        "recent_successes": [bool(success) for success in model.ep_success_buffer or ()],
        # Hexadecimal keeps every bit, NaN and infinities included.
        "noted": {name: float(value).hex() for name, value in _noted(model).items()},
        "episodes": [{"seed": e.seed, "random": e.random, "length": len(e.actions)} for e in episodes],
        "chance": {"pos": chance["state"]["pos"], "has_gauss": chance["has_gauss"], "gauss": chance["gauss"]},
        "doctor": doctor.noted,
    }
    tensors = {
        "chance": torch.get_rng_state(),
        "numpy_chance": torch.from_numpy(chance["state"]["key"].astype(np.int64)),
        "doctor": torch.from_numpy(doctor.rows_before.view(np.int64)),
    }
    tensors |= {f"actions_{i}": torch.from_numpy(np.stack(e.actions)) for i, e in enumerate(episodes) if e.actions}
    return ResumeState(numbers, tensors)


def _noted(model: PPO) -> dict[str, float]:
    values = model.logger.name_to_value
    return {name: value for name, value in values.items() if isinstance(value, (int, float, np.number))}


def _monitors(envs: VecEnv) -> list[RewindableMonitor]:
    """Return the environments that can be brought back: all of them, or none (EnvPool's)."""
    inner = envs.envs if isinstance(envs, DummyVecEnv) else []
    return [env for env in inner if isinstance(env, RewindableMonitor)]


def rewind(moment: ResumeState, envs: VecEnv) -> bool:
    """Make the next reset of ``envs`` bring each back to where it was; tell whether all can be.

    Raises:
        ValueError, LookupError, TypeError: The moment is not one of ours.
    """
    monitors, episodes = _monitors(envs), _rows(moment.numbers, "episodes")
    if not monitors or len(monitors) != len(episodes):
        return False
    for place, (monitor, kept) in enumerate(zip(monitors, episodes, strict=True)):
        actions = moment.tensors[f"actions_{place}"].numpy() if kept["length"] else ()
        if len(actions) != kept["length"]:
            raise ValueError(f"{len(actions)} actions of {kept['length']}")
        monitor.rewind(EpisodeSoFar(kept["seed"], kept["random"], list(actions)))
    return all(kept["seed"] is not None or kept["random"] is not None for kept in episodes)


class RestoreCallback(BaseCallback):
    """Brings the rest of a moment back once ``learn`` has made itself ready, which would overwrite it.

    Args:
        moment: From which the training goes on.
        doctor: Of the training that goes on.
        exactly: Whether the environments were brought back, so that chance may go on where it was as well.

    Raises:
        ValueError, LookupError, TypeError, RuntimeError: The moment is not one of ours.
    """

    def __init__(self, moment: ResumeState, doctor: DoctorCallback, exactly: bool) -> None:
        super().__init__()
        numbers, tensors = moment.numbers, moment.tensors
        self._doctor = doctor
        self._exactly = exactly
        self._episodes = [
            {"r": float(total), "l": int(length), "t": 0.0} for total, length in _rows(numbers, "recent_episodes")
        ]
        self._successes = [bool(success) for success in _rows(numbers, "recent_successes")]
        self._noted = {name: float.fromhex(value) for name, value in _table(numbers, "noted").items()}
        if exactly:
            self._starts = np.array([kept["length"] == 0 for kept in _rows(numbers, "episodes")])
            doctor.goes_on(_table(numbers, "doctor"), tensors["doctor"].numpy().view(np.uint64))
            self._chance = tensors["chance"]
            self._numpy_chance = _numpy_chance(_table(numbers, "chance"), tensors["numpy_chance"])
            # Tried out here, where what does not fit can still be refused.
            torch.Generator().set_state(self._chance)
            np.random.RandomState(0).set_state(self._numpy_chance)

    def _on_training_start(self) -> None:
        model = self.model
        model.ep_info_buffer.extend(self._episodes)  # type: ignore[union-attr]
        model.ep_success_buffer.extend(self._successes)  # type: ignore[union-attr]
        for name, value in self._noted.items():
            model.logger.record(name, value)
        if self._exactly:
            model._last_episode_starts = self._starts
            np.random.set_state(self._numpy_chance)
            torch.set_rng_state(self._chance)

    def _on_step(self) -> bool:
        return True


def _numpy_chance(chance: Mapping[str, Any], key: torch.Tensor) -> dict[str, Any]:
    state = {"key": key.numpy().astype(np.uint32), "pos": chance["pos"]}
    return {"bit_generator": "MT19937", "state": state, "has_gauss": chance["has_gauss"], "gauss": chance["gauss"]}


def _rows(mapping: Mapping[str, Json], key: str) -> Sequence[Any]:
    value = mapping.get(key, [])
    return value if isinstance(value, list) else []


def _table(mapping: Mapping[str, Json], key: str) -> Mapping[str, Any]:
    value = mapping.get(key, {})
    return value if isinstance(value, Mapping) else {}
