"""The report as a fragment for a notebook cell: no script, no picture, colours that follow the notebook's theme."""

from __future__ import annotations

from dataclasses import replace

from rldoctor.model import GateResult, Report
from rldoctor.render.answer import answer_of
from rldoctor.render.html.page import templates
from rldoctor.render.remarks import by_configuration, remarks
from rldoctor.render.wording import headline, report_word, verdict_word

# A cell's output is read, not searched; the whole is in render("html").
_MOST = 50


def render_notebook(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as HTML that can stand anywhere in a page.

    ``verbose`` unfolds every subject and lists all findings instead of those that are evidence for the likeliest cause.
    """
    views = [
        {
            "is": subject,
            "word": verdict_word(subject, report.fail_on),
            "has_criteria": isinstance(subject, GateResult) and bool(subject.criteria),
            "remarks": list(remarks(replace(report, subjects=(subject,)), brief=not verbose)),
            "asked": by_configuration(subject),
        }
        for subject in report.subjects[:_MOST]
    ]
    return (
        templates()
        .get_template("notebook.html")
        .render(
            report=report,
            word=report_word(report),
            headline=headline(report),
            answer=answer_of(report),
            views=views,
            more=len(report.subjects) - len(views),
            verbose=verbose,
        )
    )
