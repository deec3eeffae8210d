"""The first calls to an environment, exactly as it answered them, before anything is stacked or computed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.preflight.blame import raised_in

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

# Three episodes show a later reset that differs from the first; ten steps, one that differs from the first step.
_EPISODES = 3
_STEPS = 10
_FEWEST = 3


@dataclass(frozen=True)
class Call:
    """One call of ``reset`` or ``step``.

    Attributes:
        method: ``reset`` or ``step``.
        when: ``reset(seed=0)`` or ``step 3 of the episode with seed 0``.
        result: What came back; ``None`` where it raised.
        error: What it raised.
    """

    method: str
    when: str
    result: Any = None
    error: BaseException | None = None

    @property
    def observation(self) -> Any:
        """The observation of a result of the right length."""
        return self.result[0]

    @property
    def is_whole(self) -> bool:
        """Whether the result is a tuple of the right length."""
        return isinstance(self.result, tuple) and len(self.result) == (2 if self.method == "reset" else 5)

    @property
    def is_sound(self) -> bool:
        """Whether Monitor and a rollout can use what came back, apart from the observation."""
        if not self.is_whole or not isinstance(self.result[-1], dict):
            return False
        if self.method == "reset":
            return True
        _, reward, terminated, truncated, _ = self.result
        return is_number(reward) and all(
            is_number(flag) and float(flag) in (0.0, 1.0) for flag in (terminated, truncated)
        )


def is_number(value: Any) -> bool:
    """Return whether a value is one real number, Python's or NumPy's, truth values included."""
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        return bool(np.isreal(value))
    return isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "biuf"


def record(env: Env, seconds: float = float("inf")) -> list[Call]:
    """Play a few steps of a few episodes; stop where a call raises or gives something else than a tuple.

    Args:
        env: The environment.
        seconds: After so many no further call is made, but for a reset and two steps.
    """
    from rldoctor.preflight.measurements import draw

    random = np.random.default_rng(0)
    calls: list[Call] = []
    until = time.monotonic() + seconds
    for seed in range(_EPISODES):
        first = _call(env, "reset", f"reset(seed={seed})", {"seed": seed})
        calls.append(first)
        if not first.is_whole:
            return calls
        for step in range(1, _STEPS + 1):
            if len(calls) >= _FEWEST and time.monotonic() > until:
                return calls
            action = draw(env.action_space, random)
            step_call = _call(env, "step", f"step {step} of the episode with seed {seed}", action)
            calls.append(step_call)
            if not step_call.is_whole:
                return calls
            _, _, terminated, truncated, _ = step_call.result
            if any(is_number(flag) and bool(flag) for flag in (terminated, truncated)):
                break
    return calls


def _call(env: Env, method: str, when: str, argument: Any) -> Call:
    def call(layer: Any) -> Any:
        return layer.reset(**argument) if method == "reset" else layer.step(argument)

    try:
        return Call(method, when, call(env))
    except (Exception, SystemExit) as problem:
        if raised_in(problem) or "unpack" not in str(problem):
            return Call(method, when, error=problem)
        # Not the environment's own: a wrapper of Gymnasium failed on what it returned, before anyone could look at it.
        try:
            return Call(method, when, call(env.unwrapped))
        except Exception as again:
            return Call(method, when, error=again)
