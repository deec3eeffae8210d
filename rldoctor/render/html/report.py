"""The report as one self-contained page: opens from disk, asks nobody for anything.

Charts are drawn by plotly.js (its "basic" build, MIT, in ``assets/``). The content security policy allows exactly the
scripts that are written into the page, by their hashes, and no connection at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rldoctor import run_directory
from rldoctor.diagnosis.chart_data import chart_data, trend_data
from rldoctor.errors import RldoctorError
from rldoctor.logs.remote import place_of
from rldoctor.model import (
    Finding,
    GateResult,
    Json,
    PreflightResult,
    Report,
    Result,
    RunDiagnosis,
    SweepResult,
    Treatment,
    TreatmentResult,
    Verdict,
)
from rldoctor.render.remarks import by_configuration, headline
from rldoctor.render.sweep_tables import tables
from rldoctor.render.terminal.treatment import ON_YOU, changes_in_words
from rldoctor.render.wording import clean, number
from rldoctor.rulebook import load_rulebook

_TITLES: dict[type[Result], str] = {
    PreflightResult: "Preflight",
    GateResult: "Gate",
    RunDiagnosis: "Diagnosis",
    SweepResult: "Sweep",
    TreatmentResult: "Treatment",
}
_ASSETS = Path(__file__).resolve().parent / "assets"
# Causes below the first share are left out, below the second only named.
_SHOWN_FROM, _TOLD_FROM = 0.01, 0.1


def render_html(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as an HTML page; ``verbose`` opens what is folded."""
    from rldoctor.version import __version__

    # The runs of a treatment are shown below it, as those of a sweep are.
    subjects = [
        one
        for subject in report.subjects
        for one in (subject, *(subject.runs if isinstance(subject, TreatmentResult) else ()))
    ]
    runs = [subject for subject in subjects if isinstance(subject, RunDiagnosis)]
    sweep = next((subject for subject in report.subjects if isinstance(subject, SweepResult)), None)
    scripts = [_asset("plotly-basic.min.js"), _asset("report.js")]
    places = {id(subject): place for place, subject in enumerate(runs)}
    return (
        templates()
        .get_template("report.html")
        .render(
            report=report,
            headline=headline(report),
            subjects=[_view(subject, places.get(id(subject))) for subject in subjects],
            several=len(runs) > 1,
            verbose=verbose,
            version=__version__,
            style=Markup(_asset("report.css")),
            scripts=[Markup(script) for script in scripts],
            policy=_policy(scripts),
            data=Markup(_embedded({**chart_data(runs), "trends": trend_data(sweep) if sweep else []})),
        )
    )


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def templates() -> Environment:
    """Return the templates of ``assets/``, every value in them escaped."""
    templates = Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        # Whatever stands in a page may be a stranger's: control characters are spelt out as in a terminal.
        finalize=lambda value: clean(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "clean": clean}
    return templates


def _policy(scripts: Iterable[str]) -> str:
    """Return the content security policy: these scripts, styles of the page itself, nothing from anywhere."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    # plotly.js writes style attributes and makes pictures of charts (data:, blob:) for its download button.
    rest = "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; script-src {allowed}; {rest}"


def _embedded(content: Any) -> str:
    """Return JSON that can stand in a script element: no text in it can end the element."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _view(subject: Result, place: int | None) -> dict[str, Any]:
    """Return what the template says of a subject."""
    record, evaluation = (_file(subject, name) for name in (run_directory.RUN_FILE, run_directory.EVALUATION_FILE))
    recipe = record.get("recipe")
    diagnoses = subject.diagnoses if isinstance(subject, RunDiagnosis) else ()
    shown = [d for i, d in enumerate(diagnoses) if i == 0 or d.probability >= _SHOWN_FROM]
    causes = [d for d in shown if d.name != "healthy"] if subject.verdict is not Verdict.HEALTHY else []
    likely = [d for i, d in enumerate(causes) if i == 0 or d.probability >= _TOLD_FROM]
    return {
        "is": subject,
        "place": place,
        "name": clean(subject.path),
        "kind": _TITLES.get(type(subject), "Command"),
        "tables": tables(subject) if isinstance(subject, SweepResult) else [],
        "treated": _treated(subject.treatment) if isinstance(subject, TreatmentResult) else None,
        "criteria": getattr(subject, "criteria", ()),
        "checks": getattr(subject, "checks", ()),
        "table": getattr(subject, "table", ()),
        "diagnoses": shown,
        "likely": likely,
        "unlikely": [d for d in causes if d not in likely],
        "findings": [(finding, _explained(finding)) for finding in subject.findings],
        "asked": by_configuration(subject),
        "by_code": {finding.code: finding for finding in subject.findings},
        "recipe": _flat(recipe) if isinstance(subject, RunDiagnosis) and isinstance(recipe, Mapping) else {},
        "versions": _flat(record.get("versions", {}))
        if isinstance(subject, RunDiagnosis)
        else _flat(subject.facts.get("versions", {})),
        "machine": _flat(record.get("machine", {}))
        if isinstance(subject, RunDiagnosis)
        else _flat(subject.facts.get("machine", {})),
        "aggregate": _flat(evaluation.get("aggregate", {})) if isinstance(subject, GateResult) else {},
        "baselines": {k: _flat(v) for k, v in _mapping(evaluation.get("baselines")).items()}
        if isinstance(subject, GateResult)
        else {},
        "open": subject.verdict is not Verdict.HEALTHY or isinstance(subject, (SweepResult, TreatmentResult)),
    }


def _treated(treatment: Treatment) -> dict[str, Any]:
    """Return what the template says of a treatment besides its own words."""
    steps = f"{treatment.steps_spent:,} of {treatment.steps_whole:,}" if treatment.trials else ""
    chance = "" if treatment.chance is None else f"{treatment.chance:.1%}"
    facts = {"what was wrong": treatment.cause, "steps spent, of a whole training": steps}
    facts |= {"chance alone would look like this": chance, "cured recipe": clean(treatment.recipe)}
    return {
        "facts": {key: value for key, value in facts.items() if value},
        "changes": [changes_in_words(remedy.changes) for remedy in treatment.remedies],
        "on_you": treatment.outcome in ON_YOU,
    }


def _explained(finding: Finding) -> str:
    sign = load_rulebook().signs.get(finding.code)
    return f"{sign.what} {sign.why}" if sign else ""


def _file(subject: Result, name: str) -> dict[str, Json]:
    if not isinstance(subject, (RunDiagnosis, GateResult)):
        return {}
    try:
        return run_directory.read_json(place_of(subject.path) / name, name)
    except RldoctorError:
        return {}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _flat(value: Json, prefix: str = "") -> dict[str, str]:
    """Return a nested mapping as lines of key and text."""
    lines: dict[str, str] = {}
    for key, item in _mapping(value).items():
        if isinstance(item, Mapping):
            lines |= _flat(item, f"{prefix}{key}.")
        elif item not in (None, ""):
            lines[clean(f"{prefix}{key}")] = clean(f"{item:g}" if isinstance(item, float) else str(item))
    return lines
