"""JUnit XML: a test suite for each subject, so that a CI system lists checks and criteria beside its tests.

The dialect is that of Jenkins's xUnit plugin, which GitLab and Azure read as well: ``failure`` for what was judged and
failed, ``error`` for what could not be judged, ``skipped`` for what does not apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from xml.etree import ElementTree

from rldoctor.model import GateResult, Outcome, PreflightResult, Report, Result, Severity, Verdict
from rldoctor.render.remarks import Remark, remarks_on
from rldoctor.render.wording import clean, headline


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
    suite.extend(_cases(subject, said))
    if not len(suite):
        suite.append(_verdict(report, subject, said))
    elif subject.verdict is Verdict.UNJUDGED:
        suite.append(_verdict(report, subject, [remark for remark in said if remark.rule == "unjudged"]))
    suite.set("tests", str(len(suite)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in suite)))
    suite.set("time", f"{sum(float(case.get('time', 0)) for case in suite):.3f}")
    return suite


@singledispatch
def _cases(_subject: Result, _said: Sequence[Remark]) -> Iterator[ElementTree.Element]:
    """Yield a case for everything that was judged by itself; only checks and criteria are."""
    yield from ()


@_cases.register
def _(subject: PreflightResult, said: Sequence[Remark]) -> Iterator[ElementTree.Element]:
    for check in subject.checks:
        its = [remark for remark in said if remark.rule == check.code]
        case = _case(subject, f"{check.code} {check.name}", check.seconds)
        errors = [remark for remark in its if remark.severity is Severity.ERROR]
        if not errors and check.outcome in (Outcome.SKIPPED, Outcome.NOT_RUN):
            ElementTree.SubElement(case, "skipped", message=check.note)
        else:
            _tell(case, "failure" if errors else "", errors or its)
        yield case


@_cases.register
def _(subject: GateResult, said: Sequence[Remark]) -> Iterator[ElementTree.Element]:
    for criterion in subject.criteria:
        case = _case(subject, f"{criterion.code} {criterion.title}")
        its = [remark for remark in said if remark.rule == criterion.code]
        _tell(case, "failure" if its and criterion.severity is Severity.ERROR else "", its)
        yield case


def _verdict(report: Report, subject: Result, said: Sequence[Remark]) -> ElementTree.Element:
    case = _case(subject, "verdict")
    failing = (Verdict.SICK,) if report.fail_on is Verdict.SICK else (Verdict.SICK, Verdict.SUSPECT)
    tag = "error" if subject.verdict is Verdict.UNJUDGED else "failure" if subject.verdict in failing else ""
    _tell(case, tag, said)
    return case


def _case(subject: Result, name: str, seconds: float = 0.0) -> ElementTree.Element:
    where = f"rldoctor.{subject.kind}.{subject.path}"
    return ElementTree.Element("testcase", classname=where, name=name, time=f"{seconds:.3f}")


def _tell(case: ElementTree.Element, tag: str, said: Sequence[Remark]) -> None:
    """Put remarks into a case: as its failure or error, or as output where it has neither."""
    if tag:
        first = said[0].message if said else ""
        element = ElementTree.SubElement(case, tag, message=first, type=said[0].name if said else tag)
        element.text = "\n".join(f"{remark.rule}: {remark.text}" for remark in said)
    elif said:
        ElementTree.SubElement(case, "system-out").text = "\n".join(remark.text for remark in said)
