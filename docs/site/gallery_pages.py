"""The gallery: recorded trainings with a known fault, each with curves, diagnosis and cure, from tests/runs."""

from __future__ import annotations

import html
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curve_svg import draw

from rldoctor.diagnosis.chart_data import StoredDetails
from rldoctor.diagnosis.many import diagnose
from rldoctor.experiments.faults import Fault, find
from rldoctor.model import RankedDiagnosis, RunDiagnosis, Verdict
from rldoctor.render.html.charts import chart_data
from rldoctor.render.wording import number, odds
from rldoctor.rulebook import load_rulebook

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "tests" / "runs"
HEALTHY = "healthy"
# Of a code or cause, so many recorded runs are linked to.
_MOST_MENTIONS = 8
# Less likely causes are not worth a line.
_SHOWN_FROM = 0.05
# Charts and tables get the room of the list of pages.
_WIDE = ("---", "hide: [navigation]", "---", "")
_INTRODUCTION = """# Recorded runs

Trainings of Stable-Baselines3 with one known fault each, put in on purpose, and healthy ones beside them. A page shows
the curves, what rldoctor says of them, and the cure. Of each fault and environment it is the run of the strongest
severity with the lowest seed, whatever rldoctor says of it: ✔ where the first cause is right, ○ where a run with a
fault is called healthy (many trainings cope with theirs; its page says what it reached), ✘ where the answer is wrong.

The weights of the causes were fitted on these runs, among others. How often rldoctor is right on runs that it has not
seen is in [accuracy.md](../accuracy.md).
"""


@dataclass(frozen=True)
class Shown:
    """A recorded run: its folder, recipe, ``label.json`` and diagnosis; no fault for a healthy one."""

    folder: Path
    recipe: Mapping[str, Any]
    label: Mapping[str, Any]
    diagnosis: RunDiagnosis
    fault: Fault | None
    severity: str

    @property
    def page(self) -> str:
        recipe = str(self.recipe["name"]).replace("/", "-")
        return f"gallery/{self.folder.name if self.fault else f'{recipe}-{self.folder.name}'}.md"

    @property
    def title(self) -> str:
        what = self.fault.name if self.fault else f"Healthy: {self.recipe['name']}"
        return f"{what[0].upper()}{what[1:].replace('-', ' ')} on {self.recipe['env']}"

    @property
    def right(self) -> tuple[str, ...]:
        return self.fault.diagnoses if self.fault else ()

    @property
    def mark(self) -> str:
        """✔ for a right first cause or a healthy run called so, ○ for a fault that is not seen, ✘ otherwise."""
        first = self.diagnosis.cause.name if self.diagnosis.cause else ""
        if self.diagnosis.verdict is not Verdict.HEALTHY:
            return "✔" if first in self.right else "✘"
        return "○" if self.fault else "✔"


def recorded() -> list[Shown]:
    """Return the runs of the gallery, diagnosed, by fault and environment; healthy ones first."""
    chosen: dict[tuple[str, str], tuple[Path, Any, Any, Fault | None, str]] = {}
    strongest: dict[tuple[str, str], tuple[int, int]] = {}
    for file in sorted(RUNS.rglob("run.json")):
        record, place = json.loads(file.read_text(encoding="utf-8")), file.with_name("label.json")
        label = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
        name, _, severity = str(label.get("fault", "")).partition(":")
        fault = find(name) if name else None
        if not fault and not file.parent.name.startswith("as-recorded"):
            continue
        key = (name, str(record["recipe"]["env" if fault else "name"]))
        strength = list(fault.severities).index(severity) if fault else 0
        rank = (strength, -int(record["seed"]))
        if key not in strongest or rank > strongest[key]:
            strongest[key] = rank
            chosen[key] = (file.parent, record["recipe"], label, fault, severity)
    content = [chosen[key] for key in sorted(chosen)]
    said = {one.path: one for one in diagnose([folder for folder, *_ in content])}
    return [
        Shown(folder, recipe, label, said[str(folder)], fault, severity)
        for folder, recipe, label, fault, severity in content
    ]


