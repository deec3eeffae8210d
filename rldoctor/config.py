"""The configuration of a project: ``rldoctor.toml``, or ``[tool.rldoctor]`` in ``pyproject.toml``.

The file is searched from the current directory upwards, and the nearest is used. A misspelt key is an error, not
silently ignored. Whether a word names a sign, a check or a reference is checked where it is used; this module knows
keys, types and folders.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from rldoctor import datafile
from rldoctor.datafile import Finite, Table, Text
from rldoctor.errors import UsageError, near
from rldoctor.model import Json, Verdict
from rldoctor.recipe import ALL_CRITERIA, Criterion
from rldoctor.references import RECIPE_FILE

OWN_FILE = "rldoctor.toml"
PROJECT_FILE = "pyproject.toml"
_PREFIX = "tool.rldoctor"


class _File(Table, frozen=True, rename={"fail_on": "fail-on"}):
    """What a configuration may hold."""

    select: tuple[Text, ...] = ()
    ignore: dict[str, Text] = msgspec.field(default_factory=dict)
    fail_on: Literal["sick", "suspect"] = "sick"
    references: tuple[Text, ...] = ()
    rules: tuple[Text, ...] = ()
    thresholds: dict[str, tuple[Finite, Finite]] = msgspec.field(default_factory=dict)
    require: dict[str, Finite | Literal["off", "warn", "error"]] = msgspec.field(default_factory=dict)
    criteria: dict[str, Criterion] = msgspec.field(default_factory=dict)


# docs/how-to/configuration.md has an example of each.
KEYS: tuple[str, ...] = _File.__struct_encode_fields__


@dataclass(frozen=True)
class Config:
    """What a project configures. Without a file, and for scripts that name none, everything is as shipped.

    Attributes:
        select: Codes (prefixes) or names; all where empty.
        ignore: Code (prefix) or name to the reason why it is left out.
        fail_on: The mildest verdict that ends with exit code 1.
        references: Folders of references, each with a ``recipe.toml``.
        rules: Folders laid out like ``checks/``.
        thresholds: Code or name of a sign to the thresholds of its first condition.
        require: Criterion to its threshold, or to ``off``, ``warn`` or ``error``, as ``--require`` takes them.
        criteria: Passing criteria by name, as a recipe states them; they add to those of recipes and replace them.
        file: Where this was read from; ``None`` where nothing was.
        looked_at: The files that were looked at, the nearest first.
        given: The keys that the file has.
    """

    select: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    fail_on: Verdict = Verdict.SICK
    references: tuple[Path, ...] = ()
    rules: tuple[Path, ...] = ()
    thresholds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    require: Mapping[str, str] = field(default_factory=dict)
    criteria: Mapping[str, Criterion] = field(default_factory=dict)
    file: Path | None = None
    looked_at: tuple[Path, ...] = ()
    given: tuple[str, ...] = ()

    def where(self, key: str) -> str:
        """Return the place of a key for messages, such as ``pyproject.toml: tool.rldoctor.select``."""
        return _where(self.file, key) if self.file else key

    @property
    def is_plain(self) -> bool:
        """Whether it changes no diagnosis."""
        return not (self.select or self.ignore or self.references or self.rules or self.thresholds)

    @property
    def requirements(self) -> tuple[str, ...]:
        """``require`` as ``criterion=value`` pairs."""
        return tuple(f"{name}={value}" for name, value in self.require.items())


DEFAULTS = Config()


def find_config(start: Path, follow_references: bool = True) -> Config:
    """Read the nearest configuration at or above ``start``; ``rldoctor.toml`` comes before ``pyproject.toml``.

    A ``pyproject.toml`` without ``[tool.rldoctor]`` is skipped.

    Args:
        start: The directory to begin at.
        follow_references: Find the references; the folder of one that is about to be recorded need not exist yet.

    Raises:
        UsageError: The nearest file is not valid.
    """
    looked_at: list[Path] = []
    for folder in (start, *start.parents):
        for file in (folder / OWN_FILE, folder / PROJECT_FILE):
            if not file.is_file():
                continue
            looked_at.append(file)
            data = _read(file, named=False)
            if data is not None:
                return _config(data, file, tuple(looked_at), follow_references)
    return Config(looked_at=tuple(looked_at))


def read_config(file: Path, follow_references: bool = True) -> Config:
    """Read a configuration by name: a ``pyproject.toml``, or a file with its keys at the top.

    Args:
        file: The file.
        follow_references: As for :func:`find_config`.

    Raises:
        UsageError: There is no such file, or it is not valid.
    """
    return _config(_read(file, named=True) or {}, file, (file,), follow_references)


def _read(file: Path, named: bool) -> Mapping[str, Json] | None:
    """Return the table of rldoctor in a file; ``None`` where a ``pyproject.toml`` has none and was not named."""
    of_project = file.name == PROJECT_FILE
    try:
        if of_project and not named and b"rldoctor" not in file.read_bytes():
            return None
        whole = datafile.read_toml(file, "configuration")
    except (OSError, UsageError) as error:
        problem = error.problem if isinstance(error, UsageError) else f"The configuration {file} cannot be read."
        raise UsageError(problem, "Fix it, name another file with --config, or use none with --isolated.") from None
    if not of_project:
        return whole
    data: Json = whole
    for name in ("tool", "rldoctor"):
        data = data.get(name) if isinstance(data, Mapping) else None
    if data is None:
        if named:
            raise UsageError(f"{file} has no table [tool.rldoctor].", "Add it, or name another file.")
        return None
    if not isinstance(data, Mapping):
        raise UsageError(f"{file}: tool.rldoctor must be a table.", "Write [tool.rldoctor] above its keys.")
    return data


def _config(data: Mapping[str, Json], file: Path, looked_at: tuple[Path, ...], follow_references: bool) -> Config:
    if "tool" in data:
        raise UsageError(f"{file}: unknown key 'tool'.", f"In {file.name} the keys stand at the top, without a table.")
    if isinstance(data.get("ignore"), list):
        raise UsageError(
            f"{_where(file, 'ignore')} must be a table: each entry carries a reason.",
            f'Write {_heading(file, "ignore")} and below it UPD105 = "our runs end with a small std".',
        )
    stated = datafile.check(data, _File, str(file), _PREFIX if file.name == PROJECT_FILE else "")
    for word, (first, second) in stated.thresholds.items():
        if first == second:
            raise UsageError(f"{_where(file, f'thresholds.{word}')} must be two different numbers.")
    for key, named in (("require", stated.require), ("criteria", stated.criteria)):
        for name in named:
            if name not in ALL_CRITERIA:
                raise UsageError(
                    f"{_where(file, f'{key}.{name}')}: there is no such criterion.", near(name, ALL_CRITERIA)
                )
    return Config(
        select=tuple(word.strip() for word in stated.select),
        ignore={word: " ".join(reason.split()) for word, reason in stated.ignore.items()},
        fail_on=Verdict(stated.fail_on),
        references=_references(stated.references, file) if follow_references else (),
        rules=tuple(_folders(stated.rules, "rules", file)),
        thresholds=stated.thresholds,
        require={name: str(value) for name, value in stated.require.items()},
        criteria=stated.criteria,
        file=file,
        looked_at=looked_at,
        given=tuple(data),
    )


def _where(file: Path, key: str) -> str:
    return f"{file}: {_PREFIX + '.' if file.name == PROJECT_FILE else ''}{key}"


def _heading(file: Path, key: str) -> str:
    return f"[{_PREFIX + '.' if file.name == PROJECT_FILE else ''}{key}]"


def _folders(entries: Sequence[str], key: str, file: Path) -> list[Path]:
    """Return the folders that a list of paths and globs names, relative to the file, each once."""
    found: dict[Path, None] = {}
    for entry in entries:
        named = str(Path(entry.strip()).expanduser())
        # Brackets in the name of a folder that exists are no pattern.
        literal = (file.parent / named).is_dir()
        matches = [named] if literal else sorted(glob.glob(named, root_dir=file.parent, recursive=True))  # noqa: PTH207
        folders = [file.parent / match for match in matches if (file.parent / match).is_dir()]
        if not folders:
            raise UsageError(
                f"{_where(file, key)}: there is no folder {entry!r}.", f"Paths are relative to {file.parent}."
            )
        found.update(dict.fromkeys(folders))
    return list(found)


def _references(entries: Sequence[str], file: Path) -> tuple[Path, ...]:
    """Return the folders of references at or below the entries."""
    found: dict[Path, None] = {}
    for folder in _folders(entries, "references", file):
        recipes = [folder / RECIPE_FILE] if (folder / RECIPE_FILE).is_file() else sorted(folder.rglob(RECIPE_FILE))
        if not recipes:
            raise UsageError(
                f"{_where(file, 'references')}: there is no {RECIPE_FILE} at or below {folder}.",
                "rldoctor record --from RUNS --name NAME --out FOLDER makes a reference.",
            )
        found.update(dict.fromkeys(recipe.parent for recipe in recipes))
    return tuple(found)
