"""What each library's settings files are and what they call each setting: ``checks/settings/libraries/*.toml``."""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Collection, Mapping
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from msgspec import field, structs

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.datafile import Table, Text
from rldoctor.errors import UsageError
from rldoctor.model.settings import SETTINGS

Format = Literal["yaml", "json", "sb3_zip", "events"]

# What a library may state instead of a setting: it is computed from these.
DERIVED = (
    "minibatches",
    "rollout",
    "iterations",
    "steps_per_env",
    "std_init",
    "workers",
    "envs_per_worker",
    "train_unit",
)
Keys = tuple[Text, ...]
_RUN = "{run}"


class Library(Table, frozen=True):
    """The settings files of one library.

    Attributes:
        library: The name of the file.
        title: The library's name in words.
        source: Where its settings are documented.
        framework: Key of ``checks/tags/``: what logs its trainings.
        files: Pattern of a path to the format of such a file. ``*`` stands for a part of a name, ``..`` for the folder
            above the run. A pattern that fits several files is followed only in the run's own folder, and the first of
            ``prefer`` or the newest is read.
        prefer: Names of files to prefer where a pattern fits several.
        identified_by: Keys of which one must be stated for the settings to be this library's.
        complete: Whether they state everything, so that no other library's files are read.
        fallback: Whether these names are tried only where no other library is identified.
        settings: Setting, or one of ``DERIVED``, to the keys that state it; the first that is stated counts. ``*.lr``
            is any key that ends in ``.lr`` or is ``lr``, if there is only one. ``{run}`` is the name of the run's
            folder, for files that state the settings of several runs.
        values: Setting to pattern of a value, in lower case, to what it means here.
        off: Setting to the values with which it is switched off.
        algorithms: Algorithm to keys of which one identifies it, where ``settings`` state none.
        defaults: Algorithm, or ``*`` for all, to the values that apply where nothing is stated.
        defaults_of: Another library whose defaults apply.
        compared: Patterns of keys beside the settings that say something of what is trained.
    """

    library: Text
    title: Text
    source: Text
    framework: str = ""
    files: dict[str, Format] = field(default_factory=dict)
    prefer: Keys = ()
    identified_by: Keys = ()
    complete: bool = False
    fallback: bool = False
    settings: dict[str, Keys] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    off: dict[str, tuple[float, ...]] = field(default_factory=dict)
    algorithms: dict[str, Keys] = field(default_factory=dict)
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    defaults_of: str = ""
    compared: Keys = ("*",)

    def __post_init__(self) -> None:
        """Refuse a setting that the normal form does not have."""
        tables: tuple[Mapping[str, object], ...] = (self.settings, self.values, self.off, *self.defaults.values())
        for name in itertools.chain(*tables):
            if name not in SETTINGS and name not in DERIVED:
                raise ValueError(f"{name!r} is no setting of the normal form")

    def is_stated_in(self, keys: Collection[str]) -> bool:
        """Return whether ``keys`` are those of this library."""
        return self.fallback or any(key in keys for key in self.identified_by)

    def of_run(self, run: str) -> Library:
        """Return the library with the name of a run's folder for ``{run}`` in its keys."""
        if not any(_RUN in key for keys in self.settings.values() for key in keys):
            return self
        own = {name: tuple(key.replace(_RUN, run) for key in keys) for name, keys in self.settings.items()}
        return structs.replace(self, settings=own)

    def meaning(self, name: str, value: Any) -> Any:
        """Return what a value of a setting means in the normal form."""
        word = str(value).lower()
        for pattern, meant in self.values.get(name, {}).items():
            if fnmatch.fnmatchcase(word, pattern):
                return meant
        return value


@cache
def libraries() -> tuple[Library, ...]:
    """Return the libraries that are known; the ``complete`` ones first, the ``fallback`` last.

    Raises:
        UsageError: One of the files is not valid.
    """
    return compiled("setting-libraries", tuple[Library, ...], _libraries)


def _libraries() -> tuple[Library, ...]:
    found = []
    paths = (datafile.folder("checks") / "settings" / "libraries").rglob("*.toml")
    for path in sorted(paths, key=attrgetter("stem")):
        library = datafile.load(path, Library, "list of settings")
        if library.library != path.stem:
            raise UsageError(f"{path}: library = {library.library!r} must be the name of the file.")
        found.append(library)
    return tuple(sorted(found, key=lambda library: (library.fallback, not library.complete)))


@cache
def _algorithm_words() -> Mapping[str, tuple[str, ...]]:
    path: Path = datafile.folder("checks") / "settings" / "algorithm_words.toml"
    return datafile.load(path, dict[str, tuple[str, ...]], "list of algorithms")


def algorithm_of(word: str) -> str:
    """Return the algorithm that a word such as ``MaskablePPO`` or ``ppo_continuous_action`` begins with; or empty."""
    plain = re.sub(r"[^a-z0-9]", "", word.lower())
    fits = [
        (len(start), name) for name, starts in _algorithm_words().items() for start in starts if plain.startswith(start)
    ]
    return max(fits, default=(0, ""))[1]
