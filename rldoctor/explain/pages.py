"""One page for each check, sign, diagnosis, metric, algorithm, code and concept: what ``rldoctor explain`` shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rldoctor import datafile
from rldoctor.config import DEFAULTS, Config
from rldoctor.diagnosis.table import rows_of
from rldoctor.errors import UsageError, nearest
from rldoctor.examination.tie_tests import tie_tests
from rldoctor.explain.sections import Sections, diagnosis_sections, setting_sections, sign_sections
from rldoctor.logs.frameworks import own_tag_mappings, shipped_tag_mappings
from rldoctor.model import Page
from rldoctor.model.website import location
from rldoctor.preflight.check import CheckDocs
from rldoctor.preflight.checks import all_checks
from rldoctor.rulebook import Rulebook, load_rulebook
from rldoctor.rulebook.advice import explained
from rldoctor.sb3.model_signs import model_signs
from rldoctor.settings.signs import setting_signs

_CODES = "logs and gate"
# Names that are offered where only words are shared.
_OFFERED = 3
# Where the documentation has the pages of a shelf whose entries have no code.
_FOLDERS = {
    "diagnoses": "causes",
    "parts of an algorithm": "parts",
    **{shelf: shelf for shelf in ("metrics", "algorithms", "concepts")},
}


class Entry(NamedTuple):
    """A page and where it is found.

    Attributes:
        shelf: The part of the catalogue.
        names: The code and the name, or the name alone.
        line: Its line in the catalogue.
        page: What is explained.
    """

    shelf: str
    names: tuple[str, ...]
    line: str
    page: Page


def look_up(topic: str, config: Callable[[], Config] = lambda: DEFAULTS) -> Page:
    """Return the page on ``topic``: a code, a name, a metric, a raw tag or a concept, in any case.

    Args:
        topic: What to look up.
        config: Returns the configuration; called only for what is not shipped.

    Raises:
        UsageError: Nothing is called so; the message offers close matches.
    """
    wanted = topic.strip().lower()
    shipped = _shipped_pages()
    if wanted in shipped:
        return shipped[wanted]
    rules = config().rules
    pages = dict(shipped) | _by_name(_entries(load_rulebook(own=rules), _plugin_docs()))
    found = wanted if wanted in pages else _metric_of_tag(topic.strip(), rules)
    if found in pages:
        return pages[found]
    # Words are compared in lower case; a code is offered in upper case, as it is written elsewhere.
    close = nearest(wanted, pages, cutoff=0.6) or _with_words_of(wanted, pages)
    offer = re.sub(r"\b[a-z]{3}\d{3}\b", lambda code: code[0].upper(), close) or "rldoctor rules lists everything."
    raise UsageError(f"Nothing is called {topic!r}.", offer)


@cache
def _shipped_pages() -> Mapping[str, Page]:
    return _by_name(_entries(load_rulebook(), all_checks()))


def _with_words_of(wanted: str, pages: Iterable[str]) -> str:
    """Return a sentence that offers what shares most words with ``wanted``; empty where nothing shares one."""
    words = {word for word in re.split(r"[^a-z0-9]+", wanted) if len(word) > 2}
    shared = {name: len(words & set(re.split(r"[^a-z0-9]+", name))) for name in pages}
    best = sorted((name for name, count in shared.items() if count), key=lambda name: (-shared[name], len(name), name))
    return f"Did you mean {' or '.join(best[:_OFFERED])}?" if best else ""


def _by_name(entries: Iterable[Entry]) -> dict[str, Page]:
    pages: dict[str, Page] = {}
    # A code of the logs may have the name of a diagnosis (mixed-runs): the diagnosis wins.
    for entry in sorted(entries, key=lambda entry: entry.shelf == _CODES):
        for name in entry.names:
            pages.setdefault(name.lower(), entry.page)
    return pages


def catalogue(config: Config = DEFAULTS) -> dict[str, dict[str, str]]:
    """Return the code or name of everything that can be explained with a line on it, by shelf."""
    shelves: dict[str, dict[str, str]] = {}
    for entry in _all_entries(config):
        shelves.setdefault(entry.shelf, {})[entry.names[0]] = entry.line
    return shelves


def library(config: Config = DEFAULTS) -> dict[str, list[Page]]:
    """Return every page by shelf, in the order of :func:`catalogue`."""
    shelves: dict[str, list[Page]] = {}
    for entry in _all_entries(config):
        shelves.setdefault(entry.shelf, []).append(entry.page)
    return shelves


def _all_entries(config: Config) -> Iterator[Entry]:
    shipped = sorted(all_checks(), key=lambda check: check.code)
    return _entries(load_rulebook(own=config.rules), (*shipped, *_plugin_docs()))


def _plugin_docs() -> tuple[CheckDocs, ...]:
    # Late, as it is rarely needed: the metadata of every installed package is searched.
    from rldoctor.preflight.plugins import plugin_docs

    return plugin_docs()


@cache
def _table(name: str) -> Mapping[str, Mapping[str, Any]]:
    return datafile.read_toml(datafile.folder("checks") / name)


def _entries(book: Rulebook, checks: Sequence[CheckDocs]) -> Iterator[Entry]:
    """Yield the page of each rule and check, shelf by shelf."""
    shipped = load_rulebook()
    page: Sections
    for check in checks:
        page = (*check.sections, ("Provided by", check.origin))
        yield _entry("preflight checks", (check.code, check.name), check.title, page, check.title, check.origin)
    supported = _causes_by_evidence(book)
    for code, sign in sorted(book.signs.items()):
        origin = "" if code in shipped.signs else str(sign.file)
        page = (*sign_sections(book, sign, supported.get(code, ())), ("Provided by", origin))
        yield _entry("signs", (code, sign.name), sign.what, page, origin=origin)
    for code, of_setting in setting_signs().items():
        yield _entry("settings", (code, of_setting.name), of_setting.what, setting_sections(book, of_setting))
    for code, of_model in model_signs().items():
        page = (
            ("What it is", of_model.what),
            ("Why it matters", of_model.why),
            ("How it is judged", of_model.measured),
            ("What to do", of_model.remedy),
            ("False alarms", of_model.false_alarms),
            ("Evidence for", ", ".join(of_model.causes)),
            ("A usual value is evidence against", ", ".join(of_model.cleared)),
            ("Source", of_model.source),
        )
        yield _entry("saved models", (code, of_model.name), of_model.what, page)
    for name, probe in _table("probes.toml")["probe"].items():
        page = (("What it is", probe["what"]), ("What it tests", f"{probe['sees'][0].upper()}{probe['sees'][1:]}."))
        yield _entry("probes", (probe["code"], name), probe["what"], page)
    for name, part in _table("probes.toml")["part"].items():
        what = f"A part of an algorithm that rldoctor probe tests: {part['title']}."
        page = (("What it is", what), ("What to do", part["remedy"]))
        yield _entry("parts of an algorithm", (name,), part["title"], page, part["title"])
    for code, of_tie in tie_tests().items():
        page = (
            ("What it is", of_tie.what),
            ("Why it matters", of_tie.why),
            ("What to do", of_tie.remedy),
            ("False alarms", of_tie.false_alarms),
            ("Separates from other causes", ", ".join(of_tie.supports)),
            ("Source", of_tie.source),
        )
        yield _entry("tests that break ties", (code, of_tie.name), of_tie.what, page)
    for code, entry in _table("codes.toml").items():
        page = (("What it is", entry["what"]), ("What to do", entry["remedy"]))
        yield _entry(_CODES, (code, entry["name"]), entry["what"], page)
    for name, rule in book.diagnoses.items():
        origin = "" if name in shipped.diagnoses else str(rule.file)
        page = (*diagnosis_sections(book, rule), ("Provided by", origin))
        yield _entry("diagnoses", (name,), rule.title, page, rule.title, origin)
    for name, metric in book.metrics.items():
        page = (
            ("Meaning", metric.meaning),
            ("How to read it", metric.reading),
            ("Unit", metric.unit),
            ("Better", metric.better),
            ("How to log it", explained(metric.how_to_log)),
            ("Source", metric.source),
        )
        yield _entry("metrics", (name,), metric.title, page, metric.title)
    for name, algorithm in book.algorithms.items():
        page = (
            ("What it is", algorithm.what),
            ("What can be judged", algorithm.limits or "Everything that rldoctor knows."),
            *((row.metric, row.in_words) for row in rows_of(name)),
            ("Source", algorithm.source),
        )
        yield _entry("algorithms", (name,), f"{algorithm.title}: {algorithm.what}", page, algorithm.title)
    for name, entry in _table("concepts.toml").items():
        page = (("In short", " ".join(entry["text"].split())), ("Source", entry["see"]))
        yield _entry("concepts", (name,), entry["title"], page, entry["title"])


def _entry(
    shelf: str, names: tuple[str, ...], about: str, sections: Sections, title: str = "", origin: str = ""
) -> Entry:
    line = ": ".join((*names[1:], about)).replace("``", "`") + (f" [{origin}]" if origin else "")
    # What others provide is in their documentation.
    place = "" if origin else location(_FOLDERS.get(shelf, "codes"), names[0])
    return Entry(shelf, names, line, Page(" ".join(names).strip(), title, sections, place))


def _causes_by_evidence(book: Rulebook) -> dict[str, list[str]]:
    """Return the causes that each code is evidence for."""
    supported: dict[str, list[str]] = {}
    for rule in book.diagnoses.values():
        for code in rule.evidence_for:
            supported.setdefault(code, []).append(rule.name)
    return supported


def _metric_of_tag(tag: str, rules: tuple[Path, ...]) -> str:
    """Return the metric that a framework logs under ``tag``; empty for an unknown tag."""
    mappings = (*shipped_tag_mappings(), *own_tag_mappings(rules))
    return next((meaning.metric for mapping in mappings if (meaning := mapping.meaning(tag)) is not None), "")
