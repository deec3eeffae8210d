"""One rollout as the update is about to see it, and what the environments returned while it was collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import DummyVecEnv

from rldoctor.environments.envpool_vec_env import EnvPoolVecEnv
from rldoctor.model import FloatArray, IntArray

Array = NDArray[Any]
Observations = Mapping[str, Array]
"""Key to array; a plain observation stands under the empty key."""
Unnormalise = Callable[[dict[str, Array]], Observations]

# Enough for a mean to within 5 % of a standard deviation; a forward pass of a [64, 64] network takes 0.2 ms.
SAMPLES = 256
# For weak signals that need no gradient: a correlation over this many rows is accurate to 0.03.
WIDE_SAMPLES = 1024
# Dimensions that are measured; of more (images) this many, evenly spaced.
_MOST_DIMENSIONS = 64
_GOAL_KEYS = ("achieved_goal", "desired_goal")


@dataclass(frozen=True)
class EpisodeEnd:
    """One finished episode.

    Attributes:
        timeout: Ended by the time limit, not by the task.
        success: ``is_success`` of its last step; ``None`` where the environment has none.
        distance: Of the achieved to the desired goal after its last step, in the unit of the goal; ``None``
            without goals.
    """

    timeout: bool
    success: bool | None = None
    distance: float | None = None


class StepRecorder:
    """Keeps what each vector step returned, before SB3 adds the critic's value to rewards at time limits."""

    def __init__(self, unnormalise: Unnormalise | None = None) -> None:
        self._unnormalise = unnormalise
        self.rewards: list[Array] = []
        self.dones: list[Array] = []
        self.ends: list[EpisodeEnd] = []

    def begin(self) -> None:
        """Forget the previous rollout."""
        self.rewards, self.dones, self.ends = [], [], []

    def add(self, rewards: Array, dones: Array, infos: Sequence[Mapping[str, Any]]) -> None:
        """Record one vector step: arrays of shape ``(n_envs,)``."""
        self.rewards.append(rewards.copy())
        self.dones.append(dones.copy())
        if np.count_nonzero(dones):
            self.ends += [self._end(infos[int(i)]) for i in np.flatnonzero(dones)]

    def _end(self, info: Mapping[str, Any]) -> EpisodeEnd:
        last = info.get("terminal_observation")
        distance = None
        if isinstance(last, dict) and all(key in last for key in _GOAL_KEYS):
            goals = self._unnormalise(last) if self._unnormalise else last
            distance = float(np.linalg.norm(goals["achieved_goal"] - goals["desired_goal"]))
        success = info.get("is_success")
        return EpisodeEnd(
            bool(info.get("TimeLimit.truncated", False)), None if success is None else bool(success), distance
        )