def mentions(runs: Sequence[Shown]) -> dict[str, list[tuple[str, str]]]:
    """Return the title and page of the runs that show a code or a cause, by code and cause."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for run in runs:
        cause = run.diagnosis.cause
        names = [cause.name, *cause.evidence_for] if cause and run.diagnosis.verdict is not Verdict.HEALTHY else []
        for name in names:
            found[name].append((run.title, run.page))
    return {name: several[:_MOST_MENTIONS] for name, several in found.items()}


def pages(runs: Sequence[Shown]) -> dict[str, str]:
    """Return the Markdown of each run's page, and of their list, by place."""
    healthy = {str(run.recipe["name"]): run for run in runs if not run.fault}
    return {"gallery/index.md": _index(runs), **{run.page: _page(run, healthy) for run in runs}}


def _index(runs: Sequence[Shown]) -> str:
    environments = sorted({str(run.recipe["env"]) for run in runs})
    lines = [*_WIDE, _INTRODUCTION, "## With a fault", "", f"| fault | {' | '.join(environments)} |"]
    lines.append(f"|---|{'---|' * len(environments)}")
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for run in runs:
        if run.fault:
            cells[run.fault.name][str(run.recipe["env"])] = f"{run.mark} [{_answer(run)}]({_beside(run)})"
    for name, of in cells.items():
        lines.append(f"| **{name}**: {find(name).breaks} | {' | '.join(of.get(env, '') for env in environments)} |")
    lines += ["", "## Healthy", ""]
    lines += [f"- {run.mark} [{run.title}]({_beside(run)})" for run in runs if not run.fault]
    return "\n".join(lines) + "\n"


def _beside(run: Shown) -> str:
    return run.page.removeprefix("gallery/")


def _answer(run: Shown) -> str:
    """Return verdict and leading cause in a few words."""
    verdict, cause = run.diagnosis.verdict, run.diagnosis.cause
    return f"{verdict}: {cause.name}" if cause and verdict is not Verdict.HEALTHY else str(verdict)


def _page(run: Shown, healthy: Mapping[str, Shown]) -> str:
    said, path = run.diagnosis, run.folder.relative_to(ROOT)
    lines = [*_WIDE, f"# {run.title}", "", "[Recorded runs](index.md)", "", *_facts(run)]
    kind = {"healthy": "success", "suspect": "warning", "sick": "danger"}.get(said.verdict, "info")
    lines += ["", f'!!! {kind} "rldoctor says: {said.verdict}"', "", f"    {_text(said.title)} {_text(said.summary)}"]
    if said.verdict is not Verdict.HEALTHY and said.cause:
        lines += ["", f"    Most likely cause: {_cause(said.cause)}"]
        lines += ["", f"    Fix: {_text(said.cause.remedy)}"] if said.cause.remedy else []
    lines += ["", "## Curves", "", *_curves(run)]
    if said.findings:
        lines += ["", "## Evidence", "", "| | | |", "|---|---|---|"]
        lines += [
            f"| [{finding.code}](../codes/{finding.code}.md) | {finding.severity} | {_cell(finding.message)} |"
            for finding in sorted(said.findings, key=lambda finding: -finding.severity.rank)
        ]
    others = [one for one in said.diagnoses[1:] if one.probability >= _SHOWN_FROM and one.name != HEALTHY]
    if others and said.verdict is not Verdict.HEALTHY:
        lines += ["", "## Other causes", "", *(f"- {_cause(other)}" for other in others)]
    lines += _cure(run, healthy)
    lines += ["", "## See for yourself", "", "```bash", f"rldoctor diagnose {path}", "```"]
    return "\n".join(lines) + "\n"


