"""Recorded runs of strangers: other environments, other libraries, none with a run.json (tests/strangers)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rldoctor.model import Subject, Verdict

STRANGERS = Path(__file__).resolve().parents[1] / "strangers"
# What the doctor does not get right, and why.
MISSED = {
    "environments/blackjack/healthy-0": "Luck decides nearly all of it: the return looks like noise.",
    "environments/blackjack/healthy-1": "Luck decides nearly all of it: the return looks like noise.",
    "environments/frozen-lake/reward-constant-0": "One point a step, so that the return is the episode's length: so is CartPole's.",
    "environments/half-cheetah/reward-noise-0": "Sixty episodes in all: the mean of the first ones is as far off as learning would take it.",
    "environments/mountain-car-continuous/healthy-1": "Solved by the second episode, before the first logged point: its return is flat.",
    "frameworks/sb3/a2c-cartpole-healthy-0": "It loses at the end what it had learned, without a fault put in: unjudged is right.",
    "frameworks/sb3/a2c-cartpole-healthy-1": "It loses a third of what it had learned, without a fault put in: suspect is right.",
    "frameworks/skrl/ppo-cartpole-entropy-bonus-0": "skrl logs no entropy, only its weighted loss.",
    "frameworks/tianshou/ppo-pendulum-learning-rate-high-0": "Tianshou logs neither KL nor learning rate nor std.",
}


@dataclass(frozen=True)
class Stranger:
    """A recorded run with what is known of it (label.json); the doctor never reads the label."""

    name: str
    folder: Path
    label: dict[str, Any]

    @property
    def healthy(self) -> bool:
        return bool(self.label["state"] == "healthy")

    def holds(self, subject: Subject) -> bool:
        """Whether what the doctor says of it is right: health, or the cause among the first three."""
        if self.healthy:
            return subject.verdict is Verdict.HEALTHY
        named = {diagnosis.name for diagnosis in subject.diagnoses[:3]}
        return subject.verdict in (Verdict.SICK, Verdict.SUSPECT) and bool(named & set(self.label["diagnoses"]))


@cache
def strangers() -> tuple[Stranger, ...]:
    """Return all of them by name."""
    return tuple(
        Stranger(path.parent.relative_to(STRANGERS).as_posix(), path.parent, json.loads(path.read_text()))
        for path in sorted(STRANGERS.rglob("label.json"))
    )
