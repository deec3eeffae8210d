"""The doctor as a callback of RLlib: ``config.callbacks(rldoctor.adapters.rllib.DoctorRLlibCallback)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.rllib.callbacks.callbacks import RLlibCallback

from rldoctor.adapters.doctor import Doctor

# RLlib's counters of environment steps, in its two API stacks, and what its TensorBoard logger puts before tags.
_COUNTERS = ("num_env_steps_sampled_lifetime", "num_env_steps_sampled", "timesteps_total")
_PREFIX = "ray/tune/"


class DoctorRLlibCallback(RLlibCallback):
    """Diagnoses an RLlib training while it runs; a stop is up to the user: ``callback.doctor.should_stop``."""

    total_steps: int | None = None
    """Environment steps that the training will have, where a subclass says so."""

    def __init__(self) -> None:
        super().__init__()
        self.doctor = Doctor(self.total_steps, name="RLlib training", framework="rllib")

    def on_train_result(self, *, result: Mapping[str, Any], **_: Any) -> None:
        """Take the result of an iteration."""
        flat = dict(_flat(result))
        step = next((value for name, value in flat.items() if name.rpartition("/")[2] in _COUNTERS), None)
        if step is not None:
            self.doctor.log(int(step), {_PREFIX + name: value for name, value in flat.items()})


def _flat(result: Mapping[str, Any], before: str = "") -> list[tuple[str, float]]:
    """Return nested results as tags with slashes."""
    found: list[tuple[str, float]] = []
    for name, value in result.items():
        if isinstance(value, Mapping):
            if name != "config":
                found += _flat(value, f"{before}{name}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found.append((f"{before}{name}", float(value)))
    return found
