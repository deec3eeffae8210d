"""The report as one self-contained page: opens from disk, makes no request.

Charts are drawn by plotly.js (its "basic" build, MIT, in ``assets/``). The content security policy allows exactly the
scripts that are written into the page, by their hashes, and no connection at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, singledispatch
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rldoctor.model import (
    AuditResult,
    ComparisonResult,
    Details,
    GateResult,
    Json,
    OverviewResult,
    PreflightResult,
    Report,
    Result,
    RunDiagnosis,
    SweepResult,
    TreatmentResult,
    Verdict,
)
from rldoctor.render import comparison_tables, overview_tables
from rldoctor.render.answer import NEEDS_YOU, answer, answer_of
from rldoctor.render.audit_table import HEADINGS, audit_rows
from rldoctor.render.html.charts import chart_data, trend_data
from rldoctor.render.remarks import by_configuration
from rldoctor.render.sweep_tables import tables
from rldoctor.render.wording import (
    below_what_is_shared,
    changes_in_words,
    clean,
    headline,
    likelihood,
    named,
    number,
    odds,
    report_word,
    role_word,
    verdict_word,
)
from rldoctor.version import __version__

_ASSETS = Path(__file__).resolve().parent / "assets"
# Runs that a page shows in full, and of each verdict at least: ours, a page of 3 MB. The others have a line each.
_IN_FULL, _OF_EACH_VERDICT = 100, 10
# Causes below the first share are left out, below the second only named.
_SHOWN_FROM, _TOLD_FROM = 0.01, 0.1
# What the runs below a result that has some are called.
_RUNS_OF: Mapping[type[Result], str] = {
    OverviewResult: "Worst and typical runs",
    SweepResult: "Its trainings",
    TreatmentResult: "Its trainings",
}


def render_page(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as an HTML page; ``verbose`` opens what is folded, and shows all of many runs in full."""
    details = report.details()
    subjects: list[Result] = []
    for subject in report.subjects:
        # The runs of a treatment are shown below it, as those of a sweep are.
        subjects += [subject, *(subject.runs if isinstance(subject, TreatmentResult) else ())]
    runs = [subject for subject in subjects if isinstance(subject, RunDiagnosis)]
    sweep = next((subject for subject in subjects if isinstance(subject, SweepResult)), None)
    full = runs if verbose else _shown_in_full(runs)
    places = {id(run): place for place, run in enumerate(full)}
    subjects = [one for one in subjects if not isinstance(one, RunDiagnosis) or id(one) in places]
    scripts = [_asset("plotly-basic.min.js"), _asset("report.js")]
    views = [{**_view(one, report, details, verbose), "place": places.get(id(one))} for one in subjects]
    return (
        templates()
        .get_template("page.html")
        .render(
            report=report,
            word=report_word(report),
            answer=answer_of(report),
            headline=headline(report),
            views=views,
            runs=[
                {"is": run, "name": name, "place": places.get(id(run))}
                for run, name in zip(runs, below_what_is_shared([run.path for run in runs]), strict=True)
            ],
            lines_only=len(runs) - len(full),
            # Of a sweep or a treatment the runs are compared below it.
            overview_after=next((i for i, one in enumerate(subjects) if _has_runs(one)), -1),
            runs_title=next((_RUNS_OF[type(one)] for one in subjects if type(one) in _RUNS_OF), "All runs"),
            verbose=verbose,
            version=__version__,
            style=Markup(_asset("page.css")),
            scripts=[Markup(script) for script in scripts],
            policy=_policy(scripts),
            data=Markup(
                _embedded({**chart_data(full, details), "trends": trend_data(sweep, details) if sweep else []})
            ),
        )
    )


def _shown_in_full(runs: Sequence[RunDiagnosis]) -> list[RunDiagnosis]:
    """Return the first runs, which are the worst, and the first of each verdict, in their order."""
    if len(runs) <= _IN_FULL:
        return list(runs)
    seen: Counter[Verdict] = Counter()
    firsts = []
    for run in runs:
        seen[run.verdict] += 1
        if seen[run.verdict] <= _OF_EACH_VERDICT:
            firsts.append(run)
    kept = {id(run) for run in firsts}
    others = [run for run in runs if id(run) not in kept][: _IN_FULL - len(firsts)]
    kept |= {id(run) for run in others}
    return [run for run in runs if id(run) in kept]


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
    filters: dict[str, Any] = {
        "number": number,
        "percent": "{:.0%}".format,
        "likelihood": likelihood,
        "listed": ", ".join,
        "role": role_word,
    }
    templates.filters |= {**filters, "named": named, "odds": odds}
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


def _has_runs(subject: Result) -> bool:
    return isinstance(subject, (OverviewResult, SweepResult, TreatmentResult))


