"""What is measured of an off-policy critic and policy: against the returns really got, the target and the replay."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import torch

from rldoctor.callback.metrics import Metrics, action_effect
from rldoctor.callback.q_functions import QFunctions, joined, weights_of
from rldoctor.callback.replay import Recent
from rldoctor.callback.rollout import SAMPLES, Observations, Rollout
from rldoctor.model import FloatArray, IntArray

# Values that rest on what the critic itself says of later states say little: at least this much of them must not.
_LEAST_GOT = 0.1
_FEWEST = 16
# So near a bound (actions are in [-1, 1]) the tanh of a policy hardly has a gradient: 1 - 0.99^2 = 0.02.
_AT_A_BOUND = 0.01


def returns_got(recent: Recent, gamma: float, after: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the discounted return that was really got from each step on, to the end of its episode.

    Args:
        recent: Steps and the rewards that were got.
        gamma: Discount factor.
        after: Value of the state after each step, used where the update bootstraps and the episode is not followed
            any further: at time limits and at the newest step, shape ``(n_steps, n_envs)``.

    Returns:
        Three arrays ``(n_steps, n_envs)``: the return; the share of the value after the last step in it, gamma to the
        power of the steps until then, 0 for an episode that the task ended; and the sum of gamma to the power k over
        the steps k = 1 ... until then, which takes an entropy bonus into account.
    """
    parts = (recent.rewards, recent.ends, recent.terminal, after)
    columns = []
    for env in range(recent.rewards.shape[1]):
        rewards, ends, terminal, values = (array[:, env].tolist() for array in parts)
        columns.append(_returns_of(rewards, ends, terminal, values, gamma))
    got, share, later = np.array(columns).transpose(1, 2, 0)
    return got, share, later


def _returns_of(
    rewards: list[float], ends: list[bool], terminal: list[bool], after: list[float], gamma: float
) -> tuple[list[float], list[float], list[float]]:
    """Return the three of one environment. Plain numbers: two thousand steps of arrays of one would take ten times."""
    got, share, later = [], [], []
    running, weight, following = after[-1], 1.0, 0.0
    for step in range(len(rewards) - 1, -1, -1):
        if ends[step]:
            over = terminal[step]
            running, weight, following = 0.0 if over else after[step], 0.0 if over else 1.0, 0.0
        running = rewards[step] + gamma * running
        weight *= gamma
        got.append(running)
        share.append(weight)
        later.append(following)
        following = gamma * (1.0 + following)
    return got[::-1], share[::-1], later[::-1]


