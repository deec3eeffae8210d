"""``rldoctor diagnose``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.options import (
    FailOn,
    FailOnOption,
    Format,
    FormatOption,
    IgnoreOption,
    OutputOption,
    SelectOption,
    VerboseOption,
    fail_on,
    finish,
    words,
)


def diagnose(
    runs: Annotated[list[Path], typer.Argument(help="Folders; every run at or below them is diagnosed.")],
    reference: Annotated[str | None, typer.Option("--reference", "-r", help="Hold runs against this one.")] = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    fail_on_: FailOnOption = FailOn.SICK,
    format_: FormatOption = Format.TEXT,
    output: OutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Read TensorBoard logs back: healthy or not, what is wrong, how it is known, what to change."""
    from rldoctor.diagnosis import diagnose as examine
    from rldoctor.model import make_report

    subjects = examine(runs, reference, words(select), words(ignore))
    finish(make_report("diagnose", subjects, fail_on(fail_on_)), format_, verbose, output)
