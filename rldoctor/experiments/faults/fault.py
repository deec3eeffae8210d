"""What a fault is, the wrapper that most of them are made with, and where all of them are found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
from stable_baselines3 import PPO

from rldoctor.errors import UsageError, near

Env = gymnasium.Env[Any, Any]


class Tampered(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Changes what goes into an environment and what comes out of it.

    Args:
        env: The environment.
        action: Changes an action.
        observation: Changes an array of an observation, given its key (empty for a plain array), the array, and whether
            it is the first of an episode.
        reward: Changes a reward, given the reward, the step's info and the steps so far.
        end: Changes ``terminated, truncated, info``.
    """

    def __init__(
        self,
        env: Env,
        *,
        action: Callable[[Any], Any] | None = None,
        observation: Callable[[str, Any, bool], Any] | None = None,
        reward: Callable[[float, dict[str, Any], int], float] | None = None,
        end: Callable[[bool, bool, dict[str, Any]], tuple[bool, bool, dict[str, Any]]] | None = None,
    ) -> None:
        super().__init__(env)
        self._action, self._observation, self._reward, self._end = action, observation, reward, end
        self._steps = 0

    def reset(self, **kwargs: Any) -> Any:
        """Reset, and change the observation."""
        observation, info = self.env.reset(**kwargs)
        return self._changed(observation, True), info

    def step(self, action: Any) -> Any:
        """Step, and change what there is to change."""
        observation, reward, over, cut, info = self.env.step(self._action(action) if self._action else action)
        self._steps += 1
        if self._reward:
            reward = self._reward(float(reward), info, self._steps)
        if self._end:
            over, cut, info = self._end(over, cut, info)
        return self._changed(observation, False), reward, over, cut, info

    def _changed(self, observation: Any, first: bool) -> Any:
        change = self._observation
        if change is None:
            return observation
        if isinstance(observation, Mapping):
            return {key: change(key, value, first).astype(value.dtype) for key, value in observation.items()}
        return change("", observation, first).astype(observation.dtype)


@dataclass(frozen=True)
class Fault:
    """One way to break a training.

    Attributes:
        name: Kebab-case.
        breaks: What is broken, in one sentence.
        diagnoses: Names of the diagnoses that would be right, the best first.
        severities: Word to strength of the knob, mildest first; ``breaks`` says what the number means.
        settings: From the knob to the overrides ``key=value`` of the recipe.
        wrap: From the knob to a wrapper around each environment.
        adjust: From the knob to a change of the PPO object after it is built.
        spoil: From the knob to what is done to the logs: takes the run's directory and a function that trains the
            same recipe once more, with another seed, into a directory.
        always_harms: The training may go well and the user is misled all the same (a broken success flag, mixed logs);
            otherwise the outcome decides.
        only: Environment ids on which the fault makes sense; empty for all.
    """

    name: str
    breaks: str
    diagnoses: tuple[str, ...]
    severities: Mapping[str, float] = field(default_factory=lambda: {"full": 1.0})
    settings: Callable[[float], tuple[str, ...]] | None = None
    wrap: Callable[[float], Callable[[Env], Env]] | None = None
    adjust: Callable[[float], Callable[[PPO], None]] | None = None
    spoil: Callable[[float], Callable[[Path, Callable[[Path], None]], None]] | None = None
    always_harms: bool = False
    only: tuple[str, ...] = ()

    def knob(self, severity: str) -> float:
        """Return the knob's strength for a severity.

        Raises:
            UsageError: The fault has no such severity.
        """
        if severity not in self.severities:
            known = ", ".join(self.severities)
            raise UsageError(f"The fault {self.name} has no severity {severity!r}.", f"Known: {known}.")
        return self.severities[severity]


@cache
def all_faults() -> tuple[Fault, ...]:
    """Return every fault that a module of this package declares, by name."""
    package = importlib.import_module("rldoctor.experiments.faults")
    modules = pkgutil.iter_modules(package.__path__, "rldoctor.experiments.faults.")
    found = [fault for module in modules for fault in getattr(importlib.import_module(module.name), "FAULTS", ())]
    return tuple(sorted(found, key=lambda fault: fault.name))


def find(name: str) -> Fault:
    """Return the fault called ``name``.

    Raises:
        UsageError: There is none; the message offers close matches.
    """
    faults = {fault.name: fault for fault in all_faults()}
    if name not in faults:
        raise UsageError(f"There is no fault called {name!r}.", near(name, faults))
    return faults[name]