class QProbe:
    """Measures one model.

    Args:
        model: See :class:`~rldoctor.callback.q_functions.QFunctions`.
        networks: What stands for its networks where it is not one of those.
    """

    def __init__(self, model: Any, networks: Any = None) -> None:
        self._model = model
        self._networks = networks or QFunctions(model)
        self._weights: dict[str, torch.Tensor] = {}
        self._updates = self._steps = 0

    def measure(self, recent: Recent) -> Metrics:
        """Measure networks and replay as they are between two updates."""
        metrics = self._weight_changes()
        if metrics.get("weights_nonfinite"):
            return metrics
        # A generator of its own: SB3 samples from NumPy's global one.
        count = recent.rewards.size
        flat = np.sort(np.random.default_rng(0).permutation(count)[:SAMPLES])
        steps, envs = np.unravel_index(flat, recent.rewards.shape)
        observed = recent.observations(steps, envs)
        taken = recent.actions[steps, envs]
        values = self._networks.values(observed, taken)
        metrics |= self._policy(observed, taken)
        if self._updates:
            metrics |= self._against_returns(recent, steps, envs, values, metrics.get("policy_entropy"))
            metrics |= self._against_target(observed, taken, values)
        return metrics

    def effect(self, rollout: Rollout) -> Metrics:
        """Measure whether the random part of actions reaches the next observations.

        What was drawn at random is the difference from what the policy would do: noise, a sample, or any action at all.
        """
        steps, envs = rollout.pairs
        observed = {key: value[steps, envs] for key, value in rollout.observations.items()}
        if not len(steps) or self._model.get_vec_normalize_env() is not None:
            return {}
        taken = rollout.actions[steps, envs].reshape(len(steps), -1)
        centre = self._networks.chosen(observed).actions.reshape(taken.shape)
        if self._networks.discrete:
            every = np.eye(int(self._model.action_space.n))
            taken, centre = every[taken[:, 0].astype(int)], every[centre[:, 0].astype(int)]
        return action_effect(rollout, centre, taken - centre)

    def _policy(self, observed: Observations, taken: Any) -> Metrics:
        chosen = self._networks.chosen(observed)
        metrics: Metrics = {}
        if self._networks.discrete:
            metrics["exploration_gap"] = float((chosen.actions.reshape(-1) != taken.reshape(-1)).mean())
        else:
            actions = chosen.actions.reshape(len(taken), -1)
            metrics["exploration_gap"] = float(np.abs(actions - taken.reshape(actions.shape)).mean())
            metrics["policy_saturated_fraction"] = float((np.abs(actions) > 1.0 - _AT_A_BOUND).mean())
            metrics["policy_action_std"] = float(actions.std(axis=0).mean())
        if chosen.entropy is not None:
            metrics["policy_entropy"] = chosen.entropy
            target = getattr(self._model, "target_entropy", None)
            if getattr(self._model, "ent_coef_optimizer", None) is not None and isinstance(
                target, (int, float, np.generic)
            ):
                metrics["entropy_gap"] = (chosen.entropy - float(target)) / max(1, chosen.actions.shape[1])
        return metrics

    def _temperature(self) -> float:
        coefficient = getattr(self._model, "log_ent_coef", None)
        if coefficient is not None:
            return float(coefficient.detach().exp())
        fixed = getattr(self._model, "ent_coef_tensor", None)
        return float(fixed) if fixed is not None else 0.0

    def _against_returns(
        self, recent: Recent, steps: IntArray, envs: IntArray, values: FloatArray, entropy: float | None
    ) -> Metrics:
        """Compare values with the returns that were really got from the same steps on."""
        gamma = self._model.gamma
        # The states that returns are cut at: time limits, and the newest.
        cut = recent.ends & ~recent.terminal
        cut[-1] = ~recent.terminal[-1]
        at, of = np.nonzero(cut)
        after = np.zeros_like(recent.rewards)
        if len(at):
            after[at, of] = self._networks.chosen(joined([recent.next_observations(at, of)])).values
        bonus = self._temperature() * entropy if entropy is not None else 0.0
        got, share, later = (array[steps, envs] for array in returns_got(recent, gamma, after))
        soft = got + bonus * (later + share)
        metrics: Metrics = {"q_mean": float(values.mean()), "return_got": float(soft.mean())}
        # A critic that says b too much everywhere also says so of the state that a return is cut at.
        known = float((1.0 - share).mean())
        rewarded = recent.rewards.any()
        size = max(float(soft.std()), float(np.abs(soft).mean()))
        if known >= _LEAST_GOT and rewarded and size > 0:
            metrics["q_overestimation"] = float((values - soft).mean()) / known / size
            if soft.std() > 1e-6 * size and values.std() > 0:
                metrics["q_return_correlation"] = float(np.corrcoef(values, soft)[0, 1])
        return metrics | self._at_ends(recent, size)

    def _at_ends(self, recent: Recent, size: float) -> Metrics:
        """Compare the values of steps that ended an episode with their reward: there is nothing after it."""
        at, of = np.nonzero(recent.terminal)
        if len(at) < _FEWEST // 4 or not size > 0:
            return {}
        at, of = at[-SAMPLES // 4 :], of[-SAMPLES // 4 :]
        values = self._networks.values(recent.observations(at, of), recent.actions[at, of])
        return {"terminal_value_error": float(np.median(values - recent.rewards[at, of])) / size}

    def _against_target(self, observed: Observations, taken: Any, values: FloatArray) -> Metrics:
        if self._networks.target is None:
            return {}
        target = self._networks.values(observed, taken, target=True)
        size = max(float(values.std()), 1e-3 * float(np.abs(values).mean()))
        return {"target_gap": float(np.abs(values - target).mean()) / size} if size > 0 else {}

    def _weight_changes(self) -> Metrics:
        """Measure how far networks have moved since the last measurement, and how many updates there were."""
        networks = {"critic": self._networks.critic, "policy": self._networks.actor, "target": self._networks.target}
        now = {name: weights_of(network) for name, network in networks.items() if network is not None}
        count = sum(len(weights) for weights in now.values())
        broken = sum(int((~torch.isfinite(weights)).sum()) for weights in now.values())
        metrics: Metrics = {"weights_nonfinite": broken / max(1, count)}
        before, self._weights = self._weights, now
        updates, steps = int(getattr(self._model, "_n_updates", 0)), int(self._model.num_timesteps)
        done, passed = updates - self._updates, steps - self._steps
        self._updates, self._steps = updates, steps
        if not before or broken or passed <= 0 or not updates:
            return metrics
        metrics["updates_per_step"] = done / passed
        if done <= 0:
            return metrics
        moved = {name: float(torch.linalg.vector_norm(now[name] - before[name])) for name in now if name in before}
        for name in ("critic", "policy"):
            size = float(torch.linalg.vector_norm(before[name])) if name in before else 0.0
            if size > 0:
                metrics[f"{name}_weight_change"] = moved[name] / size
        if "target" in moved and moved["critic"] > 0:
            metrics["target_follows"] = moved["target"] / moved["critic"]
        return metrics


def goal_batch(model: Any, size: int = SAMPLES) -> Metrics:
    """Measure one batch of a goal-conditioned replay, sampled as the update samples it.

    The random numbers of the training are put back afterwards.
    """
    buffer = model.replay_buffer
    space = model.observation_space
    if not isinstance(space, gymnasium.spaces.Dict) or "desired_goal" not in space.spaces:
        return {}
    if getattr(buffer, "ep_length", None) is not None and not (buffer.ep_length > 0).any():
        return {}
    state = np.random.get_state()  # SB3 samples from it
    try:
        rewards = buffer.sample(size).rewards.reshape(-1).cpu().numpy().astype(np.float64)
    finally:
        np.random.set_state(state)
    stored = buffer.rewards[: buffer.buffer_size if buffer.full else buffer.pos]
    metrics: Metrics = {"relabelled_fraction": float(getattr(buffer, "her_ratio", 0.0))}
    # Sparse rewards have two values; the higher one is success.
    best = max(float(stored.max()), float(rewards.max()))
    worst = min(float(stored.min()), float(rewards.min()))
    if len(np.unique(rewards)) <= 3:
        metrics["batch_success_fraction"] = float((rewards > (best + worst) / 2).mean()) if best > worst else 0.0
    return metrics | _relabelling(model, buffer)


def _relabelling(model: Any, buffer: Any) -> Metrics:
    """Compare stored rewards with those that the environment computes for the same goals."""
    held = buffer.buffer_size if buffer.full else buffer.pos
    if not getattr(buffer, "her_ratio", 0.0) or held < _FEWEST:
        return {}
    places = np.unique(np.linspace(0, held - 1, min(held, SAMPLES // 4)).astype(np.int64))
    goals = {key: buffer.next_observations[key][places, 0] for key in ("achieved_goal", "desired_goal")}
    infos = list(buffer.infos[places, 0]) if buffer.copy_info_dict else [{} for _ in places]
    computed = model.get_env().env_method(
        "compute_reward", goals["achieved_goal"], goals["desired_goal"], infos, indices=[0]
    )
    given = buffer.rewards[places, 0]
    wrong = ~np.isclose(np.asarray(computed[0], np.float64).reshape(-1), given, 1e-3, 1e-3)
    return {"relabel_reward_mismatch": float(wrong.mean())}


def finite(metrics: Metrics) -> Metrics:
    """Return the metrics that are numbers."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}
