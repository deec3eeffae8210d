"""The settings of a Stable-Baselines3 model that trains, for the diagnosis of its run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from rldoctor.model import Json
from rldoctor.model.settings import Settings
from rldoctor.settings.in_memory import settings_in_memory

_SCHEDULES = ("learning_rate", "clip_range", "clip_range_vf")


def model_settings(model: Any, planned: int) -> Settings:
    """Return the settings of a model.

    Args:
        model: An SB3 algorithm that begins to learn.
        planned: Steps that it will have.
    """
    algorithm = type(model).__name__
    stated = {name: _plain(value) for name, value in vars(model).items() if not name.startswith("_")}
    stated |= {name: _schedule(value) for name in _SCHEDULES if callable(value := getattr(model, name, None))}
    return settings_in_memory(
        "sb3", {**stated, "algorithm": algorithm, "total_timesteps": planned}, f"{algorithm}(...)"
    )


def _plain(value: Any) -> Json:
    """Return a setting as a file would state it; ``None`` for what is no setting."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None


def _schedule(schedule: Callable[[float], float]) -> Json:
    """Return a schedule as ``model.save`` would: its number where it is constant, otherwise its kind and its start."""
    try:
        # SB3's argument is the progress that remains: 1 at the start.
        start, middle, end = (float(schedule(left)) for left in (1.0, 0.5, 0.0))
    except Exception:  # it is the user's own function
        return {"schedule": "function"}
    if start == middle == end:
        return start
    is_linear = math.isclose(middle, (start + end) / 2, rel_tol=1e-6, abs_tol=1e-12)
    return {"schedule": "linear" if is_linear else "function", "start": start}
