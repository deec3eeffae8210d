"""Whether the clock of the machine decides what an environment does."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from rldoctor.preflight.measurements import trajectory
from rldoctor.preflight.probes.inspection import layers

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

_CLOCKS = ("time", "perf_counter", "monotonic", "time_ns", "perf_counter_ns", "monotonic_ns")
# Wrappers that measure.
_LIBRARIES = {"gymnasium", "stable_baselines3", "rldoctor"}
# Between two calls of a clock that was replaced.
_TICK = 0.01


def decides(env: Env, steps: int) -> str:
    """Return the clock that an environment reads where seed 0 repeats itself with an even one; empty for none."""
    read: set[str] = set()
    plays = []
    for _ in range(2):
        with _even(env, read):
            plays.append(trajectory(env, 0, steps))
    alike = plays[0].shape == plays[1].shape and np.array_equal(plays[0], plays[1], equal_nan=True)
    return f"time.{min(read)}()" if read and alike else ""


@contextlib.contextmanager
def _even(env: Env, read: set[str]) -> Iterator[None]:
    """Let the environment's own modules read a clock that goes on by the same time between two calls."""
    every = {type(layer).__module__ for layer in layers(env)}
    modules = {name for name in every if name.partition(".")[0] not in _LIBRARIES}
    calls = 0

    def instead(name: str, original: Callable[[], float]) -> Callable[[], float]:
        def clock() -> float:
            nonlocal calls
            if sys._getframe(1).f_globals.get("__name__") not in modules:
                return original()
            calls += 1
            read.add(name)
            return int(1e9 * _TICK) * calls if name.endswith("_ns") else _TICK * calls

        return clock

    with contextlib.ExitStack() as stack:
        clocks = {name: getattr(time, name) for name in _CLOCKS}
        for module in (time, *(sys.modules[name] for name in modules if name in sys.modules)):
            for name, value in list(vars(module).items()):
                known = next((one for one, clock in clocks.items() if value is clock), None)
                if known:
                    setattr(module, name, instead(known, clocks[known]))
                    stack.callback(setattr, module, name, value)
        yield
