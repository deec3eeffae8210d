"""Changes of a good recipe, and the diagnoses that are right for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from benchmarks.environments.wrappers import Noise, Scaled


@dataclass(frozen=True)
class Fault:
    """A change of a good recipe, and the diagnoses that are right for it, best first."""

    words: str
    diagnoses: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    wrap: Callable[[gymnasium.Env], gymnasium.Env] = lambda env: env


FAULTS: Mapping[str, Fault] = {
    "": Fault("", ()),
    "learning-rate-high": Fault(
        "learning_rate = 0.1",
        ("learning-rate-too-high", "updates-too-aggressive", "policy-collapsed"),
        {"learning_rate": 0.1},
    ),
    "learning-rate-low": Fault("learning_rate = 1e-7", ("updates-too-small",), {"learning_rate": 1e-7}),
    "entropy-bonus": Fault("ent_coef = 1", ("entropy-too-high",), {"ent_coef": 1.0}),
    "reward-constant": Fault(
        "the reward is always 1", ("reward-uninformative",), wrap=lambda env: Scaled(env, 0.0, 1.0)
    ),
    "reward-noise": Fault("the reward is noise", ("reward-uninformative",), wrap=Noise),
}
