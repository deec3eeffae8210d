"""One real PPO iteration of a recipe, measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.preflight.measurements import arrays

if TYPE_CHECKING:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecEnv

    from rldoctor.preflight.budget import Budget
    from rldoctor.recipe import Recipe

# 64 steps of 4 environments: enough for the advantages to vary, and 0.15 s at FetchReach's 1,800 steps/s.
_STEPS = 64
# Of a slow environment; fewer show nothing.
_FEWEST = 8


class NotFinite(Exception):
    """Observations of the rollout are NaN or infinite.

    Attributes:
        step: Environment steps that were taken.
        parts: What is not finite, such as ``observation[2]``.
    """

    def __init__(self, step: int, parts: tuple[str, ...]) -> None:
        super().__init__(f"{', '.join(parts)} after {step} steps")
        self.step = step
        self.parts = parts


@dataclass(frozen=True)
class LearningStep:
    """One PPO iteration: a rollout and its update.

    Attributes:
        steps: Environment steps of the rollout.
        updates: Optimizer steps of the update.
        ratio_error: Largest |ratio - 1| of new to old action probabilities before the first optimizer step.
        advantage_std: Standard deviation of the advantages, in units of return.
        critic_before: Mean squared error of the values against the returns before the update.
        critic_after: The same on the same rollout after the update.
        moved: Largest change of any weight.
        not_finite: Names of the losses, gradients and weights that are NaN or infinite.
    """

    steps: int
    updates: int
    ratio_error: float
    advantage_std: float
    critic_before: float
    critic_after: float
    moved: float
    not_finite: tuple[str, ...]


def take_one_step(recipe: Recipe | None, envs: VecEnv, seed: int, budget: Budget) -> LearningStep:
    """Collect one short rollout with an untrained policy and update on it once, as training would.

    The recipe's settings are used as they are, except that a rollout has at most 64 steps per environment and a batch
    is never larger than the rollout. Without a recipe SB3's defaults are used.

    Raises:
        NotFinite: An observation was NaN or infinite.
    """
    import torch

    from rldoctor.sb3.without_dynamo import without_dynamo

    threads = torch.get_num_threads()
    # As in training: a small network is fastest on one thread.
    torch.set_num_threads(1)
    try:
        with without_dynamo():
            return _take_one_step(recipe, envs, seed, budget.steps(_STEPS, least=_FEWEST, plays=envs.num_envs))
    finally:
        torch.set_num_threads(threads)


def _take_one_step(recipe: Recipe | None, envs: VecEnv, seed: int, steps: int) -> LearningStep:
    import torch
    from gymnasium.spaces import Discrete

    from rldoctor.sb3.without_logs import without_logs

    model = _build(recipe, envs, steps)
    # With the wrappers that SB3 adds, such as the one that puts the channels of pictures first.
    envs = model.get_env() or envs
    envs.seed(seed)
    without_logs(model)
    # Private, but the only way to stop between SB3's rollout and its update; learn() calls just these.
    _, callback = model._setup_learn(model.n_steps * envs.num_envs, None)
    before = {name: weight.detach().clone() for name, weight in model.policy.named_parameters()}
    try:
        model.collect_rollouts(envs, callback, model.rollout_buffer, n_rollout_steps=model.n_steps)
    except ValueError:
        # PyTorch's distributions refuse what a policy makes of NaN.
        if parts := _parts_not_finite(model._last_obs):
            raise NotFinite(model.num_timesteps, parts) from None
        raise
    # rollout_buffer.get() flattens the arrays in place, so that everything below has one row a step.
    rollout = next(iter(model.rollout_buffer.get()))
    discrete = isinstance(envs.action_space, Discrete)
    actions = rollout.actions.long().flatten() if discrete else rollout.actions
    with torch.no_grad():
        values, log_probability, _ = model.policy.evaluate_actions(rollout.observations, actions)
        ratio = torch.exp(log_probability - rollout.old_log_prob)
    critic_before = _squared_error(values, rollout.returns)
    try:
        model.train()
    except ValueError:
        # PyTorch's distributions refuse the NaN that the first batch left in the weights; not_finite names the weights.
        if not _not_finite(model):
            raise
    with torch.no_grad():
        critic_after = _squared_error(model.policy.predict_values(rollout.observations), rollout.returns)
    weights = dict(model.policy.named_parameters())
    return LearningStep(
        steps=model.n_steps * envs.num_envs,
        updates=model.n_epochs * -(-model.n_steps * envs.num_envs // model.batch_size),
        ratio_error=float((ratio - 1).abs().max()),
        advantage_std=float(rollout.advantages.std()),
        critic_before=critic_before,
        critic_after=critic_after,
        moved=max(float((weight.detach() - before[name]).abs().max()) for name, weight in weights.items()),
        not_finite=_not_finite(model),
    )


def _build(recipe: Recipe | None, envs: VecEnv, steps: int) -> PPO:
    from stable_baselines3 import PPO

    from rldoctor.sb3.arguments import algorithm_arguments, policy_class

    arguments = algorithm_arguments(recipe, envs.action_space) if recipe else {}
    n_steps = min(int(arguments.get("n_steps", steps)), steps)
    batch = min(int(arguments.get("batch_size", 64)), n_steps * envs.num_envs)
    arguments = {**arguments, "n_steps": n_steps, "batch_size": batch, "seed": 0, "device": "cpu", "verbose": 0}
    return PPO(policy_class(envs.observation_space), envs, **arguments)


def _parts_not_finite(observation: Any) -> tuple[str, ...]:
    """Return which numbers of the observations of parallel environments are NaN or infinite in any of them."""
    found = []
    for key, value in arrays(observation).items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            finite = np.isfinite(value).reshape(len(value), -1).all(axis=0)
            found += [f"{key}[{place}]" for place in np.flatnonzero(~finite)]
    return tuple(found)


def _squared_error(values: torch.Tensor, returns: torch.Tensor) -> float:
    return float(((values.flatten() - returns.flatten()) ** 2).mean())


def _not_finite(model: PPO) -> tuple[str, ...]:
    import torch

    losses = {
        name: value
        for name, value in model.logger.name_to_value.items()
        if name.startswith("train/") and "loss" in name
    }
    names = [name for name, value in losses.items() if not np.isfinite(value)]
    for name, weight in model.policy.named_parameters():
        if weight.grad is not None and not torch.isfinite(weight.grad).all():
            names.append(f"gradient of {name}")
        if not torch.isfinite(weight).all():
            names.append(f"weight {name}")
    return tuple(names)
