"""``rldoctor show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.options import Format, FormatOption, OutputOption, VerboseOption, finish


def show(
    report: Annotated[Path, typer.Argument(help="A report that --format json wrote, such as a run's report.json.")],
    format_: FormatOption = Format.TEXT,
    output: OutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Show a saved report in any format; nothing is examined anew. The exit code is the report's."""
    from rldoctor.model.report_json import read_report

    finish(read_report(report), format_, verbose, output)
