"""Hyperparameters of PPO: what each may be, Stable-Baselines3's default, and how ``--set`` reads one."""

from __future__ import annotations

import ast
import contextlib
import math
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rldoctor import datafile
from rldoctor.datafile import Finite, Positive, Table, Text
from rldoctor.errors import UsageError, near
from rldoctor.model import Json

_NotNegative = Annotated[float, Meta(ge=0, le=1e308)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_AtLeastTwo = Annotated[int, Meta(ge=2)]
_Schedule = Literal["constant", "linear"]


class Hyperparameters(Table, frozen=True):
    """The settings of a recipe.

    Defaults are those of ``stable_baselines3.PPO`` 2.9 (ppo.py); limits are what PPO can compute with, not what is
    advisable.
    """

    learning_rate: _NotNegative = 3e-4
    learning_rate_schedule: _Schedule = "constant"
    n_steps: _AtLeastTwo = 2048
    batch_size: _AtLeastTwo = 64
    n_epochs: Positive = 10
    gamma: _Share = 0.99
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
    sde_sample_freq: Annotated[int, Meta(ge=-1)] = -1
    log_std_init: Finite = 0.0
    net_arch: list[Positive] = msgspec.field(default_factory=lambda: [64, 64])


HYPERPARAMETERS: dict[str, Json] = msgspec.to_builtins(Hyperparameters())
"""Name of each hyperparameter to its default."""
_KINDS: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Hyperparameters)}
_KINDS |= {"env": Text, "total_steps": Positive, "n_envs": Positive, "max_episode_steps": Positive | None}
ENV_KWARGS = "env_kwargs."
"""Begins the key of an argument of the environment's constructor: ``env_kwargs.size=5``."""


def parse(key: str, text: str, where: str) -> Json:
    """Turn the text of ``--set key=text`` into a checked value.

    Raises:
        UsageError: The key is unknown, or the value is not of its type or outside its limits.
    """
    if key.startswith(ENV_KWARGS):
        return _argument(text)
    if key not in _KINDS:
        raise UsageError(f"{where}: there is no setting called {key!r}.", near(key, _KINDS))
    value: Json = text
    if key == "net_arch":
        value = text.strip("[] ").replace(",", " ").split()
    elif text.lower() in ("none", "null"):
        value = None
    elif key != "env":
        # 500_000 is how people write steps, False how they write Python.
        value = text.replace("_", "").lower()
    checked: Json = datafile.check(value, _KINDS[key], where, key, strict=False)
    return checked


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
