"""The report as a fragment for a notebook cell: no script, no picture, colours that follow the notebook's theme."""

from __future__ import annotations

from dataclasses import replace

from rldoctor.model import Report
from rldoctor.render.html.report import templates
from rldoctor.render.remarks import by_configuration, headline, remarks

# A cell's output is read, not searched; the whole is in render("html").
_MOST = 50


def render_notebook(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as HTML that can stand anywhere in a page.

    ``verbose`` unfolds every subject and lists all findings instead of those that speak for the leading diagnosis.
    """
    rows = [
        (subject, list(remarks(replace(report, subjects=(subject,)), brief=not verbose)), by_configuration(subject))
        for subject in report.subjects[:_MOST]
    ]
    return (
        templates()
        .get_template("notebook.html")
        .render(
            report=report,
            headline=headline(report),
            rows=rows,
            more=len(report.subjects) - len(rows),
            verbose=verbose,
        )
    )
