"""Event files read back: ``discover`` finds the runs below a path, ``read_run`` reads one into canonical curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rldoctor.logs.discovery import discover
    from rldoctor.logs.read import read_run

__all__ = ["discover", "read_run"]


def __getattr__(name: str) -> Any:
    # Late: rldoctor explain needs the dictionaries of names, and neither TensorBoard's classes nor numpy for them.
    if name == "discover":
        from rldoctor.logs.discovery import discover

        return discover
    if name == "read_run":
        from rldoctor.logs.read import read_run

        return read_run
    raise AttributeError(name)
