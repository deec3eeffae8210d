"""JUnit XML: a test suite for each subject, so that a CI system lists checks and criteria beside its tests.

The dialect is that of Jenkins's xUnit plugin, which GitLab and Azure read as well: ``failure`` for what was judged and
failed, ``error`` for what could not be judged, ``skipped`` for what does not apply.
"""

from __future__ import annotations

from xml.etree import ElementTree

from rldoctor.model import (
    CheckResult,
    CriterionResult,
    GateResult,
    Outcome,
    PreflightResult,
    Report,
    Result,
    Severity,
    Verdict,
)
from rldoctor.render.remarks import Remark, headline, remarks_on
from rldoctor.render.wording import clean


def render_junit(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as JUnit XML. It has a failure or an error exactly where the exit code is not 0."""
    del verbose
    suites = ElementTree.Element("testsuites", name=headline(report))
    for subject in report.subjects:
        suites.append(_suite(report, subject))
    for key in ("tests", "failures", "errors", "skipped"):
        suites.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    for element in suites.iter():
        # In one place: every word may come from a saved report or from a check of somebody else's.
        element.attrib.update({key: clean(value) for key, value in element.attrib.items()})
        element.text = clean(element.text) if element.text else element.text
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True).replace("us-ascii", "utf-8")


def _suite(report: Report, subject: Result) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=f"{subject.kind} {subject.path}")
    said = list(remarks_on(subject))
    checks = subject.checks if isinstance(subject, PreflightResult) else ()
    criteria = subject.criteria if isinstance(subject, GateResult) else ()
    for examination in checks:
        suite.append(_of_check(examination, subject, [r for r in said if r.rule == examination.code]))
    for criterion in criteria:
        suite.append(_of_criterion(criterion, subject, [r for r in said if r.rule == criterion.code]))
    if not checks and not criteria:
        suite.append(_of_verdict(report, subject, said))
    elif subject.verdict is Verdict.UNJUDGED:
        suite.append(_of_verdict(report, subject, [r for r in said if r.rule == "unjudged"]))
    suite.set("tests", str(len(suite)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in suite)))
    suite.set("time", f"{sum(examination.seconds for examination in checks):.3f}")
    return suite


def _case(subject: Result, name: str, seconds: float = 0.0) -> ElementTree.Element:
    kind = f"rldoctor.{subject.kind}.{subject.path}"
    return ElementTree.Element("testcase", classname=kind, name=name, time=f"{seconds:.3f}")


def _of_check(examination: CheckResult, subject: Result, said: list[Remark]) -> ElementTree.Element:
    case = _case(subject, f"{examination.code} {examination.name}", examination.seconds)
    errors = [remark for remark in said if remark.severity is Severity.ERROR]
    if errors:
        _add(case, "failure", errors)
    elif examination.outcome in (Outcome.SKIPPED, Outcome.NOT_RUN):
        ElementTree.SubElement(case, "skipped", message=examination.note)
    elif said:
        ElementTree.SubElement(case, "system-out").text = "\n".join(remark.text for remark in said)
    return case


def _of_criterion(criterion: CriterionResult, subject: Result, said: list[Remark]) -> ElementTree.Element:
    case = _case(subject, f"{criterion.code} {criterion.title}")
    if said and criterion.severity is Severity.ERROR:
        _add(case, "failure", said)
    elif said:
        ElementTree.SubElement(case, "system-out").text = "\n".join(remark.text for remark in said)
    return case


def _of_verdict(report: Report, subject: Result, said: list[Remark]) -> ElementTree.Element:
    case = _case(subject, "verdict")
    failing = (Verdict.SICK,) if report.fail_on is Verdict.SICK else (Verdict.SICK, Verdict.SUSPECT)
    if subject.verdict is Verdict.UNJUDGED:
        _add(case, "error", said)
    elif subject.verdict in failing:
        _add(case, "failure", said)
    elif said:
        ElementTree.SubElement(case, "system-out").text = "\n".join(remark.text for remark in said)
    return case


def _add(case: ElementTree.Element, tag: str, said: list[Remark]) -> None:
    first = said[0].message if said else ""
    element = ElementTree.SubElement(case, tag, message=first, type=said[0].name if said else tag)
    element.text = "\n".join(f"{remark.rule}: {remark.text}" for remark in said)
