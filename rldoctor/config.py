"""What a project asks of the doctor: ``rldoctor.toml``, or ``[tool.rldoctor]`` in ``pyproject.toml``.

The file is searched from the current directory upwards, and the nearest is the one in force. It is data, checked key by
key: a misspelt key is an error rather than a wish that nobody heard. What a word means (a sign, a check, a reference)
is asked where it is used; this module knows keys, types and folders.
"""

from __future__ import annotations

import glob
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tomli

from rldoctor.errors import UsageError, near
from rldoctor.model import Json, Verdict
from rldoctor.recipe import CRITERIA, LEVELS
from rldoctor.references import RECIPE_FILE

OWN_FILE = "rldoctor.toml"
PROJECT_FILE = "pyproject.toml"
# Every key with what it says; docs/how-to/configuration.md has an example of each.
KEYS: Mapping[str, str] = {
    "select": "the only signs and preflight checks to use",
    "ignore": "signs and preflight checks to leave out, each with the reason",
    "fail-on": "the mildest verdict that ends with exit code 1",
    "references": "folders of references of your own",
    "rules": "folders of rules of your own, laid out like checks/",
    "thresholds": "where a sign begins to show and where it shows fully",
    "require": "passing criteria of the gate",
}
_VERDICTS = (Verdict.SICK, Verdict.SUSPECT)


@dataclass(frozen=True)
class Config:
    """What is in force. Without a file, and for scripts that name none, everything is as shipped.

    Attributes:
        select: Codes (prefixes) or names; all where empty.
        ignore: Code (prefix) or name to the reason why it is left out.
        fail_on: The mildest verdict that ends with exit code 1.
        references: Folders of references, each with a ``recipe.toml``.
        rules: Folders laid out like ``checks/``.
        thresholds: Code or name of a sign to the ramp of its first condition.
        require: Criterion to its threshold, or to ``off``, ``warn`` or ``error``, as ``--require`` takes them.
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
    file: Path | None = None
    looked_at: tuple[Path, ...] = ()
    given: tuple[str, ...] = ()

    def where(self, key: str) -> str:
        """Return the place of a key for messages, such as ``pyproject.toml: tool.rldoctor.select``."""
        return _where(self.file, key) if self.file else key

    @property
    def is_plain(self) -> bool:
        """Whether a diagnosis is as without it."""
        return not (self.select or self.ignore or self.references or self.rules or self.thresholds)

    @property
    def requirements(self) -> tuple[str, ...]:
        """What ``require`` says as ``criterion=value`` pairs."""
        return tuple(f"{name}={value}" for name, value in self.require.items())


DEFAULTS = Config()


def find_config(start: Path, follow_references: bool = True) -> Config:
    """Read the nearest configuration at or above ``start``; ``rldoctor.toml`` comes before ``pyproject.toml``.

    A ``pyproject.toml`` without ``[tool.rldoctor]`` is another tool's and is passed over.

    Args:
        start: The directory to begin at.
        follow_references: Find the references; the folder of one that is just to be recorded need not be there yet.

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
    """Read a configuration that was named: a ``pyproject.toml``, or a file whose keys stand at the top.

    Args:
        file: The file.
        follow_references: As for :func:`find_config`.

    Raises:
        UsageError: There is no such file, or it is not valid.
    """
    return _config(_read(file, named=True) or {}, file, (file,), follow_references)


