"""rldoctor: a doctor for reinforcement-learning training.

``rldoctor.diagnose(runs)``, ``rldoctor.gate(runs)``, ``rldoctor.preflight(env)`` and ``rldoctor.probe(train)`` return a
report, as the command words of the same names print it. ``rldoctor.evaluate(model, env)`` and
``rldoctor.audit(model, env)`` play a model of your own. ``rldoctor.read_runs(runs)`` returns the curves of runs as one
pandas table. ``rldoctor.DoctorCallback`` examines any Stable-Baselines3 training from inside, ``rldoctor.Doctor`` any
training loop.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rldoctor.version import __version__

if TYPE_CHECKING:
    from rldoctor.adapters.doctor import Doctor
    from rldoctor.api import diagnose, gate, preflight, read_runs
    from rldoctor.callback.doctor_callback import DoctorCallback
    from rldoctor.diagnosis.report import Report
    from rldoctor.model import Verdict
    from rldoctor.probes.in_python import probe
    from rldoctor.training.own_models import audit, evaluate

__all__ = [
    "Doctor",
    "DoctorCallback",
    "Report",
    "Verdict",
    "__version__",
    "audit",
    "diagnose",
    "evaluate",
    "gate",
    "preflight",
    "probe",
    "read_runs",
]

# Loaded when asked for: the command line must start fast, and diagnosing needs neither torch nor Stable-Baselines3.
_HOMES = {
    "audit": "rldoctor.training.own_models",
    "diagnose": "rldoctor.api",
    "evaluate": "rldoctor.training.own_models",
    "gate": "rldoctor.api",
    "preflight": "rldoctor.api",
    "probe": "rldoctor.probes.in_python",
    "read_runs": "rldoctor.api",
    "Report": "rldoctor.diagnosis.report",
    "Verdict": "rldoctor.model",
    "Doctor": "rldoctor.adapters.doctor",
    "DoctorCallback": "rldoctor.callback.doctor_callback",
}


class _Package(ModuleType):
    """This package. ``rldoctor.gate`` and ``rldoctor.preflight`` are functions and folders (docs/decisions/0014)."""

    def __setattr__(self, name: str, value: object) -> None:
        """Keep the public functions: Python sets a folder as an attribute of its package when it is imported."""
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ImportError as error:
        # hasattr() and the like must see an attribute that is not there, with the reason.
        raise AttributeError(f"{name} needs the packages of rldoctor's train extra: {error}") from error


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
