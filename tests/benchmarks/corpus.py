"""The recorded runs with what is known about them: which fault was put in, and which diagnoses would be right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldoctor.faults import find
from rldoctor.logs import discover, read_run
from rldoctor.model import Run

HERE = Path(__file__).resolve().parent.parent / "runs"


@dataclass(frozen=True)
class Patient:
    """A recorded run whose illness is known.

    Attributes:
        run: The curves.
        fault: Name of the fault that was put in; empty for a healthy run.
        severity: Of the fault.
        right: The diagnoses that would be right, best first; ``("healthy",)`` for none.
    """

    run: Run
    fault: str
    severity: str
    right: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        return self.right == ("healthy",)


def patients(roots: Sequence[Path] = (HERE,)) -> Iterator[Patient]:
    for directory in discover(list(roots)):
        label = directory / "label.json"
        name, _, severity = (json.loads(label.read_text())["fault"] if label.is_file() else "").partition(":")
        right = (find(name).diagnoses or ("healthy",)) if name else ("healthy",)
        yield Patient(read_run(directory), name, severity, right)