def _read(file: Path, named: bool) -> Mapping[str, Json] | None:
    """Return the table of rldoctor in a file; ``None`` where a ``pyproject.toml`` has none and was not named."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"The configuration {file} cannot be read: {reason}.", _OTHERWISE) from None
    of_project = file.name == PROJECT_FILE
    if of_project and not named and "rldoctor" not in text:
        return None
    try:
        data: Json = tomli.loads(text)
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"The configuration {file} is not TOML: {error}.", _OTHERWISE) from None
    if not of_project:
        return data if isinstance(data, Mapping) else {}
    for name in ("tool", "rldoctor"):
        data = data.get(name) if isinstance(data, Mapping) else None
    if data is None:
        if named:
            raise UsageError(f"{file} has no table [tool.rldoctor].", "Add it, or name another file.")
        return None
    if not isinstance(data, Mapping):
        raise UsageError(f"{file}: tool.rldoctor must be a table.", "Write [tool.rldoctor] above its keys.")
    return data


_OTHERWISE = "Mend it, name another with --config, or go without with --isolated."


def _where(file: Path, key: str) -> str:
    return f"{file}: {'tool.rldoctor.' if file.name == PROJECT_FILE else ''}{key}"


def _config(data: Mapping[str, Json], file: Path, looked_at: tuple[Path, ...], follow_references: bool) -> Config:
    for key in data:
        if key not in KEYS:
            cure = near(key, KEYS)
            if key == "tool":
                cure = f"In {file.name} the keys stand at the top: leave [tool.rldoctor] out."
            raise UsageError(f"{_where(file, key)} is no key of rldoctor's.", cure)
    thresholds = _table(data, "thresholds", file, "UPD101 = [0.05, 0.2]")
    require = _table(data, "require", file, "success_rate = 0.95")
    return Config(
        select=_texts(data, "select", file),
        ignore=_ignore(data, file),
        fail_on=_fail_on(data, file),
        references=_references(data, file) if follow_references else (),
        rules=tuple(_folders(data, "rules", file)),
        thresholds={word: _ramp(value, _where(file, f"thresholds.{word}")) for word, value in thresholds.items()},
        require={name: _required(name, value, _where(file, f"require.{name}")) for name, value in require.items()},
        file=file,
        looked_at=looked_at,
        given=tuple(data),
    )


def _texts(data: Mapping[str, Json], key: str, file: Path) -> tuple[str, ...]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise UsageError(f"{_where(file, key)} = {value!r} must be a list of texts.", f'Write {key} = ["..."].')
    return tuple(item.strip() for item in value)


def _table(data: Mapping[str, Json], key: str, file: Path, example: str) -> Mapping[str, Json]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        heading = f"[tool.rldoctor.{key}]" if file.name == PROJECT_FILE else f"[{key}]"
        raise UsageError(
            f"{_where(file, key)} = {value!r} must be a table.", f"Write {heading} and below it {example}."
        )
    return value


def _ignore(data: Mapping[str, Json], file: Path) -> dict[str, str]:
    """Return what is left out and why."""
    value = data.get("ignore", {})
    word = str(value[0]) if isinstance(value, list) and value else "UPD105"
    table = _table(data, "ignore", file, f'{word} = "why it is no trouble here": each suppression carries a reason')
    for word, reason in table.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(
                f"{_where(file, f'ignore.{word}')} = {reason!r} must be the reason, a text that is not empty.",
                f'Write {word} = "why it is no trouble here".',
            )
    return {word: " ".join(str(reason).split()) for word, reason in table.items()}


def _fail_on(data: Mapping[str, Json], file: Path) -> Verdict:
    value = data.get("fail-on", Verdict.SICK.value)
    if value not in _VERDICTS:
        raise UsageError(
            f"{_where(file, 'fail-on')} = {value!r} is no verdict that can fail.",
            f"Use {' or '.join(repr(verdict.value) for verdict in _VERDICTS)}.",
        )
    return Verdict(str(value))


def _ramp(value: Json, where: str) -> tuple[float, float]:
    numbers = value if isinstance(value, list) else []
    finite = [float(n) for n in numbers if isinstance(n, (int, float)) and not isinstance(n, bool) and _finite(n)]
    if len(numbers) != 2 or len(finite) != 2 or finite[0] == finite[1]:
        raise UsageError(
            f"{where} = {value!r} must be two different finite numbers.",
            "The first is where the sign begins to show, the second where it shows fully: [0.05, 0.2].",
        )
    return finite[0], finite[1]


def _finite(number: float) -> bool:
    return abs(number) < 1e308 and math.isfinite(number)


def _required(name: str, value: Json, where: str) -> str:
    if name not in CRITERIA:
        raise UsageError(f"{where} is no passing criterion.", near(name, CRITERIA))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and _finite(value)
    if not is_number and not (isinstance(value, str) and value in LEVELS):
        raise UsageError(f"{where} = {value!r} must be a finite number, or one of {', '.join(map(repr, LEVELS))}.")
    return str(value)


def _folders(data: Mapping[str, Json], key: str, file: Path) -> list[Path]:
    """Return the folders that a list of paths and globs means, relative to the file, each once."""
    found: dict[Path, None] = {}
    for entry in _texts(data, key, file):
        named = str(Path(entry).expanduser())
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


def _references(data: Mapping[str, Json], file: Path) -> tuple[Path, ...]:
    """Return the folders of references at or below those that are named."""
    found: dict[Path, None] = {}
    for folder in _folders(data, "references", file):
        recipes = [folder / RECIPE_FILE] if (folder / RECIPE_FILE).is_file() else sorted(folder.rglob(RECIPE_FILE))
        if not recipes:
            raise UsageError(
                f"{_where(file, 'references')}: there is no {RECIPE_FILE} at or below {folder}.",
                "rldoctor record --from RUNS --name NAME --out FOLDER makes a reference.",
            )
        found.update(dict.fromkeys(recipe.parent for recipe in recipes))
    return tuple(found)
