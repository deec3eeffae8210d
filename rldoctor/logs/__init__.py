"""Training logs read back: ``discover`` finds the runs below a path, ``read_run`` reads one into canonical curves."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rldoctor.logs.discovery import discover
    from rldoctor.logs.read import read_run

__all__ = ["discover", "read_run"]
_MODULES = {"discover": "discovery", "read_run": "read"}


def __getattr__(name: str) -> Any:
    # Late: rldoctor explain needs the tag mappings, but neither TensorBoard's classes nor numpy.
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(name)
