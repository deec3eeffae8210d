"""Find and read the settings files beside the logs of a run."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from rldoctor.model import Finding, Json, Severity
from rldoctor.model.settings import Settings
from rldoctor.run_directory import RUN_FILE
from rldoctor.settings.event_file import read_event_settings
from rldoctor.settings.find import Finder, needed
from rldoctor.settings.json_file import read_json
from rldoctor.settings.library import Format, Library, libraries
from rldoctor.settings.normal import Found, Stated, as_settings, normal_form, with_defaults
from rldoctor.settings.tree import Entry, Node, flatten
from rldoctor.settings.yaml_file import read_yaml

# Isaac Lab's env.yaml has 100 KB. Others of that name may be anything.
_LARGEST_TEXT = 2**20
# What differs between files of one run for good reasons: a model that was trained on counts its last call only.
_MAY_DIFFER = ("library", "total_steps", "seed", "n_envs")


@dataclass(frozen=True)
class _File:
    """A settings file that was read."""

    name: str
    entries: Mapping[str, Entry]


def read_settings(directory: Path) -> Settings | None:
    """Read the settings that lie beside the logs of a run, as data: nothing is executed, constructed or unpickled.

    Never raises for what is in the directory. Files that cannot be read, and settings on which two files disagree, are
    left out and reported in ``findings`` (codes ``SET0xx``).

    Args:
        directory: The run. A file, which stands for one of several runs in a directory, has no settings of its own.

    Returns:
        The settings, with the library's defaults where these are known; ``None`` where there are no settings files.
    """
    if not directory.is_dir():
        return None
    reader = _Reader(directory)
    sources: list[tuple[Library, dict[str, Found], dict[str, Stated]]] = []
    used: set[str] = set()
    run = directory.absolute().name
    for library, patterns in reader.possible():
        if library.fallback and sources:
            continue
        found_files = reader.files(patterns, library.prefer)
        files = [file for file in found_files if not (library.fallback and file.name in used)]
        stated = {key: Stated(entry, file.name) for file in reversed(files) for key, entry in file.entries.items()}
        if not stated or not library.is_stated_in(stated):
            continue
        library = library.of_run(run)
        found = normal_form(library, stated)
        if library.fallback and len(found) < 2:
            continue
        used |= {file.name for file in files}
        sources.append((library, found, stated))
        if library.complete:
            break
    if not sources:
        return Settings(findings=tuple(reader.findings)) if reader.findings else None
    merged, disagreements = _merged([found for _, found, _ in sources])
    for library, _, stated in sources:
        merged = with_defaults(library, merged, stated)
    for finding in disagreements:
        merged.pop(str(finding.evidence["setting"]), None)
    entries: dict[str, Json] = {
        key: item.entry.value for _, _, stated in reversed(sources) for key, item in stated.items()
    }
    return as_settings(
        merged,
        library=sources[0][0].library,
        framework=sources[0][0].framework,
        findings=(*reader.findings, *disagreements),
        entries=entries,
    )


def _merged(sources: Sequence[Mapping[str, Found]]) -> tuple[dict[str, Found], list[Finding]]:
    """Return the settings of several libraries' files as one, and those on which they disagree."""
    merged: dict[str, Found] = {}
    findings = []
    for source in sources:
        for name, item in source.items():
            other = merged.setdefault(name, item)
            if name not in _MAY_DIFFER and not _same(other.value, item.value):
                findings.append(_disagreement(name, other, item))
    return merged, findings


def _same(one: Json, other: Json) -> bool:
    if "other" in (one, other):
        return True
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6)
    return one == other


def _disagreement(name: str, one: Found, other: Found) -> Finding:
    message = f"{name} is {one.value} {one.place}, but {other.value} {other.place}; it is not used."
    evidence: dict[str, Json] = {"setting": name, "files": [one.place.file, other.place.file]}
    remedy = "Remove the file that is not of this run."
    return Finding("SET002", "settings-disagree", Severity.WARNING, message, remedy, evidence)


