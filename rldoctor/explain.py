"""Everything that the doctor knows, in plain words: one page for each code, diagnosis, metric, check and concept."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rldoctor import shipped
from rldoctor.errors import UsageError
from rldoctor.logs.frameworks import shipped_names
from rldoctor.model import Page
from rldoctor.recipe import near
from rldoctor.rulebook import Rulebook, load_rulebook

_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
_DECLARED = re.compile(r'^@check\(\s*"(\w+)",\s*"([\w-]+)"', re.MULTILINE)


@dataclass(frozen=True)
class CheckPage:
    """A preflight check as its source describes it: code, name, and its module's docstring."""

    code: str
    name: str
    title: str
    text: str


@cache
def preflight_checks() -> tuple[CheckPage, ...]:
    """Return the pages of all preflight checks, by code.

    They are read from the source, not imported: a laptop that only reads logs has neither gymnasium nor PyTorch. One
    file is one check (the tests hold these pages against the checks themselves).
    """
    pages = []
    for path in (Path(__file__).parent / "preflight_checks").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        declared, docstring = _DECLARED.search(source), _DOCSTRING.match(source)
        if declared and docstring:
            title, _, text = inspect.cleandoc(docstring[1]).partition("\n")
            pages.append(CheckPage(declared[1], declared[2], title, text.strip()))
    return tuple(sorted(pages, key=lambda page: page.code))


def look_up(topic: str) -> Page:
    """Return the page on ``topic``: a code, a name, a metric, a raw tag or a concept, in any case.

    Raises:
        UsageError: Nothing is called so; the message offers close matches.
    """
    pages = _pages()
    wanted = topic.strip().lower()
    by_word: dict[str, Page] = {}
    for page_words, page in pages:
        for word in page_words:
            # A code of the logs may bear a diagnosis' name (mixed-runs): the diagnosis, which stands first, wins.
            by_word.setdefault(word.lower(), page)
    if wanted in by_word:
        return by_word[wanted]
    tagged = _metric_of_tag(topic.strip())
    if tagged in by_word:
        return by_word[tagged]
    # Found whatever its case, a code is offered as it is written elsewhere.
    offer = re.sub(r"\b[a-z]{3}\d{3}\b", lambda code: code[0].upper(), near(wanted, by_word))
    raise UsageError(f"Nothing is called {topic!r}.", offer)


def catalogue() -> dict[str, dict[str, str]]:
    """Return the name and title of everything that can be explained, by shelf."""
    book = load_rulebook()
    return {
        "preflight checks": {check.code: f"{check.name}: {check.title}" for check in preflight_checks()},
        "signs": {code: f"{sign.name}: {sign.what}" for code, sign in sorted(book.signs.items())},
        "logs and gate": {code: f"{entry['name']}: {entry['what']}" for code, entry in _table("codes.toml").items()},
        "diagnoses": {name: rule.title for name, rule in book.diagnoses.items()},
        "metrics": {name: metric.title for name, metric in book.metrics.items()},
        "algorithms": {name: f"{item.title}: {item.what}" for name, item in book.algorithms.items()},
        "concepts": {name: entry["title"] for name, entry in _table("concepts.toml").items()},
    }


def library() -> dict[str, list[Page]]:
    """Return every page by shelf, in the order of :func:`catalogue`."""
    pages = {page.name: page for _, page in _pages()}
    by_code = {name.partition(" ")[0]: page for name, page in pages.items()}
    return {shelf: [by_code[name] for name in entries] for shelf, entries in catalogue().items()}


@cache
def _table(name: str) -> Mapping[str, Mapping[str, Any]]:
    path = shipped.folder("checks") / name
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The file {path} cannot be read: {error}.") from None


def _pages() -> list[tuple[tuple[str, ...], Page]]:
    """Return every page with the words under which it is found."""
    book = load_rulebook()
    pages: list[tuple[tuple[str, ...], Page]] = []
    for check in preflight_checks():
        pages.append(((check.code, check.name), Page(f"{check.code} {check.name}", check.title, (("", check.text),))))
    sections: tuple[tuple[str, str], ...]
    for sign in book.signs.values():
        sections = (
            ("What it is", sign.what),
            ("Why it matters", sign.why),
            ("What to do", sign.do),
            ("When it is a false alarm", sign.false_alarms),
            ("Made for", _made_for(book, sign.algorithms)),
            ("Speaks for", ", ".join(r.name for r in book.diagnoses.values() if r.weights.get(sign.code, 0) > 0)),
            ("Source", sign.source),
        )
        pages.append(((sign.code, sign.name), Page(f"{sign.code} {sign.name}", "", sections)))
    for rule in book.diagnoses.values():
        signs = sorted(rule.weights, key=lambda code: -rule.weights[code])
        sections = (
            ("What is going on", rule.what),
            ("Remedy", rule.remedy),
            ("The test that tells it from its rivals", rule.next_test),
            ("Signs for it", ", ".join(f"{c} {book.signs[c].name}" for c in signs if rule.weights[c] > 0)),
            ("Signs against it", ", ".join(f"{c} {book.signs[c].name}" for c in signs if rule.weights[c] < 0)),
            ("Made for", _made_for(book, rule.algorithms)),
            ("Source", rule.source),
        )
        pages.append(((rule.name,), Page(rule.name, rule.title, sections)))
    for metric in book.metrics.values():
        sections = (
            ("Meaning", metric.meaning),
            ("How to read it", metric.reading),
            ("Unit", metric.unit),
            ("Better", metric.better),
            ("How to log it", metric.how_to_log),
            ("Source", metric.source),
        )
        pages.append(((metric.name,), Page(metric.name, metric.title, sections)))
    for algorithm in book.algorithms.values():
        sections = (
            ("What it is", algorithm.what),
            ("What can be judged", algorithm.limits or "Everything that the doctor knows."),
            ("Source", algorithm.source),
        )
        pages.append(((algorithm.name,), Page(algorithm.name, algorithm.title, sections)))
    for code, entry in _table("codes.toml").items():
        page = Page(f"{code} {entry['name']}", "", (("What it is", entry["what"]), ("What to do", entry["do"])))
        pages.append(((code, entry["name"]), page))
    for name, entry in _table("concepts.toml").items():
        text = " ".join(entry["text"].split())
        pages.append(((name,), Page(name, entry["title"], (("In short", text), ("Source", entry["see"])))))
    return pages


def _made_for(book: Rulebook, algorithms: Sequence[str]) -> str:
    """Return the algorithms that a rule is made for; empty where it is made for all."""
    return ", ".join(book.algorithms[name].title for name in algorithms)


def _metric_of_tag(tag: str) -> str:
    """Return the metric that a framework logs under ``tag``; empty for an unknown tag."""
    for framework in shipped_names():
        meaning = framework.meaning(tag)
        if meaning is not None:
            return meaning.metric
    return ""
