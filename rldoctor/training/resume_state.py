"""All that a training is between two updates besides its weights, so that it resumes exactly, to the last bit.

That is: the RNG states of PyTorch, numpy and the action space, the episodes in progress, the window of recent episodes,
scalars that are pending for the next point of the curves, and the state of
:class:`~rldoctor.callback.doctor_callback.DoctorCallback`. A replay buffer has a file of its own
(:mod:`rldoctor.training.replay_file`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.environments.rewind import EpisodeSoFar, RewindableMonitor
from rldoctor.errors import CannotJudge
from rldoctor.model import Json
from rldoctor.run_record import json_table

# Keys of a checkpoint. They stay as they are, so that a run of an earlier version can be resumed.
_PENDING, _RNG, _NUMPY_RNG = "noted", "chance", "numpy_chance"
_COUNTERS, _ACTIONS_RNG = "counters", "action_rng"
# What off-policy algorithms of SB3 count besides steps and updates; DQN's exploration rate is that of the next step.
_COUNTED = ("_episode_num", "_n_calls", "exploration_rate")


@dataclass(frozen=True)
class ResumeState:
    """What a checkpoint holds besides the weights: plain ``numbers`` and ``tensors``."""

    numbers: Mapping[str, Json]
    tensors: Mapping[str, torch.Tensor]

    def count(self, key: str) -> int:
        """Return a number that every checkpoint has.

        Raises:
            CannotJudge: It is missing.
        """
        value = self.numbers.get(key)
        if type(value) is not int or value < 0:
            raise CannotJudge(f"The checkpoint does not say its {key}.", "It was not saved by rldoctor.")
        return value


def capture(model: BaseAlgorithm, envs: VecEnv, doctor: DoctorCallback, steps: int) -> ResumeState:
    """Return the state of a training that is about to collect a rollout, ``steps`` into the training."""
    episodes = [monitor.so_far() for monitor in _monitors(envs)]
    # legacy=False gives a dictionary.
    rng: Any = np.random.get_state(legacy=False)
    # What is kept out of event files, such as the number of updates, would get into them when training goes on.
    kept_out = {name for name, of in model.logger.name_to_excluded.items() if of and "tensorboard" in of}
    pending = {name: value for name, value in model.logger.name_to_value.items() if name not in kept_out}
    numbers: dict[str, Json] = {
        "steps": steps,
        "updates": model._n_updates,
        _COUNTERS: {name: getattr(model, name) for name in _COUNTED if hasattr(model, name)},
        _ACTIONS_RNG: _json_state(model.action_space.np_random),
        # JSON cannot hold a return that is not finite; such an episode is left out of the window.
        "recent_episodes": [
            [float(info["r"]), int(info["l"])] for info in model.ep_info_buffer or () if math.isfinite(info["r"])
        ],
        "recent_successes": [bool(success) for success in model.ep_success_buffer or ()],
        # Hexadecimal keeps every bit, NaN and infinities included.
        _PENDING: {
            name: float(value).hex() for name, value in pending.items() if isinstance(value, (int, float, np.number))
        },
        "episodes": [{"seed": e.seed, "random": e.random, "length": len(e.actions)} for e in episodes],
        _RNG: {"pos": rng["state"]["pos"], "has_gauss": rng["has_gauss"], "gauss": rng["gauss"]},
        "doctor": doctor.pending,
    }
    tensors = {
        _RNG: torch.get_rng_state(),
        _NUMPY_RNG: torch.from_numpy(rng["state"]["key"].astype(np.int64)),
        "doctor": torch.from_numpy(doctor.previous_rows.view(np.int64)),
    }
    tensors |= {f"actions_{i}": torch.from_numpy(np.stack(e.actions)) for i, e in enumerate(episodes) if e.actions}
    return ResumeState(numbers, tensors)


def _pcg64() -> Any:
    return np.random.PCG64()


def _json_state(generator: np.random.Generator) -> Json:
    """Return a generator's state; ``None`` for one that JSON cannot hold, which NumPy's default is not."""
    state: Any = generator.bit_generator.state
    return state if state["bit_generator"] == "PCG64" else None


def _monitors(envs: VecEnv) -> list[RewindableMonitor]:
    """Return the environments that can be restored: all of them, or none (EnvPool's)."""
    inner = envs.envs if isinstance(envs, DummyVecEnv) else []
    return [env for env in inner if isinstance(env, RewindableMonitor)]


def restore_environments(state: ResumeState, envs: VecEnv) -> bool:
    """Make the next reset of ``envs`` restore their episodes in progress; return whether all can be restored.

    Raises:
        ValueError, LookupError, TypeError: The state is not valid.
    """
    monitors, episodes = _monitors(envs), _rows(state.numbers, "episodes")
    if not monitors or len(monitors) != len(episodes):
        return False
    for place, (monitor, episode) in enumerate(zip(monitors, episodes, strict=True)):
        actions = state.tensors[f"actions_{place}"].numpy() if episode["length"] else ()
        if len(actions) != episode["length"]:
            raise ValueError(f"{len(actions)} actions of {episode['length']}")
        monitor.rewind(EpisodeSoFar(episode["seed"], episode["random"], list(actions)))
    return all(episode["seed"] is not None or episode["random"] is not None for episode in episodes)


class RestoreCallback(BaseCallback):
    """Restores the rest of a state once ``learn`` has set itself up, which would overwrite it.

    Args:
        state: To resume from.
        doctor: Of the training that resumes.
        exactly: Whether the environments were restored, so that the RNG states can be as well.

    Raises:
        ValueError, LookupError, TypeError, RuntimeError: The state is not valid.
    """

    def __init__(self, state: ResumeState, doctor: DoctorCallback, exactly: bool) -> None:
        super().__init__()
        numbers, tensors = state.numbers, state.tensors
        self._exactly = exactly
        self._episodes = [
            {"r": float(total), "l": int(length), "t": 0.0} for total, length in _rows(numbers, "recent_episodes")
        ]
        self._successes = [bool(success) for success in _rows(numbers, "recent_successes")]
        counters: Mapping[str, Any] = json_table(numbers, _COUNTERS)
        self._counters = {name: type(counters[name])(counters[name]) for name in _COUNTED if name in counters}
        self._actions_rng: Any = numbers.get(_ACTIONS_RNG)
        pending: Mapping[str, Any] = json_table(numbers, _PENDING)
        self._pending = {name: float.fromhex(value) for name, value in pending.items()}
        if exactly:
            self._starts = np.array([episode["length"] == 0 for episode in _rows(numbers, "episodes")])
            doctor.restore(json_table(numbers, "doctor"), tensors["doctor"].numpy().view(np.uint64))
            self._rng = tensors[_RNG]
            rng: Mapping[str, Any] = json_table(numbers, _RNG)
            key = {"key": tensors[_NUMPY_RNG].numpy().astype(np.uint32), "pos": rng["pos"]}
            self._numpy_rng = {"bit_generator": "MT19937", "state": key}
            self._numpy_rng |= {"has_gauss": rng["has_gauss"], "gauss": rng["gauss"]}
            # Tried here, where an invalid state can still be refused.
            torch.Generator().set_state(self._rng)
            np.random.RandomState(0).set_state(self._numpy_rng)
            if self._actions_rng is not None:
                _pcg64().state = self._actions_rng

    def _on_training_start(self) -> None:
        model = self.model
        model.ep_info_buffer.extend(self._episodes)  # type: ignore[union-attr]
        model.ep_success_buffer.extend(self._successes)  # type: ignore[union-attr]
        for name, value in self._pending.items():
            model.logger.record(name, value)
        for name, value in self._counters.items():
            setattr(model, name, value)
        if self._exactly:
            model._last_episode_starts = self._starts
            np.random.set_state(self._numpy_rng)
            torch.set_rng_state(self._rng)
            if self._actions_rng is not None:
                model.action_space.np_random.bit_generator.state = self._actions_rng

    def _on_step(self) -> bool:
        return True


def _rows(numbers: Mapping[str, Json], key: str) -> Sequence[Any]:
    value = numbers.get(key, [])
    return value if isinstance(value, list) else []