_Patterns = Sequence[tuple[str, Format]]


@cache
def _needed_names() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that patterns of settings files need in a run's folder, and in the one above."""
    patterns = [needed(pattern) for library in libraries() for pattern in library.files]
    return frozenset(names.here for names in patterns), frozenset(names.above for names in patterns)


@lru_cache(256)
def _possible(here: frozenset[str], above: frozenset[str]) -> Sequence[tuple[Library, _Patterns]]:
    """Return the libraries of which there may be files, and the patterns of these.

    Most runs have none of the names, and need not be searched for each pattern.

    Args:
        here: The names in the run's folder, of those that patterns need.
        above: Those in the folder above.
    """
    found = []
    for library in libraries():
        patterns = [
            (pattern, format_)
            for pattern, format_ in library.files.items()
            if needed(pattern).here in ("", *here) and needed(pattern).above in ("", *above)
        ]
        if patterns:
            found.append((library, patterns))
    return found


class _Reader:
    """Reads each file once, whichever libraries want it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._finder = Finder(directory)
        self._read: dict[Path, _File | None] = {}
        self._found: dict[str, Path | None] = {}
        self.findings: list[Finding] = []

    def possible(self) -> Sequence[tuple[Library, _Patterns]]:
        """Return the libraries of which there may be files, and the patterns of these."""
        here, above = _needed_names()
        names = self._finder.names_above()
        return _possible(here.intersection(self._finder.names()), above if names is None else above.intersection(names))

    def files(self, patterns: _Patterns, prefer: Sequence[str]) -> Iterator[_File]:
        """Yield what can be read of the files that fit patterns."""
        for pattern, format_ in patterns:
            if pattern not in self._found:
                self._found[pattern] = self._finder.find(pattern, prefer)
            path = self._found[pattern]
            if path is not None:
                if path not in self._read:
                    self._read[path] = self._file(path, format_)
                file = self._read[path]
                if file is not None:
                    yield file

    def _file(self, path: Path, format_: Format) -> _File | None:
        name = os.path.relpath(path, self._directory)
        try:
            return _File(name, flatten(_parse(path, format_)))
        except ValueError as error:
            problem = str(error)
        except OSError as error:
            problem = f"cannot be read: {(error.strerror or str(error)).lower()}"
        # Of its logs and of run.json the reader of logs says so; a text of that name may be anybody's.
        if format_ != "events" and name != RUN_FILE and path.suffix != ".txt":
            self.findings.append(_unreadable(name, problem))
        return None


def _parse(path: Path, format_: Format) -> Node:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("is not a plain file")
    if format_ == "events":
        return read_event_settings(path)
    if format_ == "sb3_zip":
        # Late: few runs have one, and it takes twice as long to load as all of the others.
        from rldoctor.settings.saved_model import read_saved_model

        return read_saved_model(path)
    if status.st_size > _LARGEST_TEXT:
        raise ValueError(f"is too large for settings: {status.st_size:,} bytes")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    if not text.strip():
        raise ValueError("is empty")
    return read_json(text) if format_ == "json" else _unwrapped(read_yaml(text))


def _unwrapped(node: Node) -> Node:
    """Return the settings of a file of Weights & Biases, which keeps each under ``value``."""
    if not isinstance(node.value, dict):
        raise ValueError("holds no settings: no table of names and values")
    inner = {
        key: item.value["value"]._replace(line=item.line)
        for key, item in node.value.items()
        if isinstance(item.value, dict) and "value" in item.value
    }
    return Node(inner) if inner else node


def _unreadable(name: str, problem: str) -> Finding:
    message = f"{name} {problem}: its settings are not used."
    evidence: dict[str, Json] = {"file": name, "problem": problem}
    return Finding("SET001", "unreadable-settings", Severity.NOTE, message, "", evidence)
