"""What environments, recipes, faults and the trainer of the laboratory agree on.

Arrays are float32 CPU tensors without gradients, their leading axes ``(N trainings, E environments of each)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor


@dataclass
class Step:
    """What one step of all environments returned.

    Attributes:
        obs: Observation to act on next, after the automatic reset where an episode ended, ``(N, E, O)``.
        final_obs: The same before that reset; equal to ``obs`` where no episode ended.
        reward: As the learner sees it, ``(N, E)``.
        terminated: The task ended the episode, bool ``(N, E)``.
        truncated: The time limit ended it, bool ``(N, E)``; where both are true the end counts as the task's.
        success: Whether the goal is reached at this step, bool ``(N, E)``; ``None`` where the environment has none.
        true_reward: The reward below every fault; ``None`` where it is ``reward``.
        true_success: The success below every fault; ``None`` where it is ``success``.
        true_done: Whether the episode ended below every fault; ``None`` where it is ``terminated | truncated``.
    """

    obs: Tensor
    final_obs: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    success: Tensor | None = None
    true_reward: Tensor | None = None
    true_success: Tensor | None = None
    true_done: Tensor | None = None


class BatchEnv(ABC):
    """``N x E`` copies of an environment, stepped together. It draws only from the generator that ``reset`` got.

    Attributes:
        name: Kebab-case.
        shape: ``(N, E)``.
        observation_size: Entries of an observation.
        action_size: Number of actions of a discrete environment, entries of an action of a continuous one.
        discrete: ``Discrete(action_size)``; otherwise ``Box(-1, 1)`` of that many entries.
        horizon: Time limit in steps; ``None`` without.
        has_success: Whether steps tell a success.
        achieved_goal: Entries of the observation that SB3 would find under that key; ``None`` without goals.
        desired_goal: Likewise.
        distance_threshold: Distance of the two below which the environment calls it a success, where it has one.
    """

    name: str
    shape: tuple[int, int]
    observation_size: int
    action_size: int
    discrete: bool
    horizon: int | None = None
    has_success: bool = False
    achieved_goal: slice | None = None
    desired_goal: slice | None = None
    distance_threshold: float | None = None

    @abstractmethod
    def reset(self, generator: torch.Generator) -> Tensor:
        """Begin an episode everywhere; return observations ``(N, E, O)``. Later resets draw from ``generator`` too."""

    @abstractmethod
    def step(self, actions: Tensor) -> Step:
        """Step all: actions are int64 ``(N, E)``, or float ``(N, E, A)`` which the trainer has clipped to [-1, 1]."""


@dataclass(frozen=True)
class Shapes:
    """What all trainings of one batch have in common.

    Attributes:
        n_steps: Steps of each environment between two updates.
        n_envs: Environments of each training.
        batch_size: Samples of one gradient step; the last one of an epoch may be smaller, as in SB3.
        net_arch: Hidden layers of the policy, and of the critic.
        total_steps: Environment steps of each training; rounded up to whole rollouts.
        log_interval: Rollouts between two points of the curves.
    """

    n_steps: int = 128
    n_envs: int = 8
    batch_size: int = 64
    net_arch: tuple[int, ...] = (64, 64)
    total_steps: int = 50_000
    log_interval: int = 1


@dataclass
class Recipe:
    """The settings of each of the N trainings, a tensor ``(N,)`` each; names and defaults as SB3's PPO has them.

    Flags are 0 or 1. ``target_kl`` is infinite where there is none. ``learning_rate_linear`` and ``clip_range_linear``
    let the setting fall to zero with the progress of the training. ``normalize_observation`` and ``normalize_reward``
    are SB3's VecNormalize with its defaults (clipped at 10). ``sgd``: plain SGD instead of Adam. ``relu``: instead of
    tanh.
    """

    shapes: Shapes
    learning_rate: Tensor
    learning_rate_linear: Tensor
    gamma: Tensor
    gae_lambda: Tensor
    clip_range: Tensor
    clip_range_linear: Tensor
    ent_coef: Tensor
    vf_coef: Tensor
    max_grad_norm: Tensor
    n_epochs: Tensor
    target_kl: Tensor
    normalize_advantage: Tensor
    normalize_observation: Tensor
    normalize_reward: Tensor
    log_std_init: Tensor
    adam_eps: Tensor
    sgd: Tensor
    relu: Tensor

    @classmethod
    def of(cls, shapes: Shapes, n: int, **settings: float | Tensor) -> Recipe:
        """Return ``n`` trainings with SB3's defaults but for ``settings``, each a number or a tensor ``(n,)``.

        Raises:
            TypeError: There is no such setting.
        """
        if unknown := set(settings) - set(SETTINGS):
            raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
        values = {**SETTINGS, **settings}
        return cls(
            shapes,
            **{name: torch.as_tensor(value, dtype=torch.float32).expand(n).clone() for name, value in values.items()},
        )

    @property
    def count(self) -> int:
        """Number of trainings."""
        return len(self.learning_rate)

    def only(self, which: Tensor) -> Recipe:
        """Return the recipe of some trainings, by index or mask."""
        return Recipe(self.shapes, **{name: getattr(self, name)[which] for name in SETTINGS})


SETTINGS: dict[str, float] = {
    "learning_rate": 3e-4,
    "learning_rate_linear": 0.0,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "clip_range_linear": 0.0,
    "ent_coef": 0.0,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "n_epochs": 10.0,
    "target_kl": float("inf"),
    "normalize_advantage": 1.0,
    "normalize_observation": 0.0,
    "normalize_reward": 0.0,
    "log_std_init": 0.0,
    "adam_eps": 1e-5,
    "sgd": 0.0,
    "relu": 0.0,
}


def _absent() -> Tensor:
    return torch.zeros(0)


@dataclass
class Faults:
    """Faults of the algorithm, which the trainer puts in: severities ``(N,)``, 0 where absent.

    A *share* is in [0, 1]: which part of the steps, or of the change, is affected; 1 is the whole fault. Faults that
    are settings (a learning rate, gamma, vf_coef, max_grad_norm, no normalisation, SGD) are put into the
    :class:`Recipe`, those of the environment wrap the :class:`BatchEnv`.

    Attributes:
        count: N.
        advantage_sign: Share of the steps whose advantage has the wrong sign.
        advantages_shuffled: Share of the steps whose advantages change places.
        advantages_shifted: Advantages belong to the action this many steps earlier.
        advantages_noisy: Standard deviation of added noise, in standard deviations of the advantages.
        gae_ignores_ends: Share of the ends of episodes over which advantages run on.
        gae_no_bootstrap: Share by which the value of the next state is left out of the advantage.
        gae_forward: Share of advantages computed forward in time (nobody reversed the loop).
        time_limit_terminal: Share of time limits taken for true ends (no bootstrapping).
        terminal_missing: Share of true ends that are taken for time limits (the value goes on).
        rewards_shifted: Rewards are stored this many steps late.
        policy_frozen: Share of each step of the policy's weights (log_std included) that is left out.
        critic_frozen: Share of each step of the critic's weights that is left out.
        std_frozen: Share of each step of log_std that is left out.
        last_layer_only: Share of each step of the policy's hidden layers that is left out.
        rate_stops: The learning rate is 0 for this last share of the training.
        rate_explodes: Factor of the learning rate from the middle of the training on.
        stale_data: Share of the updates that use the first rollout again.
        stale_policy: The policy that collects is renewed at every so manieth update only (2, 3, ...).
        update_noise: Noise added to the policy's weights at each update, in standard deviations of each matrix.
        stored_action_clipped: Share of the steps of which the clipped action is stored.
        log_prob_off: How far from the log-probability towards its mean over dimensions minus a half what is stored is.
        log_prob_other: Share of the steps that store the log-probability of another action of the policy.
        observation_lagged: Share of the steps that store the observation of the step before.
        dropout: Probability of dropout in both networks during the update only.
        objective_max: Share of minibatches whose clipped objective takes the maximum in place of the minimum.
        ratio_inverted: Share of minibatches with the ratio upside down.
        value_sign: Share of minibatches with the wrong sign of the value loss.
        value_target_reward: Share by which the critic's target is the reward in place of the return.
        minibatch_repeated: Share of minibatches that are the rollout's first samples again.
        init_gain: Factor of the initial weights of the hidden layers.
        weights_reset: Share of the training after which the policy is initialised anew.
    """

    count: int
    advantage_sign: Tensor = field(default_factory=_absent)
    advantages_shuffled: Tensor = field(default_factory=_absent)
    advantages_shifted: Tensor = field(default_factory=_absent)
    advantages_noisy: Tensor = field(default_factory=_absent)
    gae_ignores_ends: Tensor = field(default_factory=_absent)
    gae_no_bootstrap: Tensor = field(default_factory=_absent)
    gae_forward: Tensor = field(default_factory=_absent)
    time_limit_terminal: Tensor = field(default_factory=_absent)
    terminal_missing: Tensor = field(default_factory=_absent)
    rewards_shifted: Tensor = field(default_factory=_absent)
    policy_frozen: Tensor = field(default_factory=_absent)
    critic_frozen: Tensor = field(default_factory=_absent)
    std_frozen: Tensor = field(default_factory=_absent)
    last_layer_only: Tensor = field(default_factory=_absent)
    rate_stops: Tensor = field(default_factory=_absent)
    rate_explodes: Tensor = field(default_factory=_absent)
    stale_data: Tensor = field(default_factory=_absent)
    stale_policy: Tensor = field(default_factory=_absent)
    update_noise: Tensor = field(default_factory=_absent)
    stored_action_clipped: Tensor = field(default_factory=_absent)
    log_prob_off: Tensor = field(default_factory=_absent)
    log_prob_other: Tensor = field(default_factory=_absent)
    observation_lagged: Tensor = field(default_factory=_absent)
    dropout: Tensor = field(default_factory=_absent)
    objective_max: Tensor = field(default_factory=_absent)
    ratio_inverted: Tensor = field(default_factory=_absent)
    value_sign: Tensor = field(default_factory=_absent)
    value_target_reward: Tensor = field(default_factory=_absent)
    minibatch_repeated: Tensor = field(default_factory=_absent)
    init_gain: Tensor = field(default_factory=_absent)
    weights_reset: Tensor = field(default_factory=_absent)

    def __post_init__(self) -> None:
        for name in FAULTS:
            if not len(getattr(self, name)):
                setattr(self, name, torch.zeros(self.count))

    def has(self, name: str) -> bool:
        """Return whether any training has the fault."""
        return bool((getattr(self, name) != 0).any())

    def present(self) -> frozenset[str]:
        """Return the faults that any training has."""
        return frozenset(name for name in FAULTS if self.has(name))

    def only(self, which: Tensor) -> Faults:
        """Return the faults of some trainings, by index or mask."""
        chosen = {name: getattr(self, name)[which] for name in FAULTS}
        return Faults(len(chosen["dropout"]), **chosen)


FAULTS: tuple[str, ...] = tuple(item.name for item in fields(Faults) if item.name != "count")
