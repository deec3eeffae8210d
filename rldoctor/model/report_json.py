"""The JSON report, version 1: what its keys are called, and how a saved report is read back.

Within version 1 every subject has the same keys, whatever its type: see docs/decisions/0003.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model.enums import Json, Verdict
from rldoctor.model.report import Report
from rldoctor.model.results import (
    GateResult,
    PreflightResult,
    Result,
    RunDiagnosis,
    SweepResult,
    TreatmentResult,
)

VERSION = 1
RESULTS: tuple[type[Result], ...] = (RunDiagnosis, PreflightResult, GateResult, SweepResult, TreatmentResult)
# Fields that have another name in JSON.
RENAMED = {"evidence_for": "for", "evidence_against": "against", "checks": "examinations", "runs": "patients"}
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
    own = {key: value for key, value in plain(result).items() if key in ALWAYS or value not in ("", [], {}, None)}
    if "patients" in own:
        own["patients"] = [subject_json(run) for run in result.runs]  # type: ignore[attr-defined]
    return {**ALWAYS, "kind": result.kind, **own}


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

    Raises:
        UsageError: There is no such file, or it cannot be read.
        CannotJudge: It holds no report, one of another version, or one of an early error.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise CannotJudge(f"{file} is larger than any report.", "Name the file that --format json wrote.")
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Name a report of --format json.") from None
    except (ValueError, RecursionError):
        raise CannotJudge(f"{file} is not JSON.", "Name the file that --format json wrote.") from None
    if not isinstance(content, dict) or content.get("rldoctor_report") != VERSION:
        raise CannotJudge(f"{file} is not a report of this version of rldoctor.", "Write it again with --format json.")
    early = content.get("error")
    if isinstance(early, dict):
        raise CannotJudge(str(early.get("problem", "")), str(early.get("cure", "")))
    try:
        subjects = tuple(_result(subject) for subject in _require(content["subjects"], list))
        verdict, code = _read(Verdict, content["verdict"]), _read(int, content["exit_code"])
        command = _read(str, content["command"])
    except (KeyError, TypeError, ValueError) as error:
        raise CannotJudge(f"{file} is a damaged report: {error}.", "Write it again with --format json.") from None
    # A suspect verdict fails only where --fail-on suspect was asked for.
    fail_on = Verdict.SUSPECT if verdict is Verdict.SUSPECT and code == 1 else Verdict.SICK
    return Report(command, subjects, verdict, code, fail_on)


def _result(subject: Any) -> Result:
    """Return the result that a subject of a report was written from; what its type does not have must be empty."""
    table = _require(subject, dict)
    found = next((result for result in RESULTS if result.kind == table["kind"]), None)
    if found is None:
        raise ValueError(f"{str(table['kind'])[:40]!r} is no kind of subject")
    own = {RENAMED.get(field.name, field.name) for field in fields(found)}
    for key in ALWAYS.keys() - own - {"kind"}:
        if table[key] != plain(ALWAYS[key]):
            raise TypeError(f"a subject of kind {found.kind} has no {key}")
    result: Result = _read(found, table)
    return result


def _read(kind: Any, value: Any) -> Any:
    """Return a JSON value as the type of a field.

    Raises:
        TypeError: It is of another type.
        ValueError: It is no word of an enumeration.
        KeyError: A field is missing.
    """
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else _read(arguments[0], value)
    if origin is tuple:
        return tuple(_read(arguments[0], item) for item in _require(value, list))
    if origin is Mapping:
        inside = is_dataclass(arguments[1])
        return {key: _read(arguments[1], item) if inside else item for key, item in _require(value, dict).items()}
    if kind is float:
        words = ("NaN", "Infinity", "-Infinity")
        return float(value if value in words else _require(value, (int, float)))
    if issubclass(kind, StrEnum):
        return kind(_require(value, str))
    if kind in (str, int, bool):
        return _require(value, kind)
    table = _require(value, dict)
    given = {}
    for name, (key, hint, needed) in _fields(kind).items():
        if key in table:
            given[name] = _read(hint, table[key])
        elif needed:
            raise KeyError(key)
    return kind(**given)


@cache
def _fields(kind: type) -> dict[str, tuple[str, Any, bool]]:
    """Return, by field, its key in JSON, its type, and whether it must be given."""
    hints = get_type_hints(kind)
    return {
        field.name: (
            RENAMED.get(field.name, field.name),
            hints[field.name],
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    }


def _require(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise TypeError(f"{str(value)[:40]!r} is not of type {names}")
    return value
