"""What a fault is, and where all of them are found."""

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


@dataclass(frozen=True)
class Fault:
    """One way to break a training.

    Attributes:
        name: Kebab-case.
        breaks: One sentence, what is broken.
        diagnoses: Names of the diagnoses that would be right, the best first.
        severities: Word to strength of the knob, mildest first; what the number means is said in ``breaks``.
        settings: From the knob to the overrides ``key=value`` of the recipe.
        wrap: From the knob to a wrapper around each environment.
        adjust: From the knob to a change of the PPO object after it is built.
        spoil: From the knob to what is done to the logs: takes the run's directory and a function that trains the
            same recipe once more, with another seed, into a directory.
        always_harms: True where the training may go well and the user is misled all the same (a dead success flag,
            mixed logs); elsewhere the outcome tells.
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
    found: dict[str, Fault] = {}
    for module in pkgutil.iter_modules(package.__path__, "rldoctor.experiments.faults."):
        for fault in getattr(importlib.import_module(module.name), "FAULTS", ()):
            found[fault.name] = fault
    return tuple(found[name] for name in sorted(found))


def find(name: str) -> Fault:
    """Return the fault called ``name``.

    Raises:
        UsageError: There is none; the message offers close matches.
    """
    faults = {fault.name: fault for fault in all_faults()}
    if name not in faults:
        raise UsageError(f"There is no fault called {name!r}.", near(name, faults))
    return faults[name]
