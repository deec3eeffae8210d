"""SARIF 2.1.0, the OASIS standard in which code hosts take findings (docs.oasis-open.org/sarif/sarif/v2.1.0)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rldoctor.model import Details, GateResult, PreflightResult, Report, Result, RunDiagnosis, Severity
from rldoctor.model.website import address, address_of_code, location
from rldoctor.render.remarks import Remark, remarks
from rldoctor.render.wording import clean, headline
from rldoctor.version import __version__

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.NOTE: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}


def render_sarif(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as a SARIF log of one run, with the metadata of every rule that fired."""
    del verbose
    said, left_out = list(remarks(report)), _suppressed(report)
    kinds = {clean(subject.path): type(subject) for subject in report.subjects}
    rules = _rules([*said, *left_out], report.details())
    places = {rule["id"]: i for i, rule in enumerate(rules)}
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "rldoctor", "version": __version__, "rules": rules}},
                "invocations": [
                    {
                        "executionSuccessful": report.exit_code in (0, 1, 3),
                        "exitCode": report.exit_code,
                        "exitCodeDescription": headline(report),
                    }
                ],
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"ROOT": {"description": {"text": "Where rldoctor was started."}}},
                "results": [
                    *(_result(remark, places[remark.rule], kinds) for remark in said),
                    *(
                        {
                            **_result(remark, places[remark.rule], kinds),
                            "suppressions": [{"kind": "external", "justification": remark.message}],
                        }
                        for remark in left_out
                    ),
                ],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _suppressed(report: Report) -> list[Remark]:
    """Return what the project's configuration leaves out; the message is the reason."""
    return [
        Remark(item.code, item.name, Severity.NOTE, clean(subject.path), clean(item.reason))
        for subject in report.subjects
        for item in subject.suppressed
    ]


def _rules(said: Iterable[Remark], details: Details) -> list[dict[str, Any]]:
    rules = {}
    for remark in said:
        if remark.rule in rules:
            continue
        known, why = details.rule(remark.rule)
        what = known or remark.name.replace("-", " ")
        # A project's own causes and codes have no page.
        page = address_of_code(remark.rule) or (address(location("causes", remark.rule)) if known else "")
        rules[remark.rule] = {
            "id": remark.rule,
            "name": "".join(word.capitalize() for word in remark.name.split("-")),
            "shortDescription": {"text": what},
            "fullDescription": {"text": f"{what} {why}".strip()},
            "help": {"text": f"rldoctor explain {remark.rule}"},
            **({"helpUri": page} if page else {}),
            "defaultConfiguration": {"level": _LEVEL[remark.severity]},
        }
    return list(rules.values())


def _result(remark: Remark, rule: int, kind_of: Mapping[str, type[Result]]) -> dict[str, Any]:
    kind = kind_of[remark.subject]
    logical = {"name": remark.subject, "kind": "module" if kind is PreflightResult else "object"}
    location: dict[str, Any] = {"logicalLocations": [logical]}
    if kind in (RunDiagnosis, GateResult):
        location["physicalLocation"] = {"artifactLocation": _artifact(remark.subject)}
    return {
        "ruleId": remark.rule,
        "ruleIndex": rule,
        "level": _LEVEL[remark.severity],
        "message": {"text": remark.text},
        "locations": [location],
    }


def _artifact(path: str) -> dict[str, str]:
    """Return a path as a URI: absolute as a file, relative to where rldoctor was started otherwise."""
    posix = Path(path).as_posix()
    if Path(path).is_absolute():
        return {"uri": f"file://{quote(posix)}"}
    return {"uri": quote(posix), "uriBaseId": "ROOT"}
