"""The JSON report, version 1: what its keys are called, and how a saved report is read back.

Within version 1 every subject has the same keys, whatever its type: see docs/decisions/0003.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import msgspec

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model.audit import AuditResult
from rldoctor.model.comparison import ComparisonResult
from rldoctor.model.enums import Json, Verdict
from rldoctor.model.overview import OverviewResult
from rldoctor.model.report import Report
from rldoctor.model.results import (
    GateResult,
    PreflightResult,
    ProbeResult,
    Result,
    RunDiagnosis,
    SweepResult,
    TreatmentResult,
)

VERSION = 1
RESULTS: tuple[type[Result], ...] = (
    RunDiagnosis,
    PreflightResult,
    GateResult,
    SweepResult,
    TreatmentResult,
    ComparisonResult,
    AuditResult,
    ProbeResult,
    OverviewResult,
)
# Fields that have another name in JSON.
RENAMED = {"evidence_for": "for", "evidence_against": "against", "checks": "examinations", "runs": "patients"}
_FIELDS = {key: name for name, key in RENAMED.items()}
# Keys of every subject, with what stands there where its type has no such field; the others come only when filled.
ALWAYS: Mapping[str, Json] = {
    **dict.fromkeys(("path", "kind", "verdict", "title", "framework", "reference", "reference_why"), ""),
    "steps": 0,
    "summary": "",
    **dict.fromkeys(("diagnoses", "findings", "unjudged", "examinations", "criteria", "table"), ()),
    "facts": {},
}
# A report of five thousand runs has 450 MB.
_MOST_BYTES = 2**30


def subject_json(result: Result) -> dict[str, Any]:
    """Return a result as a subject of the report."""
    return _subject(result, plain(result))


def run_json(run: RunDiagnosis | dict[str, Any]) -> dict[str, Any]:
    """Return a run as :func:`subject_json` does but for numbers that are none: compiled, as there may be thousands.

    Args:
        run: The run, or its table as :class:`~rldoctor.model.report.PackedRuns` has it.

    Raises:
        TypeError: It holds what only :func:`plain` can make JSON of.
    """
    table: dict[str, Any] = run if isinstance(run, dict) else msgspec.to_builtins(run)
    table["diagnoses"] = [{RENAMED.get(key, key): value for key, value in one.items()} for one in table["diagnoses"]]
    return {**ALWAYS, "kind": RunDiagnosis.kind, **_filled(table)}


def _subject(result: Result, table: Mapping[str, Any]) -> dict[str, Any]:
    own = _filled(table)
    if "patients" in own:
        own["patients"] = [subject_json(run) for run in result.runs]  # type: ignore[attr-defined]
    return {**ALWAYS, "kind": result.kind, **own}


def _filled(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key in ALWAYS or value not in ("", [], (), {}, None)}


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it.

    NaN and infinities are spelt as strings: JSON has no numbers for them, and dropping them would hide a finding.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if is_dataclass(value):
        return {RENAMED.get(field.name, field.name): plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def read_report(file: Path) -> Report:
    """Read a report that ``--format json`` wrote; every value is checked, for the file may be a stranger's.

    ``-`` is standard input.

    Raises:
        UsageError: There is no such file, or it cannot be read.
        CannotJudge: It holds no report, one of another version, or one of an early error.
    """
    name = "Standard input" if str(file) == "-" else str(file)
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
            text = stream.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise CannotJudge(f"{name} is larger than any report.", "Name the file that --format json wrote.")
        content = json.loads(text.decode("utf-8"))
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}.", "Name a report of --format json, or results of --parquet."
        ) from None
    except (ValueError, RecursionError):
        raise CannotJudge(f"{name} is not JSON.", "Name the file that --format json wrote.") from None
    if not isinstance(content, dict) or content.get("rldoctor_report") != VERSION:
        raise CannotJudge(f"{name} is not a report of this version of rldoctor.", "Write it again with --format json.")
    early = content.get("error")
    if isinstance(early, dict):
        raise CannotJudge(str(early.get("problem", "")), str(early.get("cure", "")))
    try:
        results = tuple(map(read_subject, msgspec.convert(content["subjects"], list[Any])))
        command, code = msgspec.convert(content["command"], str), msgspec.convert(content["exit_code"], int)
        verdict = msgspec.convert(content["verdict"], Verdict)
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise CannotJudge(f"{name} is a damaged report: {error}.", "Write it again with --format json.") from None
    # A suspect verdict fails only where --fail-on suspect was asked for.
    fail_on = Verdict.SUSPECT if verdict is Verdict.SUSPECT and code == 1 else Verdict.SICK
    return Report(command, results, verdict, code, fail_on)


def read_subject(subject: Any) -> Result:
    """Return the result that a subject of a report was written from; what its type does not have must be empty.

    Raises:
        ValueError: It is none; so do ``KeyError``, ``TypeError`` and ``msgspec.ValidationError``.
    """
    table = _named(msgspec.convert(subject, dict[str, Any]))
    found = next((result for result in RESULTS if result.kind == table["kind"]), None)
    if found is None:
        raise ValueError(f"{str(table['kind'])[:40]!r} is no kind of subject")
    for key in ALWAYS.keys() - {RENAMED.get(field.name, field.name) for field in fields(found)} - {"kind"}:
        if table[_FIELDS.get(key, key)] != plain(ALWAYS[key]):
            raise ValueError(f"a subject of kind {found.kind} has no {key}")
    # Not strict: NaN and infinities are texts.
    return msgspec.convert(table, found, strict=False)


def _named(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table with the names of fields for its keys, in the tables below it too."""
    named = {_FIELDS.get(key, key): value for key, value in table.items()}
    for key in ("diagnoses", "runs"):
        if isinstance(named.get(key), list):
            named[key] = [_named(one) if isinstance(one, dict) else one for one in named[key]]
    return named
