"""The report as a page of its own, and as a fragment for notebooks."""

from rldoctor.model import Report


def render_html(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as an HTML page; ``verbose`` opens what is folded."""
    # Late: no other format needs jinja2.
    from rldoctor.render.html.page import render_page

    return render_page(report, verbose)
