"""Which framework logged a run: the known tag mappings, and the one that fits its tags best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import attrgetter
from pathlib import Path

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.errors import UsageError, near
from rldoctor.logs.tag_mapping import TagMapping, load_tag_mapping


@dataclass(frozen=True, slots=True)
class IdentifiedFramework:
    """The framework that logged a run, and how many of the logged tags it knows.

    Attributes:
        mapping: Its tag mapping.
        known: How many of the logged tags it knows, those that are of no use among them.
        logged: How many scalar tags there are; those of supplements are not counted.
        named: The user named it.
    """

    mapping: TagMapping
    known: int
    logged: int
    named: bool = False


@cache
def shipped_tag_mappings() -> tuple[TagMapping, ...]:
    """Return the shipped tag mappings, by file name, in whichever folder of ``tags/`` they are.

    Raises:
        UsageError: One of the files is not valid.
    """

    def read() -> tuple[TagMapping, ...]:
        paths = (datafile.folder("checks") / "tags").rglob("*.toml")
        return tuple(load_tag_mapping(path) for path in sorted(paths, key=attrgetter("stem")))

    return compiled("tags", tuple[TagMapping, ...], read)


@cache
def own_tag_mappings(rules: tuple[Path, ...]) -> tuple[TagMapping, ...]:
    """Return the tag mappings in and below ``tags/`` of the user's rules folders; ``names/`` is its earlier name.

    Raises:
        UsageError: One of the files is not valid, or has the name of another.
    """
    taken = {mapping.framework for mapping in shipped_tag_mappings()}
    paths = (p for folder in rules for name in ("tags", "names") for p in sorted((folder / name).rglob("*.toml")))
    found = []
    for path in paths:
        if path.stem in taken:
            raise UsageError(f"{path}: there is already a tag mapping called {path.stem!r}.", "Rename yours.")
        taken.add(path.stem)
        found.append(load_tag_mapping(path))
    return tuple(found)


@lru_cache(16)
def titles(own: tuple[TagMapping, ...] = ()) -> dict[str, str]:
    """Return the frameworks' names in words."""
    return {mapping.framework: mapping.title for mapping in (*shipped_tag_mappings(), *own)}


def find_tag_mapping(word: str, own: Iterable[TagMapping] = ()) -> TagMapping:
    """Return a tag mapping by its name, such as ``cleanrl``, or the path of its file; ``own`` are the user's.

    Raises:
        UsageError: There is none, or the file is not valid.
    """
    known = {mapping.framework: mapping for mapping in (*shipped_tag_mappings(), *own) if not mapping.supplement}
    if word in known:
        return known[word]
    if Path(word).suffix == ".toml":
        return load_tag_mapping(Path(word))
    raise UsageError(
        f"There is no framework called {word!r}.",
        f"{near(word, known)} Or give the path of your own tag mapping, such as checks/tags/{word or 'mine'}.toml.",
    )


def identify(
    tags: Iterable[str], mappings: Iterable[TagMapping], named: TagMapping | None = None
) -> IdentifiedFramework | None:
    """Return the framework that knows most of ``tags``; the first by name where several do, None where none does.

    Args:
        tags: All scalar tags of a run, known or not.
        mappings: The tag mappings to choose from.
        named: The one that the user named; it is used whatever the tags are.
    """
    return _identify(frozenset(tags), tuple(mappings), named)


@lru_cache(64)
def _identify(
    everything: frozenset[str], mappings: tuple[TagMapping, ...], named: TagMapping | None
) -> IdentifiedFramework | None:
    # Runs that are read one after the other mostly log the same tags.
    supplements = [mapping for mapping in mappings if mapping.supplement]
    # What a framework logs itself is its own, even where it looks like what environments log beside any.
    extra = {tag for tag in everything if any(mapping.meaning(tag) for mapping in supplements)}
    if named:
        present = {tag for tag in everything if tag not in extra or named.knows(tag)}
        return IdentifiedFramework(named, sum(map(named.knows, present)), len(present), True)
    best, used = None, 0
    for mapping in mappings:
        if mapping.supplement or not mapping.fits(everything):
            continue
        present = {tag for tag in everything if tag not in extra or mapping.knows(tag)}
        wanted = sum(map(mapping.wants, present))
        if wanted > used:
            best, used = IdentifiedFramework(mapping, sum(map(mapping.knows, present)), len(present)), wanted
    return best
