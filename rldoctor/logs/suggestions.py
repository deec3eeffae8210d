"""Suggestions of what unknown tags may mean, as a start for a tag mapping of one's own; nothing is judged by them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache

from rldoctor.logs.frameworks import shipped_tag_mappings

# As similar as "approxkl" and "approx_kl" are.
_SIMILAR = 0.85


def suggest_metrics(tags: Iterable[str]) -> dict[str, str]:
    """Return the metric that each of ``tags`` is likely to hold; tags that look like nothing known are left out.

    Suggested from the last part of the tag, which is similar in most frameworks (``losses/approx_kl``,
    ``train/approx_kl``). It does not show sign and scale: a person has to look them up.
    """
    found = {}
    for tag in tags:
        metric = _metric(_last_part(tag))
        if metric:
            found[tag] = metric
    return found


def _metric(word: str) -> str:
    words = _words()
    if word in words:
        return words[word]
    near = difflib.get_close_matches(word, words, n=1, cutoff=_SIMILAR)
    return words[near[0]] if near else ""


@cache
def _words() -> Mapping[str, str]:
    """Return the last parts of all known tags with their metrics, those that mean one metric only."""
    meanings: dict[str, set[str]] = {}
    for mapping in shipped_tag_mappings():
        for tag, meaning in mapping.tags.items():
            meanings.setdefault(_last_part(tag), set()).add(meaning.metric)
            meanings.setdefault(meaning.metric, set()).add(meaning.metric)
    return {word: next(iter(metrics)) for word, metrics in meanings.items() if len(metrics) == 1}


def _last_part(tag: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", tag.rsplit("/", 1)[-1].lower()).strip("_")
