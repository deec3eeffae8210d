"""``rldoctor skill``."""

from __future__ import annotations

import typer


def skill() -> None:
    """Print a SKILL.md that leads a coding agent from preflight to the gate by the JSON reports."""
    from rldoctor import datafile

    typer.echo((datafile.folder("checks") / "skill.md").read_text(encoding="utf-8"), nl=False)
