"""The settings of a training in one normal form, and what a witness other than the logs observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rldoctor.model.enums import Json, Severity
from rldoctor.model.run import Finding

WINDOW_SETTING = "stats_window_size"
"""What Stable-Baselines3 calls the number of episodes over which it takes means."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting is stated.

    Attributes:
        file: The file, relative to the run directory; empty where the library's default applies.
        key: What the file calls it, its parts separated by dots.
        line: The line in that file, from 1; ``None`` where a file has no lines.
    """

    file: str = ""
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        """Return ``in params/agent.yaml, line 14``."""
        if not self.file:
            return "by default"
        return f"in {self.file}" + (f", line {self.line}" if self.line else "")


@dataclass(frozen=True)
class Settings:
    """The settings of a training, read from the files beside its logs; ``None`` or an empty text where not stated.

    Attributes:
        library: Key of ``checks/settings/libraries/``: whose settings these are.
        algorithm: Key of ``checks/algorithms.toml``, or another algorithm's own name.
        env: Id of the environment.
        learning_rate: At the start of the training, at least 0.
        learning_rate_schedule: ``constant``, ``linear``, ``adaptive`` (it follows the KL divergence) or ``other``.
        n_steps: Environment steps that each environment takes between two updates.
        n_envs: Parallel environments.
        n_epochs: Passes over each rollout.
        batch_size: Samples of one gradient step.
        clip_range: PPO's, of the probability ratio, at the start.
        clip_range_schedule: As ``learning_rate_schedule``.
        clip_range_vf: PPO's, of the value function.
        gamma: Discount factor of one step, in [0, 1].
        gae_lambda: Of generalized advantage estimation, in [0, 1].
        ent_coef: Weight of the entropy bonus in the loss; of SAC only where it is fixed.
        vf_coef: Weight of the value loss.
        max_grad_norm: Largest norm of a gradient; ``None`` also where gradients are not clipped.
        target_kl: KL divergence at which an update stops early.
        normalize_advantage: Whether advantages are normalised.
        use_sde: Whether exploration depends on the state (gSDE).
        log_std_init: Logarithm of the initial standard deviation of the actions.
        net_arch: Sizes of the policy's hidden layers.
        activation: The activation function in lower case, such as ``tanh``.
        normalize_observations: Whether observations are normalised by running statistics.
        normalize_rewards: Whether rewards or value targets are.
        total_steps: Environment steps of the whole training.
        seed: Of the training.
        buffer_size: Transitions in the replay buffer.
        learning_starts: Environment steps before the first update.
        train_freq: Environment steps that each environment takes between two updates, of a method with a replay buffer.
        gradient_steps: Gradient steps of one update; -1 for as many as environment steps were taken.
        updates_per_step: Gradient steps for each environment step; follows from the two above and ``n_envs``.
        target_update_interval: Environment steps between two copies of DQN's network to its target.
        tau: Share by which a target network follows at each update, in [0, 1].
        exploration_fraction: Fraction of the training over which DQN's random actions become rare.
        exploration_final_eps: Probability of a random action after that.
        action_noise_std: Standard deviation of Gaussian noise on actions in [-1, 1].
        framework: Key of ``checks/tags/``: what logs such a training; empty where that is not certain.
        places: Name of each setting above to where it stands.
        findings: Files that could not be read or were left out, and settings on which two files disagree.
        entries: Everything that the files state, by the files' own keys.
    """

    library: str = ""
    algorithm: str = ""
    env: str = ""
    learning_rate: float | None = None
    learning_rate_schedule: str | None = None
    n_steps: int | None = None
    n_envs: int | None = None
    n_epochs: int | None = None
    batch_size: int | None = None
    clip_range: float | None = None
    clip_range_schedule: str | None = None
    clip_range_vf: float | None = None
    gamma: float | None = None
    gae_lambda: float | None = None
    ent_coef: float | None = None
    vf_coef: float | None = None
    max_grad_norm: float | None = None
    target_kl: float | None = None
    normalize_advantage: bool | None = None
    use_sde: bool | None = None
    log_std_init: float | None = None
    net_arch: tuple[int, ...] | None = None
    activation: str | None = None
    normalize_observations: bool | None = None
    normalize_rewards: bool | None = None
    total_steps: int | None = None
    seed: int | None = None
    buffer_size: int | None = None
    learning_starts: int | None = None
    train_freq: int | None = None
    gradient_steps: int | None = None
    updates_per_step: float | None = None
    target_update_interval: int | None = None
    tau: float | None = None
    exploration_fraction: float | None = None
    exploration_final_eps: float | None = None
    action_noise_std: float | None = None
    framework: str = ""
    places: Mapping[str, Place] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    entries: Mapping[str, Json] = field(default_factory=dict)

    def stated(self) -> dict[str, Json]:
        """Return the settings that are known, by name, those that are the library's defaults included."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) not in (None, "")}

    def where(self, name: str) -> str:
        """Return where a setting stands, as ``in params/agent.yaml, line 14``; empty for one that is not known."""
        return str(self.places[name]) if name in self.places else ""


# Weaker observations count in the odds, but are not worth a reader's line; as for signs of the logs.
_SHOWN_FROM = 0.5
_ABOUT = ("framework", "places", "findings", "entries")
SETTINGS: tuple[str, ...] = tuple(name for name in Settings.__dataclass_fields__ if name not in _ABOUT)
"""The names of all settings, in the order of the normal form."""


@dataclass(frozen=True)
class Statement:
    """All that one witness said.

    Attributes:
        witness: Who.
        examined: What was looked at, in a few words, such as ``FetchReachDense-v4``.
        observations: What was seen.
        baseline_return: Better mean return of the zero-action and the random policy on the environment; ``None`` where
            it was not measured.
        said: What it said, in a few words; the names of what it observed where this is empty.
    """

    witness: Literal["settings", "model", "environment", "test"]
    examined: str
    observations: tuple[Observation, ...] = ()
    baseline_return: float | None = None
    said: str = ""


@dataclass(frozen=True)
class Observation:
    """What a witness other than the logs says for or against causes.

    Attributes:
        witness: Who says it; a ``test`` is a short training that the doctor ran to separate causes.
        code: Family and three digits, such as ``SET101``.
        name: Kebab-case, such as ``learning-rate-high``.
        strength: How clearly, in [0, 1]; from 0.5 on an observation of a fault is worth a finding.
        direction: ``fault``: it supports ``causes``; ``health``: it contradicts them.
        causes: Names of ``checks/diagnoses/``, the likeliest first.
        message: What was observed, and where.
        remedy: The value to set; empty for an observation of health.
        evidence: The numbers: ``setting``, ``observed``, ``expected``, ``file``, ``line``.
        severity: How serious an observation of a fault is.
    """

    witness: Literal["settings", "model", "environment", "test"]
    code: str
    name: str
    strength: float
    direction: Literal["fault", "health"]
    causes: tuple[str, ...]
    message: str
    remedy: str = ""
    evidence: Mapping[str, Json] = field(default_factory=dict)
    severity: Severity = Severity.WARNING

    @property
    def key(self) -> str:
        """What ``checks/weights.toml`` calls it: ``SET101-learning-rate-high``, or ``SET101-passed`` if of health."""
        return f"{self.code}-{self.name if self.direction == 'fault' else 'passed'}"

    @property
    def finding(self) -> Finding | None:
        """The observation as a finding; ``None`` for one of health, a weak one, or a note."""
        if self.direction == "health" or self.strength < _SHOWN_FROM or self.severity is Severity.NOTE:
            return None
        return Finding(self.code, self.name, self.severity, self.message, self.remedy, self.evidence)