def _view(subject: Result, report: Report, details: Details, verbose: bool) -> dict[str, Any]:
    """Return what the templates say of a subject; what only its type has comes from :func:`_part`."""
    explained = [(finding, " ".join(details.rule(finding.code)).strip()) for finding in subject.findings]
    return {
        "is": subject,
        "word": verdict_word(subject, report.fail_on),
        "answer": answer(subject) if len(report.subjects) > 1 else [],
        "open": verbose or subject.verdict is not Verdict.HEALTHY or _has_runs(subject),
        "findings": explained,
        "asked": by_configuration(subject),
        "pairs": {},
        **_part(subject, details),
    }


@singledispatch
def _part(_subject: Result, _details: Details) -> dict[str, Any]:
    """Return the heading of a result of this type, its template, and what that needs besides the result itself."""
    return {"heading": "Command", "template": None}


@_part.register
def _(subject: RunDiagnosis, details: Details) -> dict[str, Any]:
    shown = [d for i, d in enumerate(subject.diagnoses) if i == 0 or (not d.condition and d.probability >= _SHOWN_FROM)]
    causes = [d for d in shown if d.name != "healthy"] if subject.verdict is not Verdict.HEALTHY else []
    likely = [d for i, d in enumerate(causes) if i == 0 or d.probability >= _TOLD_FROM]
    record = details.record(subject)
    by_code = {finding.code: finding for finding in subject.findings}
    return {
        "heading": "Diagnosis",
        "template": "run.html",
        "likely": likely,
        "unlikely": [d for d in causes if d not in likely],
        "conditions": [d for d in subject.diagnoses if d.condition and d not in likely],
        "by_code": by_code,
        "weak": {code: details.rule(code)[0] for d in likely for code in d.evidence_for if code not in by_code},
        "pairs": {title: _flat(record.get(title.lower())) for title in ("Recipe", "Versions", "Machine")},
    }


@_part.register
def _(subject: PreflightResult, _details: Details) -> dict[str, Any]:
    pairs = {title: _flat(subject.facts.get(title.lower())) for title in ("Versions", "Machine")}
    return {"heading": "Preflight", "template": "preflight.html", "pairs": pairs}


@_part.register
def _(subject: GateResult, _details: Details) -> dict[str, Any]:
    baselines = subject.facts.get("baselines")
    named = baselines if isinstance(baselines, Mapping) else {}
    compared = {f"Baseline: {name.replace('_', ' ')}": _flat(numbers) for name, numbers in named.items()}
    pairs = {"Evaluation": _flat(subject.facts.get("aggregate")), **compared}
    return {"heading": "Gate", "template": "gate.html", "pairs": pairs}


@_part.register
def _(subject: ComparisonResult, _details: Details) -> dict[str, Any]:
    everything = comparison_tables.setting_rows(subject, everything=True)
    return {
        "heading": "Comparison",
        "template": "comparison.html",
        "tables": comparison_tables.tables(subject),
        "settings": everything,
    }


@_part.register
def _(subject: AuditResult, _details: Details) -> dict[str, Any]:
    rows = audit_rows(subject)
    return {"heading": "Audit", "template": "audit.html", "headings": HEADINGS, "rows": rows}


@_part.register
def _(subject: SweepResult, _details: Details) -> dict[str, Any]:
    return {"heading": "Sweep", "template": "sweep.html", "tables": [one for one in tables(subject) if one.rows]}


@_part.register
def _(subject: OverviewResult, _details: Details) -> dict[str, Any]:
    commands = [overview_tables.command_for(subject, where) for where in ('verdict == "sick"', 'env == "..."')]
    found = overview_tables.tables(subject)
    return {"heading": "Overview", "template": "counts.html", "tables": found, "commands": commands}


@_part.register
def _(subject: TreatmentResult, _details: Details) -> dict[str, Any]:
    treatment = subject.treatment
    steps = f"{treatment.steps_spent:,} of {treatment.steps_whole:,}" if treatment.trials else ""
    chance = "" if treatment.chance is None else f"{treatment.chance:.1%}"
    facts = {"cause": treatment.cause, "steps spent, of a whole training": steps}
    facts |= {"probability of the same outcome by chance": chance, "cured recipe": treatment.recipe}
    return {
        "heading": "Treatment",
        "template": "treatment.html",
        "pairs_shown": {key: value for key, value in facts.items() if value},
        "changes": [changes_in_words(remedy.changes) for remedy in treatment.remedies],
        "instructions": treatment.instructions if treatment.outcome in NEEDS_YOU else (),
    }


def _flat(value: Json, prefix: str = "") -> dict[str, str]:
    """Return a nested mapping as lines of key and text."""
    lines: dict[str, str] = {}
    for key, item in value.items() if isinstance(value, Mapping) else ():
        if isinstance(item, Mapping):
            lines |= _flat(item, f"{prefix}{key}.")
        elif item not in (None, ""):
            lines[clean(f"{prefix}{key}")] = clean(f"{item:g}" if isinstance(item, float) else str(item))
    return lines
