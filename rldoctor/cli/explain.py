"""``rldoctor explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured


def explain(
    topic: Annotated[str, typer.Argument(help="A code, diagnosis, metric, TensorBoard tag, check or concept.")],
    config: options.Config = None,
    isolated: options.Isolated = False,
) -> None:
    """Explain a code, a diagnosis, a metric, a preflight check, an off-policy setting or a concept in plain words."""
    from rich.console import Console

    from rldoctor.explain.pages import look_up
    from rldoctor.render.terminal.page import render_page

    console = Console(highlight=False)
    console.print(render_page(look_up(topic, lambda: configured(config, isolated))))
