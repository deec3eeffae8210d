"""Which framework logged a run: the dictionaries there are, and the one that knows most of its tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rldoctor import datafile
from rldoctor.errors import UsageError, near
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.logs.tag_mapping_file import load_names


@dataclass(frozen=True, slots=True)
class Recognised:
    """A framework, and how much of what was logged it explains.

    Attributes:
        names: Its dictionary.
        known: How many of the logged tags it knows.
        logged: How many scalar tags there are; those of supplements are not counted.
        wanted: The user named it.
    """

    names: TagMapping
    known: int
    logged: int
    wanted: bool = False


@cache
def shipped_names() -> tuple[TagMapping, ...]:
    """Return the shipped dictionaries, by file name.

    Raises:
        UsageError: One of the files is not valid.
    """
    return tuple(load_names(path) for path in sorted((datafile.folder("checks") / "tags").glob("*.toml")))


@cache
def own_names(rules: tuple[Path, ...]) -> tuple[TagMapping, ...]:
    """Return the dictionaries in ``names/`` of the user's folders of rules.

    Raises:
        UsageError: One of the files is not valid, or is called as another one is.
    """
    taken = {names.framework for names in shipped_names()}
    found = []
    for path in (
        path
        for folder in rules
        for path in sorted([*(folder / "tags").glob("*.toml"), *(folder / "names").glob("*.toml")])
    ):
        if path.stem in taken:
            raise UsageError(f"{path}: there are names of a framework {path.stem!r} already.", "Call yours otherwise.")
        taken.add(path.stem)
        found.append(load_names(path))
    return tuple(found)


def titles(own: Iterable[TagMapping] = ()) -> dict[str, str]:
    """Return the frameworks' names in words."""
    return {names.framework: names.title for names in (*shipped_names(), *own)}


def find_names(word: str, own: Iterable[TagMapping] = ()) -> TagMapping:
    """Return a dictionary by its name, such as ``cleanrl``, or the path of its file; ``own`` are the user's.

    Raises:
        UsageError: There is none, or the file is not valid.
    """
    known = {names.framework: names for names in (*shipped_names(), *own) if not names.supplement}
    if word in known:
        return known[word]
    if Path(word).suffix == ".toml":
        return load_names(Path(word))
    raise UsageError(
        f"There are no names of a framework called {word!r}.",
        f"{near(word, known)} Or give the path of a file of your own, such as checks/tags/{word or 'mine'}.toml.",
    )


def recognise(
    tags: Iterable[str], dictionaries: Iterable[TagMapping], wanted: TagMapping | None = None
) -> Recognised | None:
    """Return the framework that knows most of ``tags``; the first by name where several do, None where none does.

    Args:
        tags: All scalar tags of a run, known or not.
        dictionaries: The frameworks there are.
        wanted: The one that the user named; taken as it is.
    """
    known_ones = tuple(dictionaries)
    beside = [names for names in known_ones if names.supplement]
    present = {tag for tag in tags if not any(names.meaning(tag) for names in beside)}
    best = Recognised(wanted, sum(map(wanted.wants, present)), len(present), True) if wanted else None
    for names in known_ones:
        if wanted or names.supplement or not names.tells(present):
            continue
        known = sum(map(names.wants, present))
        if known > (best.known if best else 0):
            best = Recognised(names, known, len(present))
    return best
