"""Event files read back: ``discover`` finds the runs below a path, ``read_run`` reads one into canonical curves."""

from rldoctor.logs.discover import discover
from rldoctor.logs.read import read_run

__all__ = ["discover", "read_run"]
