"""The pages of codes, causes, metrics, concepts, algorithms and parts, from what ``rldoctor explain`` shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rldoctor.config import DEFAULTS
from rldoctor.explain.pages import library
from rldoctor.explain.rule_reference import marked
from rldoctor.model import Page

# What the list of each folder of pages is called.
TITLES = {
    "codes": "Codes",
    "causes": "Causes",
    "metrics": "Metrics",
    "concepts": "Concepts",
    "algorithms": "Algorithms",
    "parts": "Parts of an algorithm",
}
_WORD = re.compile(r"`[^`]+`|[A-Za-z][\w-]*\w")
# Long enough to say what it is about in a list.
_LONGEST = 160


def pages(mentions: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Return the Markdown of each page by its place.

    Args:
        mentions: Code or cause to the recorded runs that show it: title and place of the page.
    """
    shelves = library(DEFAULTS)
    places = {name: page.location for shelf in shelves.values() for page in shelf for name in _linked_names(page)}
    made = {
        _source(page): _page(page, shelf, places, mentions)
        for shelf, content in shelves.items()
        for page in content
        if page.location
    }
    for folder, title in TITLES.items():
        made[f"{folder}/index.md"] = _index(folder, title, shelves)
    made["rules.md"] = _overview(shelves)
    return made


def _source(page: Page) -> str:
    return page.location.removesuffix(".html") + ".md"


def _linked_names(page: Page) -> list[str]:
    """Return the names of a page that are linked wherever they stand: those that cannot be a plain word."""
    return [name for name in page.name.split() if re.search(r"[\d_-]", name)]


def _page(page: Page, shelf: str, places: Mapping[str, str], mentions: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    folder, name = page.location.removesuffix(".html").split("/")
    lines = [f"# {page.name}", "", f"[{TITLES[folder]}](index.md) · {shelf}" if folder == "codes" else ""]
    lines += ["", f"**{_upper(marked(page.title))}**" if page.title else ""]
    for heading, text in page.sections:
        if text:
            lines += ["", f"## {heading}" if heading else "", "", _with_links(marked(text), page, places)]
    if shown := mentions.get(name):
        lines += ["", "## Recorded runs", "", *(f"- [{title}](../{place})" for title, place in shown)]
    lines += ["", "In the terminal:", "", "```bash", f"rldoctor explain {name}", "```"]
    return "\n".join(lines) + "\n"


def _with_links(text: str, page: Page, places: Mapping[str, str]) -> str:
    """Return text in which every code, cause and metric leads to its page."""

    def lead(match: re.Match[str]) -> str:
        place = places.get(match[0].strip("`"), "")
        return f"[{match[0]}](../{place.removesuffix('.html')}.md)" if place not in ("", page.location) else match[0]

    return _WORD.sub(lead, text)


def _index(folder: str, title: str, shelves: Mapping[str, Sequence[Page]]) -> str:
    lines = [f"# {title}"]
    for shelf, content in shelves.items():
        listed = [page for page in content if page.location.startswith(f"{folder}/")]
        if listed:
            lines += ["", f"## {_upper(shelf)}" if folder == "codes" else "", "", "| | |", "|---|---|"]
            lines += [f"| [{_first(page)}]({_source(page).split('/')[1]}) | {_about(page)} |" for page in listed]
    return "\n".join(lines) + "\n"


def _overview(shelves: Mapping[str, Sequence[Page]]) -> str:
    lines = [
        "# What rldoctor knows",
        "",
        "Every entry has a page. `rldoctor explain NAME` shows it in the terminal.",
        "",
    ]
    lines += ["| | entries |", "|---|---|"]
    for shelf, content in shelves.items():
        folder = content[0].location.split("/")[0]
        anchor = f"#{shelf.replace(' ', '-')}" if folder == "codes" else ""
        lines.append(f"| [{_upper(shelf)}]({folder}/index.md{anchor}) | {len(content)} |")
    lines.append("| [Commands](commands/index.md) | |")
    return "\n".join(lines) + "\n"


def _first(page: Page) -> str:
    return page.name.split()[0]


def _about(page: Page) -> str:
    """Return what a page is about in a line of a table."""
    named = " ".join(page.name.split()[1:])
    text = page.title or next((text for _, text in page.sections if text), "")
    sentence = marked(text).split(". ")[0].replace("|", "\\|")
    if len(sentence) > _LONGEST:
        sentence = f"{sentence[:_LONGEST].rsplit(' ', 1)[0]} ..."
    return f"**{named}**: {sentence}" if named else _upper(sentence)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
