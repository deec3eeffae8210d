"""Causes that plain logs hardly tell apart, as data: ``checks/look_alikes.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from rldoctor import datafile
from rldoctor.datafile import Text


@cache
def look_alikes() -> Mapping[str, tuple[str, ...]]:
    """Return the names of causes by the name of the one that is hardly told from them.

    Raises:
        UsageError: The file is not valid.
    """
    return datafile.load(
        datafile.folder("checks") / "look_alikes.toml", dict[str, tuple[Text, ...]], "list of look-alikes"
    )
