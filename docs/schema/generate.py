"""Write ``report-1.json``, the schema of the JSON report, from the types in ``rldoctor.model``.

Run it after a change of these types: ``python docs/schema/generate.py``. A test compares the file with them.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from rldoctor.model.report_json import ALWAYS, RENAMED, RESULTS, VERSION

FILE = Path(__file__).with_name(f"report-{VERSION}.json")
NUMBER = {"type": ["number", "string"], "description": "A number, or one of NaN, Infinity, -Infinity as a string."}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
CODE = {"type": "string", "pattern": "^[A-Z]{3}[0-9]{3}$"}
# What a type of Python cannot say.
NARROWER: dict[tuple[str, str], dict[str, Any]] = {
    ("RankedDiagnosis", "probability"): SHARE,
    ("Finding", "strength"): SHARE,
    ("Finding", "code"): CODE,
    ("Suppressed", "code"): CODE,
    ("CheckResult", "seconds"): {"type": "number", "minimum": 0},
    ("CriterionResult", "relation"): {"enum": ["<", ">"]},
    ("TableRow", "mark"): {"enum": ["ok", "odd", "bad", "missing"]},
    ("RunDiagnosis", "steps"): {"type": "integer", "minimum": 0},
    ("TreatmentResult", "steps"): {"type": "integer", "minimum": 0},
    ("Remedy", "probability"): SHARE,
    ("Instruction", "probability"): SHARE,
    ("TreatmentTrial", "role"): {"enum": ["remedy", "control", "probe"]},
}


def schema() -> dict[str, Any]:
    """Return the schema."""
    defs: dict[str, Any] = {}
    subject = _subject(defs)
    error = {key: {"type": "string"} for key in ("kind", "problem", "cure")}
    report = {
        "rldoctor_report": {"const": VERSION},
        "command": {"type": "string"},
        "verdict": {"$ref": "#/$defs/Verdict"},
        "exit_code": {"enum": [0, 1, 2, 3, 4, 130]},
        "subjects": {"type": "array", "items": {"$ref": "#/$defs/subject"}},
        "error": {**_object(error, list(error)), "description": "Only where the command could not do its work."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://github.com/rldoctor/rldoctor/blob/main/docs/schema/{FILE.name}",
        "title": f"rldoctor report, version {VERSION}",
        "description": "What rldoctor prints with --format json. Within version 1 keys are never removed and never "
        "change their meaning; new ones may come, and are added to this file.",
        **_object(report, [key for key in report if key != "error"]),
        "$defs": {"subject": subject, **dict(sorted(defs.items()))},
    }


def _subject(defs: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a subject: the fields of every type of result, those of one type alone said to be so."""
    properties: dict[str, Any] = {"kind": {"enum": [result.kind for result in RESULTS]}}
    owners: dict[str, list[str]] = {}
    for result in RESULTS:
        for key, value in _properties(result, defs).items():
            properties.setdefault(key, value)
            owners.setdefault(key, []).append(result.kind)
    for key, kinds in owners.items():
        if len(kinds) < len(RESULTS):
            said = properties[key].get("description", "")
            properties[key] = {**properties[key], "description": f"{said} Filled for: {', '.join(kinds)}.".strip()}
    ordered = {key: properties[key] for key in [*ALWAYS, *(key for key in properties if key not in ALWAYS)]}
    return _object(ordered, list(ALWAYS))


def _properties(kind: type, defs: dict[str, Any]) -> dict[str, Any]:
    hints, told = get_type_hints(kind), _descriptions(kind)
    found = {}
    for field in fields(kind):
        narrower = NARROWER.get((kind.__name__, field.name))
        value = dict(narrower or _type(hints[field.name], defs))
        if field.name in told:
            value.setdefault("description", told[field.name])
        found[RENAMED.get(field.name, field.name)] = value
    return found


def _type(kind: Any, defs: dict[str, Any]) -> dict[str, Any]:
    if kind is Any:
        return {}
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return {"oneOf": [_type(arguments[0], defs), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _type(arguments[0], defs)}
    if origin is Mapping:
        inside = {"additionalProperties": _type(arguments[1], defs)} if is_dataclass(arguments[1]) else {}
        return {"type": "object", **inside}
    if kind in RESULTS:
        return {"$ref": "#/$defs/subject"}
    if kind is float:
        return dict(NUMBER)
    if kind in (str, int, bool):
        return {"type": {str: "string", int: "integer", bool: "boolean"}[kind]}
    if kind.__name__ not in defs:
        defs[kind.__name__] = {}
        if issubclass(kind, StrEnum):
            defs[kind.__name__] = {"enum": [word.value for word in kind]}
        else:
            properties = _properties(kind, defs)
            defs[kind.__name__] = _object(properties, list(properties))
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _descriptions(kind: type) -> dict[str, str]:
    """Return what the docstrings of a type and of its bases say of each field."""
    told: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        _, _, attributes = (inspect.cleandoc(one.__doc__ or "")).partition("Attributes:\n")
        for name, text in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE):
            told[name] = " ".join(text.replace("``", "").split())
    return told


if __name__ == "__main__":
    FILE.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
