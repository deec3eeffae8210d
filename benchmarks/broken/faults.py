"""All kinds of faults."""

from benchmarks.broken import episodes, goals, memory, moves, payment, sights, wrappers
from benchmarks.broken.episodes import SET_ORDER
from benchmarks.broken.kinds import KINDS, Kind

__all__ = ["KINDS", "SET_ORDER", "Kind", "episodes", "goals", "memory", "moves", "payment", "sights", "wrappers"]
