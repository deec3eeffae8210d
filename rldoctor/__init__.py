"""rldoctor: a doctor for reinforcement-learning training.

``rldoctor.diagnose(runs)``, ``rldoctor.gate(runs)`` and ``rldoctor.preflight(env)`` return a report, as the command
words of the same names print it. ``rldoctor.DoctorCallback`` examines any Stable-Baselines3 training from inside.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rldoctor.api import diagnose, gate, preflight
    from rldoctor.model import Report, Verdict
    from rldoctor.training.doctor import DoctorCallback

__version__ = "0.1.0"
__all__ = ["DoctorCallback", "Report", "Verdict", "__version__", "diagnose", "gate", "preflight"]

# Loaded when asked for: the command line must start fast, and diagnosing needs neither torch nor Stable-Baselines3.
_HOMES = {
    "diagnose": "rldoctor.api",
    "gate": "rldoctor.api",
    "preflight": "rldoctor.api",
    "Report": "rldoctor.model",
    "Verdict": "rldoctor.model",
    "DoctorCallback": "rldoctor.training.doctor",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ImportError as error:
        # hasattr() and the like must see an attribute that is not there, with the reason.
        raise AttributeError(f"{name} needs the packages of rldoctor's train extra: {error}") from error
