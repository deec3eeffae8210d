"""``rldoctor show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.options import Format
from rldoctor.cli.output import finish


def show(
    report: Annotated[Path, typer.Argument(help="A report that --format json wrote, such as a run's report.json.")],
    format_: options.ReportFormat = Format.TEXT,
    output: options.Output = None,
    verbose: options.Verbose = False,
) -> None:
    """Show a saved report in any format, without examining anything again. The exit code is the report's."""
    from rldoctor.model.report_json import read_report

    finish(read_report(report), format_, verbose, output)
