"""Settings: what each hyperparameter may be, and the check that a value is one of its kind and in its range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rldoctor.errors import UsageError, near
from rldoctor.model import Json


@dataclass(frozen=True)
class Setting:
    """What one hyperparameter may be: its type, its range (inclusive) or its words, and SB3's default."""

    kind: type
    default: Json
    low: float = -math.inf
    high: float = math.inf
    words: tuple[str, ...] = ()
    nullable: bool = False


_SCHEDULES = ("constant", "linear")

# Defaults are those of stable_baselines3.PPO 2.9 (ppo.py); ranges are what PPO can compute with, not what is wise.
HYPERPARAMETERS: Mapping[str, Setting] = {
    "learning_rate": Setting(float, 3e-4, 0.0),
    "learning_rate_schedule": Setting(str, "constant", words=_SCHEDULES),
    "n_steps": Setting(int, 2048, 2),
    "batch_size": Setting(int, 64, 2),
    "n_epochs": Setting(int, 10, 1),
    "gamma": Setting(float, 0.99, 0.0, 1.0),
    "gae_lambda": Setting(float, 0.95, 0.0, 1.0),
    "clip_range": Setting(float, 0.2, 0.0),
    "clip_range_schedule": Setting(str, "constant", words=_SCHEDULES),
    "clip_range_vf": Setting(float, None, 0.0, nullable=True),
    "normalize_advantage": Setting(bool, True),
    "ent_coef": Setting(float, 0.0),
    "vf_coef": Setting(float, 0.5, 0.0),
    "max_grad_norm": Setting(float, 0.5, 0.0),
    "target_kl": Setting(float, None, 0.0, nullable=True),
    "use_sde": Setting(bool, False),
    "sde_sample_freq": Setting(int, -1, -1),
    "log_std_init": Setting(float, 0.0),
    "net_arch": Setting(list, [64, 64]),
}
_TOP_LEVEL: Mapping[str, Setting] = {
    "env": Setting(str, ""),
    "total_steps": Setting(int, 0, 1),
    "n_envs": Setting(int, 1, 1),
}


def parse(key: str, text: str, where: str) -> Json:
    """Turn the text of ``--set key=text`` into a checked value.

    Raises:
        UsageError: The key is unknown, or the value is not of its type or outside its range.
    """
    settings = {**HYPERPARAMETERS, **_TOP_LEVEL}
    if key not in settings:
        raise UsageError(f"{where}: there is no setting called {key!r}.", near(key, settings))
    kind = settings[key].kind
    value: Json = text
    try:
        if text.lower() in ("none", "null"):
            value = None
        elif kind is bool:
            value = {"true": True, "false": False}[text.lower()]
        elif kind is int:
            # 5e5 and 500_000 are how people write steps.
            value = int(text) if text.lstrip("-").replace("_", "").isdigit() else _exact_int(float(text))
        elif kind is float:
            value = float(text)
        elif kind is list:
            value = [int(width) for width in text.strip("[] ").replace(",", " ").split()]
    except (KeyError, ValueError, OverflowError):
        raise UsageError(f"{where}: {key}={text} is not a valid {kind.__name__}.") from None
    return check(key, value, where)


def _exact_int(number: float) -> int:
    if number != int(number):
        raise ValueError
    return int(number)


def check(key: str, value: Json, where: str) -> Json:
    """Return a setting's value, a whole number as a float where the setting is one.

    Args:
        key: Of ``HYPERPARAMETERS``, or ``env``, ``total_steps`` or ``n_envs``.
        value: What stands in the file or the command line.
        where: Which of both, for the message.

    Raises:
        UsageError: The key is unknown, or the value is not of its type or outside its range.
    """
    settings = {**HYPERPARAMETERS, **_TOP_LEVEL}
    if key not in settings:
        raise UsageError(f"{where}: there is no setting called {key!r}.", near(key, settings))
    setting = settings[key]
    if value is None and setting.nullable:
        return None
    if setting.kind is float and isinstance(value, int) and not isinstance(value, bool):
        # A whole number too large for a float is refused below as not finite.
        value = float(value) if abs(value) < 1e308 else math.inf
    if not isinstance(value, setting.kind) or (isinstance(value, bool) and setting.kind is not bool):
        raise UsageError(f"{where}: {key} = {value!r} must be of type {setting.kind.__name__}.")
    if isinstance(value, (int, float)) and not setting.low <= value <= setting.high:
        bounds = f"at least {setting.low:g}" if math.isinf(setting.high) else f"in [{setting.low:g}, {setting.high:g}]"
        if math.isinf(setting.low):
            bounds = "a finite number"
        raise UsageError(f"{where}: {key} = {value!r} must be {bounds}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{where}: {key} = {value!r} must be a finite number.")
    if setting.words and value not in setting.words:
        raise UsageError(f"{where}: {key} = {value!r} must be one of: {', '.join(setting.words)}.")
    if setting.kind is list and not all(type(w) is int and w > 0 for w in value):  # type: ignore[union-attr]
        raise UsageError(f"{where}: {key} = {value!r} must be a list of layer widths, such as [64, 64].")
    return value


def number_of(name: str, value: Json, where: str) -> float:
    """Return a finite number, written as one or as text.

    Raises:
        UsageError: It is none.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise UsageError(f"{where}: {name} = {value!r} is not a finite number.")
    return number


def whole(key: str, value: Json, where: str) -> int:
    """Return a whole number of at least 1.

    Raises:
        UsageError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{where}: {key} = {value!r} must be a whole number of at least 1.")
    return value
