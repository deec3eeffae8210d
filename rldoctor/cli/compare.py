"""``rldoctor compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, failing
from rldoctor.cli.output import finish


def compare(
    good: Annotated[Path, typer.Argument(help="The run that did what it should.")],
    bad: Annotated[Path, typer.Argument(help="The run that does not.")],
    framework: options.Framework = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare two runs: which settings differ, where the curves part first, and what that is known to do."""
    from rldoctor.comparison.compare import compare as examine
    from rldoctor.diagnosis.context import context_of
    from rldoctor.model import make_report

    settings = configured(config, isolated)
    result = examine(good, bad, context_of(settings), framework)
    finish(make_report("compare", [result], failing(fail_on, settings)), format_, verbose, output, quiet)
