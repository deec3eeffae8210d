"""A page of explanation in the terminal: a title, then headed paragraphs."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from rldoctor.model import Page
from rldoctor.model.website import address
from rldoctor.render.wording import clean


def render_page(page: Page) -> RenderableType:
    """Return the page without empty sections; in a terminal with links its name leads to its address."""
    name = Style(bold=True, link=address(page.location) or None)
    parts: list[RenderableType] = [Text.assemble((clean(page.name), name), "  ", clean(page.title))]
    for heading, text in page.sections:
        if text:
            parts.append(Padding(Text(heading, style="cyan"), (1, 0, 0, 0)))
            parts.append(Padding(Text(clean(text)), (0, 0, 0, 2)))
    return Group(*parts)
