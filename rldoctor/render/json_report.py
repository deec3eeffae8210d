"""The report as one JSON object. Its keys are public and versioned: see docs/decisions/0003."""

from __future__ import annotations

import dataclasses
import json
import math
import textwrap
from collections.abc import Iterator
from typing import Any

from rldoctor.errors import RldoctorError
from rldoctor.model import Report, Subject

VERSION = 1


def render_json(report: Report, verbose: bool = False) -> str:
    """Return the report as indented JSON; the same whether verbose or not, so that readers can rely on it."""
    del verbose
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Yield the JSON a subject at a time: that of thousands of runs is hundreds of megabytes."""
    head = {
        "rldoctor_report": VERSION,
        "command": report.command,
        "verdict": report.verdict,
        "exit_code": report.exit_code,
    }
    yield f'{_dump(head).removesuffix("}").rstrip()},\n  "subjects": ['
    for place, subject in enumerate(report.subjects):
        yield f"{',' if place else ''}\n{textwrap.indent(_dump(_subject(subject)), '    ')}"
    yield "\n  ]\n}" if report.subjects else "]\n}"


def render_error(command: str, error: RldoctorError) -> str:
    """Return an early error as a report without subjects, so that ``--format json`` is always JSON."""
    return _dump(
        {
            "rldoctor_report": VERSION,
            "command": command,
            "verdict": "unjudged",
            "exit_code": error.exit_code,
            "subjects": [],
            "error": {"kind": type(error).__name__, "problem": error.problem, "cure": error.cure},
        }
    )


def _subject(subject: Subject) -> dict[str, Any]:
    return _renamed(dataclasses.asdict(subject))


def _renamed(plain: dict[str, Any]) -> dict[str, Any]:
    for diagnosis in plain["diagnoses"]:
        diagnosis["for"] = diagnosis.pop("speaks_for")
        diagnosis["against"] = diagnosis.pop("speaks_against")
    for key in ("settings", "trials", "suppressed", "adjusted", "treatment", "patients"):
        # Of thousands of runs none is a sweep or a treatment, and most projects ask for nothing special.
        if not plain[key]:
            del plain[key]
    for patient in plain.get("patients", ()):
        _renamed(patient)
    return plain


def _dump(content: Any) -> str:
    return json.dumps(_finite(content), indent=2, allow_nan=False, ensure_ascii=False)


def _finite(value: Any) -> Any:
    """Spell NaN and infinities as strings: JSON has no numbers for them, and dropping them would hide a finding."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
