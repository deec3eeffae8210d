"""All kinds of faults."""

from benchmarks.broken import actions, episodes, goals, observations, rewards, state, wrappers
from benchmarks.broken.episodes import SET_ORDER
from benchmarks.broken.kinds import KINDS, Kind

__all__ = ["KINDS", "SET_ORDER", "Kind", "actions", "episodes", "goals", "observations", "rewards", "state", "wrappers"]
