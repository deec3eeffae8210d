"""Stable-Baselines3's Monitor, without the rest of its package where that is not imported yet."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

_NAME = "stable_baselines3.common.monitor"


def monitored(env: Any) -> Any:
    """Put SB3's Monitor around ``env``."""
    return _monitor()(env)


def _monitor() -> Any:
    if "torch" not in sys.modules and (found := _by_itself()):
        return found
    from stable_baselines3.common.monitor import Monitor

    return Monitor


@cache
def _by_itself() -> Any:
    """Return the class from its file: its package imports PyTorch, which takes seconds, and Monitor needs none of it.

    ``None`` where it does not load by itself, as with another version of the package.
    """
    package = importlib.util.find_spec(_NAME.partition(".")[0])
    if package is None or not package.origin:
        return None
    spec = importlib.util.spec_from_file_location(_NAME, Path(package.origin).with_name("common") / "monitor.py")
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception:
        return None
    return getattr(module, "Monitor", None)
