"""Hyperparameters of each algorithm: what each may be, Stable-Baselines3's default, and how ``--set`` reads one."""

from __future__ import annotations

import ast
import contextlib
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from rldoctor import datafile
from rldoctor.datafile import Finite, Positive, Table, Text
from rldoctor.errors import UsageError, near
from rldoctor.model import Json

_NotNegative = Annotated[float, Meta(ge=0, le=1e308)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_AtLeastTwo = Annotated[int, Meta(ge=2)]
_Count = Annotated[int, Meta(ge=0)]
_MinusOneOrMore = Annotated[int, Meta(ge=-1)]
_Schedule = Literal["constant", "linear"]
_Auto = Annotated[str, Meta(pattern=r"^auto(_[0-9]*\.?[0-9]+)?$")]


class Hyperparameters(Table, frozen=True):
    """The settings of an algorithm; a subclass has the defaults of its class in ``stable_baselines3`` 2.9.

    Limits are what the algorithm can compute with, not what is advisable.
    """

    learning_rate: _NotNegative = 3e-4
    learning_rate_schedule: _Schedule = "constant"
    gamma: _Share = 0.99

    ROLLOUT: ClassVar[str] = ""
    """The setting that says how many steps each environment takes between two updates."""
    SMALLEST: ClassVar[Mapping[str, int]] = {}
    """Settings that make the buffer as small as SB3 allows, for a policy that is only played."""

    def misfit(self, _n_envs: int) -> tuple[str, str] | None:
        """Return why these settings cannot be trained with so many environments, and what to do; mostly ``None``."""
        return None


class PPO(Hyperparameters, frozen=True):
    """Settings of PPO (ppo.py)."""

    n_steps: _AtLeastTwo = 2048
    batch_size: _AtLeastTwo = 64
    n_epochs: Positive = 10
    gae_lambda: _Share = 0.95
    clip_range: _NotNegative = 0.2
    clip_range_schedule: _Schedule = "constant"
    clip_range_vf: _NotNegative | None = None
    normalize_advantage: bool = True
    ent_coef: Finite = 0.0
    vf_coef: _NotNegative = 0.5
    max_grad_norm: _NotNegative = 0.5
    target_kl: _NotNegative | None = None
    use_sde: bool = False
    sde_sample_freq: _MinusOneOrMore = -1
    log_std_init: Finite = 0.0
    net_arch: list[Positive] = msgspec.field(default_factory=lambda: [64, 64])

    ROLLOUT: ClassVar[str] = "n_steps"
    SMALLEST: ClassVar[Mapping[str, int]] = {"n_steps": 2, "batch_size": 2}

    def misfit(self, n_envs: int) -> tuple[str, str] | None:
        """Refuse minibatches that are larger than a rollout."""
        rollout = self.n_steps * n_envs
        if self.batch_size <= rollout:
            return None
        return (
            f"batch_size {self.batch_size} is larger than one rollout of n_steps x n_envs = {rollout} steps.",
            f"Set batch_size to at most {rollout}.",
        )


class _OffPolicy(Hyperparameters, frozen=True):
    """Settings of what learns from a replay buffer (off_policy_algorithm.py).

    ``her`` replays goals in hindsight: of each transition, ``her_n_sampled_goal`` are replayed with a goal that was
    reached later (her_replay_buffer.py). ``n_steps`` is that of n-step returns.
    """

    buffer_size: Positive = 1_000_000
    learning_starts: _Count = 100
    batch_size: Positive = 256
    tau: _Share = 0.005
    train_freq: Positive = 1
    gradient_steps: _MinusOneOrMore = 1
    n_steps: Positive = 1
    her: bool = False
    her_n_sampled_goal: Positive = 4
    her_goal_selection_strategy: Literal["future", "final", "episode"] = "future"
    net_arch: list[Positive] = msgspec.field(default_factory=lambda: [256, 256])

    ROLLOUT: ClassVar[str] = "train_freq"
    SMALLEST: ClassVar[Mapping[str, int]] = {"buffer_size": 1}

    def misfit(self, n_envs: int) -> tuple[str, str] | None:
        """Refuse a buffer without room for a step, and n-step returns of relabelled goals, which SB3 has not.

        A batch may be larger than the buffer: it is drawn with replacement (stable_baselines3/common/buffers.py).
        """
        if self.buffer_size < n_envs:
            return (
                f"buffer_size {self.buffer_size} holds no step of {n_envs} environments.",
                f"Set buffer_size to at least {n_envs}.",
            )
        if self.her and self.n_steps > 1:
            return "n_steps above 1 does not work together with her.", "Set n_steps=1 or her=false."
        return None


class SAC(_OffPolicy, frozen=True):
    """Settings of SAC (sac.py). The standard deviation of ``action_noise_std`` is one of actions in [-1, 1]."""

    ent_coef: _NotNegative | _Auto = "auto"
    target_entropy: Finite | Literal["auto"] = "auto"
    target_update_interval: Positive = 1
    action_noise_std: _NotNegative = 0.0
    use_sde: bool = False
    sde_sample_freq: _MinusOneOrMore = -1
    log_std_init: Finite = -3.0


class DDPG(_OffPolicy, frozen=True):
    """Settings of DDPG (ddpg.py); without ``action_noise_std`` it does not explore once it learns."""

    learning_rate: _NotNegative = 1e-3
    action_noise_std: _NotNegative = 0.0
    net_arch: list[Positive] = msgspec.field(default_factory=lambda: [400, 300])


class TD3(DDPG, frozen=True):
    """Settings of TD3 (td3.py)."""

    policy_delay: Positive = 2
    target_policy_noise: _NotNegative = 0.2
    target_noise_clip: _NotNegative = 0.5


class DQN(_OffPolicy, frozen=True):
    """Settings of DQN (dqn.py)."""

    learning_rate: _NotNegative = 1e-4
    batch_size: Positive = 32
    tau: _Share = 1.0
    train_freq: Positive = 4
    target_update_interval: Positive = 10_000
    exploration_fraction: Annotated[float, Meta(gt=0, le=1)] = 0.1
    exploration_initial_eps: _Share = 1.0
    exploration_final_eps: _Share = 0.05
    max_grad_norm: _NotNegative = 10.0
    net_arch: list[Positive] = msgspec.field(default_factory=lambda: [64, 64])


AlgorithmName = Literal["ppo", "sac", "td3", "ddpg", "dqn"]
ALGORITHMS: Mapping[str, type[Hyperparameters]] = {"ppo": PPO, "sac": SAC, "td3": TD3, "ddpg": DDPG, "dqn": DQN}
"""What rldoctor trains: the name of each algorithm to its settings."""
DEFAULTS: Mapping[str, Mapping[str, Json]] = {name: msgspec.to_builtins(kind()) for name, kind in ALGORITHMS.items()}
"""Name of each algorithm to the default of each of its settings."""
SETTINGS = frozenset().union(*DEFAULTS.values())
"""Names of the settings of all algorithms."""
OFF_POLICY = frozenset(name for name, kind in ALGORITHMS.items() if issubclass(kind, _OffPolicy))
"""The algorithms that learn from a replay buffer."""
_KINDS: dict[str, dict[str, Any]] = {
    name: {field.name: field.type for field in msgspec.structs.fields(kind)} for name, kind in ALGORITHMS.items()
}
_OF_RECIPES: dict[str, Any] = {
    "algorithm": AlgorithmName,
    "env": Text,
    "total_steps": Positive,
    "n_envs": Positive,
    "max_episode_steps": Positive | None,
}
# Settings of SAC that are a number or begin with "auto".
_NUMBER_OR_WORD = ("ent_coef", "target_entropy")
ENV_KWARGS = "env_kwargs."
"""Begins the key of an argument of the environment's constructor: ``env_kwargs.size=5``."""


def parse(key: str, text: str, where: str, algorithm: str = "ppo") -> Json:
    """Turn the text of ``--set key=text`` into a checked value.

    Raises:
        UsageError: The algorithm has no such key, or the value is not of its type or outside its limits.
    """
    if key.startswith(ENV_KWARGS):
        return _argument(text)
    kinds = {**_KINDS[algorithm], **_OF_RECIPES}
    if key not in kinds:
        others = [name.upper() for name, settings in _KINDS.items() if key in settings]
        if not others:
            raise UsageError(f"{where}: there is no setting called {key!r}.", near(key, kinds))
        raise UsageError(
            f"{where}: {algorithm.upper()} has no setting called {key!r}.",
            f"It is one of {', '.join(others)}; --set algorithm=NAME changes the algorithm.",
        )
    value: Json = text
    if key == "net_arch":
        value = text.strip("[] ").replace(",", " ").split()
    elif text.lower() in ("none", "null"):
        value = None
    elif key in _NUMBER_OR_WORD:
        value = _argument(text.lower())
    elif key != "env":
        # 500_000 is how people write steps, False how they write Python.
        value = text.replace("_", "").lower()
    checked: Json = datafile.check(value, kinds[key], where, key, strict=False)
    return checked


def is_value(value: Json, key: str, algorithm: str) -> bool:
    """Return whether a value is one that a setting of an algorithm may have."""
    try:
        msgspec.convert(value, _KINDS[algorithm][key])
    except msgspec.ValidationError:
        return False
    return True


def _argument(text: str) -> Json:
    """Return the value of a constructor's argument: a number, truth value, None or list where it reads as one."""
    words: dict[str, Json] = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    with contextlib.suppress(ValueError, SyntaxError, TypeError, msgspec.MsgspecError):
        value = ast.literal_eval(text)
        if isinstance(value, (int, str, list, tuple, dict)) or (isinstance(value, float) and math.isfinite(value)):
            # As run.json will hold it: a tuple is a list there.
            return msgspec.json.decode(msgspec.json.encode(value))  # type: ignore[no-any-return]
    return text
