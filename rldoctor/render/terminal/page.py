"""A page of explanation in the terminal: a title, then headed paragraphs."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from rldoctor.model import Page
from rldoctor.render.wording import clean


def render_page(page: Page) -> RenderableType:
    """Return the page; sections without text are left out."""
    parts: list[RenderableType] = [Text.assemble((clean(page.name), "bold"), "  ", clean(page.title))]
    for heading, text in page.sections:
        if text:
            parts.append(Padding(Text(heading, style="cyan"), (1, 0, 0, 0)))
            parts.append(Padding(Text(clean(text)), (0, 0, 0, 2)))
    return Group(*parts)
