"""``rldoctor show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.output import finish
from rldoctor.errors import UsageError
from rldoctor.model import Verdict


def show(
    report: Annotated[
        str,
        typer.Argument(
            help="A report that --format json wrote, such as report.json; - for standard input. Or results that "
            "rldoctor diagnose --parquet wrote: their folder, or one file of them."
        ),
    ],
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            help="Of results, only these runs, such as 'verdict == \"sick\" and final_return < -5'.",
            callback=options.not_empty,
        ),
    ] = None,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Show a saved report in any format, without examining anything again. The exit code is the report's."""
    from rldoctor.model.report_json import read_report

    if _is_results(report):
        # Late: a report needs no pyarrow.
        from rldoctor.diagnosis.bulk.conduct import report_results

        fails = Verdict.SICK if fail_on is None else Verdict(fail_on.value)
        finish(report_results(report, where or "", fails), format_, verbose, output, quiet)
    if where or fail_on:
        raise UsageError(
            "--where and --fail-on are for results that rldoctor diagnose --parquet wrote.",
            "Name their folder, or leave the options out.",
        )
    finish(read_report(Path(report)), format_, verbose, output, quiet)


def _is_results(name: str) -> bool:
    """Return whether a name is that of results: a folder, an address or a Parquet file."""
    return name.endswith(".parquet") or "://" in name or Path(name).is_dir()
