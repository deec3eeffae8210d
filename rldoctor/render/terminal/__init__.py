"""The report for a person at a terminal."""

from rldoctor.model import Report


def render_text(report: Report, verbose: bool = False) -> None:
    """Print ``report``."""
    # Late: the formats for programs need no rich.
    from rich.console import Console

    from rldoctor.render.terminal.report import print_report

    print_report(Console(highlight=False), report, verbose)
