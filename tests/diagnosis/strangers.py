"""Recorded runs of strangers: other environments, other libraries, none with a run.json (tests/strangers)."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rldoctor.model import RunDiagnosis, Verdict

STRANGERS = Path(__file__).resolve().parents[1] / "strangers"
# What the doctor does not get right, and why.
MISSED: dict[str, str] = tomllib.loads((STRANGERS / "missed.toml").read_text())


@dataclass(frozen=True)
class Stranger:
    """A recorded run with what is known of it (label.json); the doctor never reads the label."""

    name: str
    folder: Path
    label: dict[str, Any]

    @property
    def healthy(self) -> bool:
        return bool(self.label["state"] == "healthy")

    def holds(self, subject: RunDiagnosis) -> bool:
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
