"""A training as ``rldoctor watch`` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rldoctor.model.enums import Verdict

State = Literal["running", "finished", "stalled", "killed", "ended"]
"""``killed``: the writer is gone and the plan is not done; ``ended``: it is gone, and the plan is not known."""


@dataclass(frozen=True, slots=True)
class WatchRow:
    """How one training stands.

    Attributes:
        path: The run.
        verdict: ``unjudged`` while it is too young to say.
        since: Step of the first examination that led to the verdict.
        cause: The most likely cause; empty where nothing is wrong.
        confidence: That the verdict is right, in [0, 1].
        step: The last step that was logged.
        planned: Steps of the whole training; ``None`` where unknown.
        state: Whether it still runs.
        age: Seconds since its logs last grew.
        left: Seconds that it still takes at its pace; ``None`` where that is unknown.
        news: What last changed, as a sentence; empty where nothing has.
        withdrawn_when: What would withdraw a warning, as a sentence.
        remedy: What to change; known once it is sick or suspect.
    """

    path: str
    verdict: Verdict = Verdict.UNJUDGED
    since: int = 0
    cause: str = ""
    confidence: float = 0.0
    step: int = 0
    planned: int | None = None
    state: State = "running"
    age: float = 0.0
    left: float | None = None
    news: str = ""
    withdrawn_when: str = ""
    remedy: str = ""

    @property
    def share(self) -> float | None:
        """The share of the plan that is done, in [0, 1]; ``None`` where the plan is unknown."""
        return min(1.0, self.step / self.planned) if self.planned else None
