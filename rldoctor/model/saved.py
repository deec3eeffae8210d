"""A report read back from its JSON, to be shown in another format."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rldoctor import model
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Report, Verdict
from rldoctor.render.json_report import VERSION

# A report of five thousand runs has 450 MB.
_MOST_BYTES = 2**30
_RENAMED = {"speaks_for": "for", "speaks_against": "against"}
_KINDS = {
    kind.__name__: kind
    for kind in (
        *(model.Subject, model.Finding, model.RankedDiagnosis, model.Unjudged, model.Suppressed, model.CheckResult),
        *(model.CriterionResult, model.TableRow, model.SettingResult, model.TrialResult, model.Sample, model.Trend),
        *(model.Verdict, model.Severity, model.Outcome),
        *(model.Treatment, model.TreatmentTrial, model.Remedy, model.Instruction),
        *(model.TreatmentOutcome, model.TrialState),
    )
}
_PLAIN: Mapping[str, type] = {"str": str, "int": int, "bool": bool}


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
        raise CannotJudge(f"{file} is no report of this rldoctor.", "Write it anew with --format json.")
    early = content.get("error")
    if isinstance(early, dict):
        raise CannotJudge(str(early.get("problem", "")), str(early.get("cure", "")))
    try:
        subjects = _value("tuple[Subject, ...]", content["subjects"])
        verdict, code = _value("Verdict", content["verdict"]), _value("int", content["exit_code"])
        command = _value("str", content["command"])
    except (KeyError, TypeError, ValueError) as error:
        raise CannotJudge(f"{file} is a damaged report: {error}.", "Write it anew with --format json.") from None
    # What failed for a suspect verdict was asked to.
    fail_on = Verdict.SUSPECT if verdict is Verdict.SUSPECT and code == 1 else Verdict.SICK
    return Report(command, subjects, verdict, code, fail_on)


def _value(kind: str, value: Any) -> Any:
    """Return ``value`` as the field type that ``kind`` names.

    Raises:
        TypeError: It is of another type.
        ValueError: It is no word of an enumeration.
        KeyError: A field is missing.
    """
    if kind.endswith(" | None"):
        return None if value is None else _value(kind.removesuffix(" | None"), value)
    several = re.fullmatch(r"tuple\[(\w+), \.\.\.\]", kind)
    if several:
        return tuple(_value(several[1], item) for item in _of_type(value, list, "a list"))
    if kind == "float":
        # JSON has no word for these; the writer spells them (rldoctor.render.json_report).
        known = value in ("NaN", "Infinity", "-Infinity") or (
            isinstance(value, (int, float)) and not isinstance(value, bool)
        )
        return float(value) if known else _of_type(value, float, "a number")
    if kind in _PLAIN:
        if kind == "int" and isinstance(value, bool):
            raise TypeError(f"{value!r} is not a number")
        return _of_type(value, _PLAIN[kind], kind)
    if kind.startswith("Mapping"):
        return _of_type(value, dict, "a table")
    found = _KINDS[kind]
    if not dataclasses.is_dataclass(found):
        return found(_of_type(value, str, "a word"))
    table = _of_type(value, dict, "a table")
    given = {}
    for field in dataclasses.fields(found):
        name = _RENAMED.get(field.name, field.name)
        if name in table:
            given[field.name] = _value(str(field.type), table[name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise KeyError(name)
    return found(**given)


def _of_type(value: Any, kind: type, word: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{str(value)[:40]!r} is not {word}")
    return value
