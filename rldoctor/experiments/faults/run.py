"""Train a recipe with a fault in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from rldoctor import run_directory
from rldoctor.errors import TrainingFailed, UsageError
from rldoctor.experiments.faults.fault import Env, Fault
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.training.train import train
from rldoctor.training.training_callback import Watcher

LABEL_FILE = "label.json"
# Far from the seeds of ordinary runs, so that the second run of a mixed directory is another one.
_SECOND_RUN = 500


def train_with_fault(
    recipe: Recipe, fault: Fault | None, severity: str, directory: Path, seed: int, watcher: Watcher | None = None
) -> None:
    """Train ``recipe`` with ``fault`` into the existing, empty ``directory``, and label it.

    The label (``label.json``) is for measuring the doctor, which never reads it. ``run.json`` has the settings that
    were used, as always, and nothing about the fault. A training that raises because of it is kept as far as it got.
    Without a fault, the run is a healthy one to compare with.

    Raises:
        UsageError: The fault has no such severity, or does not apply to this environment.
    """
    if fault is None:
        fault = Fault(name="", breaks="", diagnoses=())
        severity = "full"
    if fault.only and recipe.env not in fault.only:
        raise UsageError(
            f"The fault {fault.name} does not apply to {recipe.env}.", f"It is made for {', '.join(fault.only)}."
        )
    knob = fault.knob(severity)
    broken = recipe.with_overrides(fault.settings(knob)) if fault.settings else recipe

    sink: list[tuple[float, float]] = []
    fault_wrap = fault.wrap(knob) if fault.wrap else None

    def wrap(env: Env) -> Env:
        unbroken = TrueOutcome(env, sink)
        return fault_wrap(unbroken) if fault_wrap else unbroken

    def into(place: Path, with_seed: int) -> None:
        adjust = fault.adjust(knob) if fault.adjust else None
        try:
            train(broken, place, with_seed, watcher=watcher, wrap=wrap, adjust=adjust)
        except TrainingFailed:
            return

    into(directory, seed)
    outcome = true_outcome(sink)
    if fault.spoil:
        fault.spoil(knob)(directory, lambda place: into(place, seed + _SECOND_RUN))
    label = {
        "fault": f"{fault.name}:{severity}" if fault.name else "",
        "diagnoses": list(fault.diagnoses),
        "reference": recipe.name,
    }
    run_directory.write_json(directory / LABEL_FILE, {**label, "outcome": outcome})


class TrueOutcome(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Keeps the return and success of each episode in the unbroken environment, below every fault."""

    def __init__(self, env: Env, sink: list[tuple[float, float]]) -> None:
        super().__init__(env)
        self._sink = sink
        self._return = 0.0
        self._success = math.nan
        self._steps = 0

    def reset(self, **kwargs: Any) -> Any:
        """Keep the episode that ends here, and reset."""
        self._keep()
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Any:
        """Step and add up."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._return += float(reward)
        self._steps += 1
        self._success = float(info.get("is_success", math.nan))
        return observation, reward, terminated, truncated, info

    def _keep(self) -> None:
        if self._steps:
            self._sink.append((self._return, self._success))
        self._return, self._success, self._steps = 0.0, math.nan, 0


def true_outcome(sink: Sequence[tuple[float, float]], episodes: int = 100) -> dict[str, Json]:
    """Return mean return and success rate of the last ``episodes`` episodes; null where there is none."""
    last = np.array(sink[-episodes:], dtype=np.float64).reshape(-1, 2)
    means = last.mean(axis=0) if len(last) else (math.nan, math.nan)
    return {
        key: None if math.isnan(value) else round(float(value), 4)
        for key, value in zip(("return", "success"), means, strict=True)
    }
