"""Everything that the doctor knows, in plain words: one page for each code, diagnosis, metric, check and concept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rldoctor import datafile
from rldoctor.config import DEFAULTS, Config
from rldoctor.errors import UsageError, near
from rldoctor.logs.frameworks import own_tag_mappings, shipped_tag_mappings
from rldoctor.model import Page
from rldoctor.preflight.check_docs import CheckPage, own_pages, preflight_checks
from rldoctor.rulebook import DiagnosisRule, Rulebook, load_rulebook
from rldoctor.rulebook.load_remedies import declared_checks
from rldoctor.rulebook.schema import ALL_SETTINGS, SettingChange


def look_up(topic: str, config: Callable[[], Config] = lambda: DEFAULTS) -> Page:
    """Return the page on ``topic``: a code, a name, a metric, a raw tag or a concept, in any case.

    Args:
        topic: What to look up.
        config: Gives the configuration; asked only for what is not shipped.

    Raises:
        UsageError: Nothing is called so; the message offers close matches.
    """
    wanted = topic.strip().lower()
    by_word = _by_word(_pages(load_rulebook(), preflight_checks()))
    if wanted in by_word:
        return by_word[wanted]
    rules = config().rules
    by_word |= _by_word(_pages(load_rulebook(own=rules), own_pages()))
    if wanted in by_word:
        return by_word[wanted]
    tagged = _metric_of_tag(topic.strip(), rules)
    if tagged in by_word:
        return by_word[tagged]
    # Found whatever its case, a code is offered as it is written elsewhere.
    offer = re.sub(r"\b[a-z]{3}\d{3}\b", lambda code: code[0].upper(), near(wanted, by_word))
    raise UsageError(f"Nothing is called {topic!r}.", offer)


def _by_word(pages: Sequence[tuple[tuple[str, ...], Page]]) -> dict[str, Page]:
    by_word: dict[str, Page] = {}
    for page_words, page in pages:
        for word in page_words:
            # A code of the logs may bear a diagnosis' name (mixed-runs): the diagnosis, which stands first, wins.
            by_word.setdefault(word.lower(), page)
    return by_word


def catalogue(config: Config = DEFAULTS) -> dict[str, dict[str, str]]:
    """Return the name and title of everything that can be explained, by shelf; what is not shipped says whose it is."""
    book, ours = load_rulebook(own=config.rules), load_rulebook()
    checks = (*preflight_checks(), *own_pages())
    return {
        "preflight checks": {c.code: f"{c.name}: {c.title}{_from(c.origin)}" for c in checks},
        "signs": {
            code: f"{sign.name}: {sign.what}{_from('' if code in ours.signs else str(sign.file))}"
            for code, sign in sorted(book.signs.items())
        },
        "logs and gate": {code: f"{entry['name']}: {entry['what']}" for code, entry in _table("codes.toml").items()},
        "diagnoses": {
            name: f"{rule.title}{_from('' if name in ours.diagnoses else str(rule.file))}"
            for name, rule in book.diagnoses.items()
        },
        "metrics": {name: metric.title for name, metric in book.metrics.items()},
        "algorithms": {name: f"{item.title}: {item.what}" for name, item in book.algorithms.items()},
        "concepts": {name: entry["title"] for name, entry in _table("concepts.toml").items()},
    }


def _from(origin: str) -> str:
    return f" [{origin}]" if origin else ""


def library(config: Config = DEFAULTS) -> dict[str, list[Page]]:
    """Return every page by shelf, in the order of :func:`catalogue`."""
    pages = {
        page.name: page for _, page in _pages(load_rulebook(own=config.rules), (*preflight_checks(), *own_pages()))
    }
    by_code = {name.partition(" ")[0]: page for name, page in pages.items()}
    return {shelf: [by_code[name] for name in entries] for shelf, entries in catalogue(config).items()}


@cache
def _table(name: str) -> Mapping[str, Mapping[str, Any]]:
    path = datafile.folder("checks") / name
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The file {path} cannot be read: {error}.") from None


def _pages(book: Rulebook, checks: Sequence[CheckPage]) -> list[tuple[tuple[str, ...], Page]]:
    """Return the page of each rule and check with the words under which it is found."""
    ours = load_rulebook()
    pages: list[tuple[tuple[str, ...], Page]] = []
    sections: tuple[tuple[str, str], ...]
    for check in checks:
        sections = (("", check.text), ("Comes from", check.origin))
        pages.append(((check.code, check.name), Page(f"{check.code} {check.name}".strip(), check.title, sections)))
    for sign in book.signs.values():
        sections = (
            ("What it is", sign.what),
            ("Why it matters", sign.why),
            ("What to do", sign.remedy),
            ("When it is a false alarm", sign.false_alarms),
            ("Made for", _made_for(book, sign.algorithms)),
            ("Speaks for", ", ".join(r.name for r in book.diagnoses.values() if r.weights.get(sign.code, 0) > 0)),
            ("Source", sign.source),
            ("Comes from", "" if sign.code in ours.signs else str(sign.file)),
        )
        pages.append(((sign.code, sign.name), Page(f"{sign.code} {sign.name}", "", sections)))
    for rule in book.diagnoses.values():
        signs = sorted(rule.weights, key=lambda code: -rule.weights[code])
        sections = (
            ("What is going on", rule.what),
            ("Remedy", rule.remedy),
            ("What rldoctor treat tries", _tried(rule)),
            ("Confirmed by", ", ".join(f"{code} {declared_checks()[code]}" for code in rule.confirmed_by)),
            ("The test that tells it from its rivals", rule.next_test),
            ("Signs for it", ", ".join(f"{c} {book.signs[c].name}" for c in signs if rule.weights[c] > 0)),
            ("Signs against it", ", ".join(f"{c} {book.signs[c].name}" for c in signs if rule.weights[c] < 0)),
            ("Made for", _made_for(book, rule.algorithms)),
            ("Source", rule.source),
            ("Comes from", "" if rule.name in ours.diagnoses else str(rule.file)),
        )
        pages.append(((rule.name,), Page(rule.name, rule.title, sections)))
    for name, metric in book.metrics.items():
        sections = (
            ("Meaning", metric.meaning),
            ("How to read it", metric.reading),
            ("Unit", metric.unit),
            ("Better", metric.better),
            ("How to log it", metric.how_to_log),
            ("Source", metric.source),
        )
        pages.append(((name,), Page(name, metric.title, sections)))
    for name, algorithm in book.algorithms.items():
        sections = (
            ("What it is", algorithm.what),
            ("What can be judged", algorithm.limits or "Everything that the doctor knows."),
            ("Source", algorithm.source),
        )
        pages.append(((name,), Page(name, algorithm.title, sections)))
    for code, entry in _table("codes.toml").items():
        page = Page(f"{code} {entry['name']}", "", (("What it is", entry["what"]), ("What to do", entry["remedy"])))
        pages.append(((code, entry["name"]), page))
    for name, entry in _table("concepts.toml").items():
        text = " ".join(entry["text"].split())
        pages.append(((name,), Page(name, entry["title"], (("In short", text), ("Source", entry["see"])))))
    return pages


def _made_for(book: Rulebook, algorithms: Sequence[str]) -> str:
    """Return the algorithms that a rule is made for; empty where it is made for all."""
    return ", ".join(book.algorithms[name].title for name in algorithms)


def _tried(rule: DiagnosisRule) -> str:
    """Return the changes of a diagnosis in words; those of one order are made together."""
    orders = sorted({change.order for change in rule.change})
    return "; then ".join(
        " and ".join(_in_words(change) for change in rule.change if change.order == order) for order in orders
    )


def _in_words(change: SettingChange) -> str:
    if change.setting == ALL_SETTINGS:
        return "every setting that differs from the reference back to it"
    to = "SB3's default" if change.default else f"{change.to:g}" if isinstance(change.to, float) else f"{change.to}"
    if change.scale is not None:
        what = f"{change.setting} times {change.scale:g}, without a reference"
    elif change.to is None and not change.default:
        what = f"{change.setting} to the reference's value"
    else:
        first = "the reference's value, else " if change.reference else ""
        what = f"{change.setting} to {first}{to}"
    limits = [
        f"{word} {limit:g}" for word, limit in (("above", change.above), ("below", change.below)) if limit is not None
    ]
    limits += [f"{change.spaces} actions"] * bool(change.spaces)
    return f"{what} ({', '.join(limits)})" if limits else what


def _metric_of_tag(tag: str, rules: tuple[Path, ...]) -> str:
    """Return the metric that a framework logs under ``tag``; empty for an unknown tag."""
    for framework in (*shipped_tag_mappings(), *own_tag_mappings(rules)):
        meaning = framework.meaning(tag)
        if meaning is not None:
            return meaning.metric
    return ""
