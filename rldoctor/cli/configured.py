"""The configuration of a command: its two options, and the file that they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rldoctor.cli.options import FailOn
from rldoctor.errors import UsageError
from rldoctor.model import Verdict

if TYPE_CHECKING:
    from rldoctor.config import Config

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Read this rldoctor.toml or pyproject.toml. [default: the nearest one]"),
]
IsolatedOption = Annotated[bool, typer.Option("--isolated", "--no-config", help="Read no configuration.")]


def configured(file: Path | None, isolated: bool, follow_references: bool = True) -> Config:
    """Return the configuration that is in force: the named file, the nearest one, or none.

    Raises:
        UsageError: It is not valid, or both options are given.
    """
    from rldoctor.config import DEFAULTS, find_config, read_config

    if isolated and file is not None:
        raise UsageError("--isolated reads no configuration, and --config names one.", "Leave one of them out.")
    if isolated:
        return DEFAULTS
    if file is not None:
        config = read_config(file, follow_references)
    else:
        try:
            here = Path.cwd()
        except OSError:  # The current directory has been removed.
            return DEFAULTS
        config = find_config(here, follow_references)
    if config.select or config.ignore or config.rules:
        from rldoctor.preflight.selectors import require_known

        require_known(config)
    return config


def failing(option: FailOn | None, config: Config) -> Verdict:
    """Return the mildest verdict that fails: what the command line says, or else the configuration."""
    return config.fail_on if option is None else Verdict(option.value)
