"""``rldoctor show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.output import finish


def show(
    report: Annotated[
        Path,
        typer.Argument(help="A report that --format json wrote, such as report.json; - for standard input."),
    ],
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Show a saved report in any format, without examining anything again. The exit code is the report's."""
    from rldoctor.model.report_json import read_report

    finish(read_report(report), format_, verbose, output, quiet)