def _facts(run: Shown) -> list[str]:
    outcome = run.label.get("outcome", {})
    reached = [f"{key} {number(value)}" for key, value in outcome.items() if value is not None]
    rows = {"environment": run.recipe["env"], "recipe": f"{run.recipe['name']}, {run.diagnosis.steps:,} steps"}
    if run.fault:
        knob = f"{run.severity} ({run.fault.knob(run.severity):g})" if len(run.fault.severities) > 1 else ""
        rows["what was broken"] = run.fault.breaks
        rows |= {"severity": knob} if knob else {}
        names = ", ".join(f"[{name}](../causes/{name}.md)" for name in run.right)
        rows["right causes"] = names or "none: PPO copes with it"
        rows["what it really reached"] = f"{', '.join(reached)}, in the unbroken environment" if reached else "nothing"
    return ["| | |", "|---|---|", *(f"| {key} | {_cell(str(value), escape=False)} |" for key, value in rows.items())]


def _cause(cause: RankedDiagnosis) -> str:
    said = "" if cause.condition else f" ({odds(cause)})"
    return f"[{cause.name}](../causes/{cause.name}.md){said}: {_text(cause.title)}."


def _cure(run: Shown, healthy: Mapping[str, Shown]) -> list[str]:
    lines: list[str] = []
    if not run.fault:
        return lines
    lines = ["", "## The cure", ""]
    if not run.right:
        return [*lines, "None is needed: PPO copes with this fault."]
    right, first = run.right[0], run.diagnosis.cause
    if run.mark == "✔" and first:
        lines.append(_text(first.remedy or first.next_test))
    else:
        rule = load_rulebook().diagnoses[right]
        lines.append(
            f"The right cause is [{right}](../causes/{right}.md): {_text(rule.title)}. Its page has the remedy."
        )
    if run.fault.settings:
        path = run.folder.relative_to(ROOT)
        lines += ["", "`rldoctor treat` tries the remedy in short trainings ([how often that cures](../treatment.md)):"]
        lines += ["", "```bash", f"rldoctor treat {path}", "```"]
    elif run.diagnosis.cause and run.diagnosis.cause.next_test:
        lines += ["", f"To be sure: {_text(run.diagnosis.cause.next_test)}"]
    if same := healthy.get(str(run.recipe["name"])):
        lines += [
            "",
            f"[A healthy run of the same recipe]({_beside(same)}) shows how the curves look without the fault.",
        ]
    return lines


def _curves(run: Shown) -> list[str]:
    """Return the charts: what the framework logs by itself, and whatever else a sign fired on."""
    data = chart_data([run.diagnosis], StoredDetails())
    (drawn,) = data["runs"]
    bands = data["bands"].get(run.diagnosis.reference, {})
    charts = []
    for metric, curve in drawn["curves"].items():
        marks = drawn["marks"].get(metric, [])
        if curve["inside"] and not marks:
            continue
        title = data["metrics"][metric]["title"]
        svg = draw(f"{title} over steps", drawn["grids"][curve["grid"]], curve["values"], bands.get(metric), marks)
        if svg:
            codes = _codes(marks)
            head = f'<a href="../metrics/{metric}.html">{html.escape(title)}</a>'
            charts.append(f"<figure><figcaption>{head}{codes}</figcaption>{svg}</figure>")
    shaded = f"Shaded: where nine in ten healthy runs of {run.diagnosis.reference} lie; dashed: their median. "
    note = f"{shaded if bands else ''}Bars below a curve: where a sign fired."
    return [note, "", f'<div class="curves">{"".join(charts)}</div>']


def _codes(marks: Iterable[Mapping[str, Any]]) -> str:
    codes = dict.fromkeys(mark["code"] for mark in marks)
    return "".join(f' <a class="code" href="../codes/{code}.html">{code}</a>' for code in codes)


def _text(text: str) -> str:
    """Return plain text as Markdown."""
    return html.escape(" ".join(text.split()), quote=False).replace("*", "\\*").replace("_", "\\_")


def _cell(text: str, escape: bool = True) -> str:
    return (_text(text) if escape else text).replace("|", "\\|")
