"""The newest part of a replay buffer in the order in which it was collected, and what is measured of it alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.callback.metrics import Metrics
from rldoctor.callback.rollout import Array, Observations, Rollout, StepRecorder
from rldoctor.model import FloatArray, IntArray

# Steps at the end of the buffer that are looked at: a tenth of the training, so that the policy has hardly changed
# since, but at least ten episodes of 25 steps, and at most ten of Pendulum, forty of FetchReach.
_SHARE, _FEWEST, _MOST = 0.1, 256, 2048
# Vector steps that are compared with what the environments returned, and episodes whose end is.
_REMEMBERED, _ENDS = 16, 64
# Stored numbers are float32, those of environments often float64.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Recent:
    """The newest ``n_steps`` vector steps of a replay buffer, oldest first.

    Attributes:
        model: An off-policy SB3 algorithm.
        places: Where in the buffer they are, shape ``(n_steps,)``.
    """

    model: Any
    places: IntArray

    @property
    def _buffer(self) -> Any:
        return self.model.replay_buffer

    @cached_property
    def rewards(self) -> FloatArray:
        """As stored, and normalised where ``VecNormalize`` does that when it samples, ``(n_steps, n_envs)``."""
        stored = self._buffer.rewards[self.places]
        rewards: FloatArray = self._buffer._normalize_reward(stored, self.model.get_vec_normalize_env())
        return rewards.astype(np.float64)

    @cached_property
    def ends(self) -> NDArray[np.bool_]:
        """Whether an episode ended with the step, by the task or by the time limit, ``(n_steps, n_envs)``."""
        ended: NDArray[np.bool_] = self._buffer.dones[self.places] > 0
        return ended

    @cached_property
    def terminal(self) -> NDArray[np.bool_]:
        """Whether the update takes the value after the step as 0, ``(n_steps, n_envs)``."""
        by_time: NDArray[np.bool_] = self._buffer.timeouts[self.places] > 0
        return self.ends & ~by_time

    @cached_property
    def actions(self) -> Array:
        """As stored: scaled to [-1, 1], shape ``(n_steps, n_envs, action_dim)``."""
        actions: Array = self._buffer.actions[self.places]
        return actions

    def observations(self, steps: IntArray, envs: IntArray) -> Observations:
        """Return the observations before some steps, as the networks see them; the plain one under the empty key."""
        return self._seen(self._buffer.observations, steps, envs)

    def next_observations(self, steps: IntArray, envs: IntArray) -> Observations:
        """Return the observations after some steps, as the networks see them."""
        if not hasattr(self._buffer, "next_observations"):
            # The variant that saves memory keeps the next one at the next place.
            places = (self.places[steps] + 1) % self._buffer.buffer_size
            return self._normalised({"": self._buffer.observations[places, envs]})
        return self._seen(self._buffer.next_observations, steps, envs)

    def _seen(self, stored: Any, steps: IntArray, envs: IntArray) -> Observations:
        places = self.places[steps]
        columns = stored if isinstance(stored, Mapping) else {"": stored}
        return self._normalised({key: value[places, envs] for key, value in columns.items()})

    def _normalised(self, observed: dict[str, Array]) -> Observations:
        env = self.model.get_vec_normalize_env()
        plain = observed.get("")
        found = self._buffer._normalize_obs(plain if plain is not None else observed, env)
        return found if isinstance(found, Mapping) else {"": found}

    def rollout(self, recorder: StepRecorder, threshold: float | None) -> Rollout:
        """Return the newest steps as the measurements of rollouts take them; what on-policy methods add is 0."""
        count = min(len(self.places), len(recorder.rewards))
        places = self.places[len(self.places) - count :]
        stored = self._buffer.observations
        columns = stored if isinstance(stored, Mapping) else {"": stored}
        actions, zeros = self._buffer.actions[places], np.zeros((count, self._buffer.n_envs))
        return Rollout(
            observations={key: value[places] for key, value in columns.items()},
            actions=actions,
            action_space=self.model.action_space,
            values=zeros,
            log_probs=zeros,
            advantages=zeros,
            returns=zeros,
            stored_rewards=zeros,
            rewards=np.array(recorder.rewards[-count:]),
            dones=np.array(recorder.dones[-count:]),
            last_values=zeros[:1],
            gamma=self.model.gamma,
            gae_lambda=1.0,
            ends=tuple(recorder.ends),
            distance_threshold=threshold,
        )


def recent(model: Any) -> Recent | None:
    """Return the newest part of the model's replay buffer; ``None`` where it holds nothing, or is of another kind."""
    buffer = getattr(model, "replay_buffer", None)
    stored = ("rewards", "dones", "timeouts", "actions", "observations", "pos", "full", "buffer_size")
    if buffer is None or not all(hasattr(buffer, name) for name in stored):
        return None
    held = buffer.buffer_size if buffer.full else buffer.pos
    window = min(max(_FEWEST, int(_SHARE * model.num_timesteps)), _MOST)
    count = min(held, max(1, window // buffer.n_envs))
    if count < 1:
        return None
    return Recent(model, (np.arange(buffer.pos - count, buffer.pos) % buffer.buffer_size).astype(np.int64))


class Storing:
    """Compares what the replay buffer holds with what the environments returned.

    A step is seen before SB3 stores it: :meth:`measure` is called after the rollout, when all of them are stored.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._normalised = model.get_vec_normalize_env() is not None
        self._steps: deque[tuple[int, Any, Array, Array, Sequence[Mapping[str, Any]]]] = deque(maxlen=_REMEMBERED)
        self._ends: deque[tuple[int, int, bool]] = deque(maxlen=_ENDS)
        self._count = 0

    def step(self, locals_: Mapping[str, Any], remember: bool) -> None:
        """Take one vector step into account; the whole of it only where told to ``remember`` it."""
        self._count += 1
        dones = locals_["dones"]
        if dones.any():
            infos = locals_["infos"]
            for env in np.flatnonzero(dones).tolist():
                self._ends.append((self._count, env, bool(infos[env].get("TimeLimit.truncated", False))))
        if remember:
            self._steps.append((self._count, locals_["new_obs"], locals_["rewards"], dones, locals_["infos"]))

    def measure(self) -> Metrics:
        """Measure which stored transitions and which stored ends of episodes differ from what was returned."""
        buffer = self._model.replay_buffer
        held = buffer.buffer_size if buffer.full else buffer.pos
        metrics: Metrics = {}
        different = [self._differs(*step) for step in self._steps if self._count - step[0] < held]
        if different and not self._normalised and hasattr(buffer, "next_observations"):
            metrics["stored_transition_mismatch"] = float(np.mean(different))
        ends = [end for end in self._ends if self._count - end[0] < held]
        for name, by_time in (("terminal_stored_as_going_on", False), ("timeout_stored_as_terminal", True)):
            flags = [self._stored_terminal(at, env) for at, env, timeout in ends if timeout is by_time]
            if flags:
                metrics[name] = float(np.mean(flags) if by_time else 1.0 - np.mean(flags))
        self._steps.clear()
        return metrics

    def _place(self, at: int) -> int:
        buffer = self._model.replay_buffer
        return int((buffer.pos - 1 - (self._count - at)) % buffer.buffer_size)

    def _stored_terminal(self, at: int, env: int) -> bool:
        buffer, place = self._model.replay_buffer, self._place(at)
        return bool(buffer.dones[place, env] > 0 and not buffer.timeouts[place, env] > 0)

    def _differs(self, at: int, new: Any, rewards: Array, dones: Array, infos: Sequence[Mapping[str, Any]]) -> bool:
        buffer, place = self._model.replay_buffer, self._place(at)
        if _apart(buffer.rewards[place], rewards):
            return True
        stored = buffer.next_observations
        for key, value in new.items() if isinstance(new, Mapping) else [("", new)]:
            column = stored[key][place] if isinstance(stored, Mapping) else stored[place]
            given = np.array(value).reshape(column.shape)
            for env in np.flatnonzero(dones).tolist():
                last = infos[env].get("terminal_observation")
                if last is not None:
                    given[env] = np.reshape(last[key] if isinstance(last, Mapping) else last, given[env].shape)
            if _apart(column, given):
                return True
        return False


def _apart(stored: Array, given: Array) -> bool:
    """Return whether any number differs by more than rounding; NaN differs from nothing, other signs are about it."""
    return bool((np.abs(stored - given) > _ROUNDING * (1.0 + np.abs(given))).any())


def age(model: Any) -> Metrics:
    """Measure how long ago the contents of the buffer were collected, in environment steps, and how much is kept.

    Every content is as likely to be sampled as any other: their mean age is that of a batch.
    """
    buffer = model.replay_buffer
    held = (buffer.buffer_size if buffer.full else buffer.pos) * buffer.n_envs
    return {"buffer_age": held / 2.0, "buffer_kept_fraction": min(1.0, held / max(1, model.num_timesteps))}
