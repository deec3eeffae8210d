"""The report as one JSON object. Its keys are public and versioned: see docs/decisions/0003."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from rldoctor.errors import RldoctorError
from rldoctor.model import PackedRuns, Report, Result, RunDiagnosis
from rldoctor.model.report_json import VERSION, plain, run_json, subject_json


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
    subjects = report.subjects.tables() if isinstance(report.subjects, PackedRuns) else report.subjects
    for place, subject in enumerate(subjects):
        yield f"{',' if place else ''}\n    {_dump_subject(subject)}"
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


def _dump_subject(subject: Result | dict[str, Any]) -> str:
    """Return a subject, or the table of a packed run, as JSON, indented as it is below ``subjects``."""
    text = _dump_run(subject) if isinstance(subject, (RunDiagnosis, dict)) else None
    if text is None:
        text = _dump(run_json(subject) if isinstance(subject, dict) else subject_json(subject))
    return text.replace("\n", "\n    ")


def _dump_run(run: RunDiagnosis | dict[str, Any]) -> str | None:
    """Return a run as JSON, compiled; ``None`` for one with NaN, or with a path that is not UTF-8."""
    try:
        # json is compiled where it does not indent, and refuses NaN, which msgspec would write as null.
        line = json.dumps(run_json(run), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        return None
    return msgspec.json.format(line, indent=2).decode()


def _dump(content: Any) -> str:
    return json.dumps(plain(content), indent=2, allow_nan=False, ensure_ascii=False)
