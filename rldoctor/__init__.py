"""rldoctor: a doctor for reinforcement-learning training.

``rldoctor.DoctorCallback`` examines any Stable-Baselines3 training from inside.
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["DoctorCallback", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the callback when it is asked for: the rest of rldoctor needs neither torch nor Stable-Baselines3."""
    if name != "DoctorCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module("rldoctor.training.doctor").DoctorCallback
    except ImportError as error:
        # hasattr() and the like must see an attribute that is not there, with the reason.
        raise AttributeError(f"DoctorCallback needs the packages of rldoctor's train extra: {error}") from error
