"""Everything that the doctor knows as one Markdown document: docs/rules.md."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from rldoctor.model import Page

_INTRODUCTION = (
    "Written by `rldoctor rules --format md` from the files in `checks/` and the preflight checks' own words; a test"
    " keeps it so. `rldoctor explain NAME` shows each of these in the terminal."
)


def render_reference(shelves: Mapping[str, Iterable[Page]]) -> str:
    """Return the pages of each shelf under one heading, with a table of contents."""
    lines = ["# What rldoctor knows", "", _INTRODUCTION, ""]
    lines += [f"- [{shelf}](#{shelf.replace(' ', '-')})" for shelf in shelves]
    for shelf, pages in shelves.items():
        lines += ["", f"## {shelf}"]
        for page in pages:
            lines += ["", f"### {page.name}", *(["", _marked(page.title)] if page.title else [])]
            for heading, text in page.sections:
                for paragraph in _paragraphs(text) if text else ():
                    lines += ["", f"**{heading}:** {paragraph}" if heading else paragraph]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> list[str]:
    return [_marked(paragraph) for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]


def _marked(text: str) -> str:
    """Return words of our own as Markdown: their code is marked as in docstrings, with two backticks."""
    parts = re.split(r"``([^`]+)``", " ".join(text.split()))
    return "".join(f"`{part}`" if i % 2 else html.escape(part, quote=False) for i, part in enumerate(parts))
