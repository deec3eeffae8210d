"""Diagnosis: from a run's curves to a verdict, ranked causes, evidence and remedies."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rldoctor.diagnosis.judge import diagnose_run
    from rldoctor.diagnosis.many import diagnose

__all__ = ["diagnose", "diagnose_run"]
_MODULES = {"diagnose": "many", "diagnose_run": "judge"}


def __getattr__(name: str) -> Any:
    # Late: every command writes reports, and few read logs.
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(name)