@dataclass(frozen=True)
class Rollout:
    """A whole rollout of ``n_steps`` steps of ``n_envs`` environments.

    Attributes:
        observations: As stored for the update, shape ``(n_steps, n_envs, ...)`` each.
        actions: As sampled, not clipped, shape ``(n_steps, n_envs, action_dim)``.
        action_space: Of the environment.
        values: The critic's, as stored.
        log_probs: Of the actions, as stored.
        advantages: As stored, before the update normalises them.
        returns: As stored: the critic's targets.
        stored_rewards: As stored, with SB3's bootstrapped value at time limits.
        rewards: As the vector of environments returned them.
        dones: Whether the episode ended with this step, as the vector of environments returned it.
        last_values: The critic's value after the last step, shape ``(n_envs,)``.
        gamma: Discount factor.
        gae_lambda: Lambda of the advantage estimate.
        ends: The episodes that finished.
        distance_threshold: Below which the environment calls an episode a success; ``None`` where it has none.
        unnormalise: Reverts the normalisation by ``VecNormalize``; ``None`` without one.
    """

    observations: Observations
    actions: Array
    action_space: gymnasium.Space[Any]
    values: Array
    log_probs: Array
    advantages: Array
    returns: Array
    stored_rewards: Array
    rewards: Array
    dones: Array
    last_values: Array
    gamma: float
    gae_lambda: float
    ends: Sequence[EpisodeEnd] = field(default_factory=tuple)
    distance_threshold: float | None = None
    unnormalise: Unnormalise | None = None

    @property
    def n_steps(self) -> int:
        """Steps of each environment."""
        return len(self.actions)

    @cached_property
    def sample(self) -> tuple[IntArray, IntArray]:
        """Steps and environments of at most ``SAMPLES`` rows; the same ones for each rollout of a size."""
        steps, envs = self.wide_sample
        return steps[:SAMPLES], envs[:SAMPLES]

    @cached_property
    def wide_sample(self) -> tuple[IntArray, IntArray]:
        """Steps and environments of at most ``WIDE_SAMPLES`` rows, those of ``sample`` first."""
        n_envs = self.actions.shape[1]
        count = self.n_steps * n_envs
        # A generator of its own: SB3 draws its minibatches from NumPy's global one, which must not be affected.
        flat = np.random.default_rng(0).permutation(count)[:WIDE_SAMPLES]
        return np.unravel_index(flat, (self.n_steps, n_envs))  # type: ignore[return-value]

    @cached_property
    def paired(self) -> NDArray[np.bool_]:
        """Which rows of the sample have their next step in the same episode, and in this rollout."""
        steps, envs = self.sample
        keep: NDArray[np.bool_] = steps < self.n_steps - 1
        keep[keep] = ~self.dones[steps[keep], envs[keep]].astype(np.bool_)
        return keep

    @property
    def pairs(self) -> tuple[IntArray, IntArray]:
        """Steps and environments of those rows."""
        steps, envs = self.sample
        return steps[self.paired], envs[self.paired]

    def rows(self, values: Array) -> Array:
        """Return the sample of one stored array, shape ``(samples, ...)``."""
        return values[self.sample]

    def flat(self, steps: IntArray, envs: IntArray) -> FloatArray:
        """Return observations side by side, shape ``(len(steps), dimensions)``; at most 64 dimensions."""
        columns = [
            value[steps, envs].reshape(len(steps), -1)[:, self._chosen[key]] for key, value in self.observations.items()
        ]
        return np.concatenate(columns, axis=1).astype(np.float64)

    @cached_property
    def flat_sample(self) -> FloatArray:
        """The sampled observations side by side, shape ``(samples, dimensions)``."""
        return self.flat(*self.sample)

    @cached_property
    def _chosen(self) -> dict[str, IntArray]:
        sizes = {key: int(np.prod(value.shape[2:])) for key, value in self.observations.items()}
        total = sum(sizes.values())
        share = min(1.0, _MOST_DIMENSIONS / max(total, 1))
        return {
            key: np.unique(np.linspace(0, size - 1, max(1, int(size * share))).round().astype(np.int64))
            for key, size in sizes.items()
        }

    @property
    def has_goals(self) -> bool:
        """Whether observations are dictionaries with an achieved and a desired goal."""
        return all(key in self.observations for key in _GOAL_KEYS)

    def goals(self, steps: IntArray, envs: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return achieved and desired goals in the environment's own unit, shape ``(len(steps), goal dimensions)``."""
        shown: Observations = {key: value[steps, envs] for key, value in self.observations.items()}
        if self.unnormalise:
            shown = self.unnormalise(dict(shown))
        return shown["achieved_goal"].astype(np.float64), shown["desired_goal"].astype(np.float64)

    @cached_property
    def true_advantages(self) -> FloatArray:
        """Generalised advantage estimates from what the environments returned, shape ``(n_steps, n_envs)``.

        Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation", equation 16.
        """
        going_on = 1.0 - self.dones.astype(np.float64)
        values = self.values.astype(np.float64)
        following = np.concatenate([values[1:], np.asarray(self.last_values, np.float64).reshape(1, -1)])
        deltas = self.stored_rewards + self.gamma * following * going_on - values
        decay = self.gamma * self.gae_lambda * going_on
        advantages = np.empty_like(deltas)
        running = np.zeros(deltas.shape[1])
        for step in range(len(deltas) - 1, -1, -1):
            running = deltas[step] + decay[step] * running
            advantages[step] = running
        return advantages

    @cached_property
    def return_scale(self) -> float:
        """Standard deviation of the stored returns, at least a thousandth of their size, so never 0."""
        returns = self.returns.astype(np.float64)
        return max(float(np.std(returns)), 1e-3 * float(np.sqrt(np.mean(returns**2))), 1e-12)


def stored_rollout(model: Any, locals_: Mapping[str, Any], recorder: StepRecorder, threshold: float | None) -> Rollout:
    """Return the rollout that ``model`` has just stored; its arrays are the buffer's own, not copies.

    Args:
        model: An on-policy SB3 algorithm at the end of a rollout.
        locals_: The callback's, which hold the critic's values of the last observation.
        recorder: What was recorded at each step of it.
        threshold: See :attr:`Rollout.distance_threshold`.

    Raises:
        ValueError: The recorded steps are not those that are stored.
    """
    buffer = model.rollout_buffer
    rewards, dones = np.array(recorder.rewards), np.array(recorder.dones)
    if rewards.shape != buffer.rewards.shape:
        raise ValueError(f"{rewards.shape} rewards were recorded, {buffer.rewards.shape} are stored")
    return Rollout(
        observations=buffer.observations if isinstance(buffer.observations, dict) else {"": buffer.observations},
        actions=buffer.actions,
        action_space=model.action_space,
        values=buffer.values,
        log_probs=buffer.log_probs,
        advantages=buffer.advantages,
        returns=buffer.returns,
        stored_rewards=buffer.rewards,
        rewards=rewards,
        dones=dones,
        last_values=_as_array(locals_["values"]).flatten(),
        gamma=buffer.gamma,
        gae_lambda=buffer.gae_lambda,
        ends=tuple(recorder.ends),
        distance_threshold=threshold,
        unnormalise=unnormaliser(model),
    )


def _as_array(values: Any) -> Array:
    """Return a tensor, or another library's array, as NumPy's."""
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def unnormaliser(model: Any) -> Unnormalise | None:
    """Return what reverts ``VecNormalize``'s scaling of observations, ``None`` where there is none."""
    normalising = model.get_vec_normalize_env()
    return normalising.unnormalize_obs if normalising is not None and normalising.norm_obs else None


def distance_threshold(model: Any) -> float | None:
    """Return the environment's own success threshold, where reading it needs no message to a worker process."""
    envs = model.get_env().unwrapped
    if not isinstance(envs, (DummyVecEnv, EnvPoolVecEnv)):
        return None
    try:
        found = envs.get_attr("distance_threshold", 0)[0]
    except AttributeError:
        return None
    return float(found) if isinstance(found, (int, float)) else None
