"""Data files: where the shipped ones are, and the one place that reads, checks and writes TOML and JSON.

The content of a file is declared as a ``Table``; a mistake is reported with file, key and what is allowed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import tomli  # compiled, unlike the standard library's: the rulebook is 140 files
from msgspec import Meta

from rldoctor.errors import RldoctorError, UsageError, near

_PACKAGE = Path(__file__).resolve().parent
_T = TypeVar("_T")
Text = Annotated[str, Meta(pattern=r"\S")]
"""A text that says something."""
Finite = Annotated[float, Meta(ge=-1e308, le=1e308)]
Positive = Annotated[int, Meta(ge=1)]
"""A whole number of at least 1."""
_NONE: Mapping[str, str] = types.MappingProxyType({})


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what a table of a data file may hold: a misspelt key is an error."""


def folder(name: str) -> Path:
    """Return the shipped data folder called ``name``.

    A wheel carries the folders in ``rldoctor/_shipped/``; in an editable install or a plain checkout they stand
    beside the package. The checkout comes first, so that an edited rule takes effect.

    Raises:
        RldoctorError: Neither place has the folder: the installation is damaged.
    """
    for place in (_PACKAGE.parent, _PACKAGE / "_shipped"):
        # pyproject.toml tells our own checkout from a site-packages that happens to hold a folder of that name.
        if (place / name).is_dir() and (place.name == "_shipped" or (place / "pyproject.toml").is_file()):
            return place / name
    raise RldoctorError(
        f"The data folder {name}/ of rldoctor is missing from this installation.", "Install rldoctor again."
    )


def read_toml(path: Path, what: str = "file") -> dict[str, Any]:
    """Parse a TOML file.

    Args:
        path: The file.
        what: What it is in words, for the message, such as ``recipe``.

    Raises:
        UsageError: It cannot be read or is not TOML.
    """
    try:
        # A byte-order mark, as Windows editors write it, is not part of the text.
        return tomli.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"The {what} {path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The {what} {path} cannot be read: it is not TOML: {error}.") from None


def load(path: Path, kind: type[_T], what: str = "file") -> _T:
    """Read a TOML file as a typed value.

    Raises:
        UsageError: As :func:`read_toml` and :func:`check`.
    """
    return check(read_toml(path, what), kind, str(path))


def check(
    data: object,
    kind: type[_T],
    where: str,
    key: str = "",
    renamed: Mapping[str, str] = _NONE,
    strict: bool = True,
) -> _T:
    """Return parsed data as a value of ``kind``, every key and value checked.

    Args:
        data: What a TOML or JSON parser returned.
        kind: A type that ``msgspec.convert`` takes: a struct, a container, a type with limits (``Annotated``).
        where: The file, for the message.
        key: The table of the file that ``data`` is, such as ``tool.rldoctor``; empty for all of it.
        renamed: Keys of earlier versions and what they are called now.
        strict: Refuse a text where a number, ``true`` or ``false`` is meant; a command line has only texts.

    Raises:
        UsageError: A key is unknown or missing, or a value is not what is allowed there.
    """
    try:
        return msgspec.convert(data, kind, strict=strict)
    except (msgspec.ValidationError, RecursionError):
        problem, cure = _mistake(data, kind, key, renamed, strict)
    raise UsageError(f"{where}: {problem}.", cure)


def _mistake(data: Any, kind: Any, key: str, renamed: Mapping[str, str], strict: bool) -> tuple[str, str]:
    """Return in words what the first mistake is, and what to do about it.

    ``msgspec`` names no key below a table of arbitrary keys, so every part is converted by itself.
    """
    for part, value, its_kind in _parts(data, kind):
        if _problem(value, its_kind, strict):
            # The number of a table in a list adds nothing.
            return _mistake(value, its_kind, key if isinstance(part, int) else _dotted(key, part), renamed, strict)
    problem, structs = _problem(data, kind, strict), _structs(data, kind)
    word = problem.partition("`")[2].rstrip("`")
    old = next((old for old, now in renamed.items() if word in (old, now) and old in data), "")
    if old:
        return f"unknown key {_dotted(key, old)!r}", f"It is called {renamed[old]} now."
    if problem.startswith("Object contains unknown field"):
        known = [field for struct in structs for field in struct.__struct_encode_fields__]
        return f"unknown key {_dotted(key, word)!r}", near(word, known)
    if problem.startswith("Object missing required field"):
        return f"the key {_dotted(key, word)!r} is missing", ""
    if problem.startswith("Invalid") and isinstance(data, Mapping):
        tag = next(option.__struct_config__.tag_field for option in _options(kind))
        tags: Any = typing.Literal[tuple(map(_tag, _options(kind)))]
        return _mistake(data[tag], tags, _dotted(key, tag), renamed, strict)
    if problem.startswith("Invalid"):
        words = _words(kind)
        allowed = f"Allowed: {', '.join(words)}." if len(words) < _MANY else near(str(data), words)
        return f"{key} = {_shown(data)} is not known", allowed
    if problem.startswith(("Expected", "Number out of range")):
        cure = f'Write {key} = ["{data}"].' if "`array" in problem and isinstance(data, str) else ""
        return f"{key or 'its content'} = {_shown(data)} must be {_meant(problem)}", cure
    return f"{key}: {problem}" if key else problem, ""


# Of so many words only the nearest are offered; of a longer value only the beginning is shown.
_MANY, _LONG = 10, 200


def _shown(data: object) -> str:
    text = repr(data)
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def _dotted(key: str, part: str) -> str:
    return f"{key}.{part}" if key else part


def _problem(data: object, kind: Any, strict: bool) -> str:
    """Return what ``msgspec`` says of a value, without the place; empty where it is valid."""
    try:
        msgspec.convert(data, kind, strict=strict)
    except msgspec.ValidationError as error:
        return str(error).partition(" - at `")[0]
    except RecursionError:
        return "nested too deeply"
    return ""


def _options(kind: Any) -> list[Any]:
    """Return the types that a value may be of, without limits and without ``None``."""
    if typing.get_origin(kind) is typing.Annotated:
        return _options(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return [option for part in typing.get_args(kind) for option in _options(part)]
    return [] if kind is types.NoneType else [kind]


def _tag(struct: Any) -> Any:
    return struct.__struct_config__.tag


def _structs(data: Any, kind: Any) -> list[Any]:
    """Return the struct that a table is meant to be, by its tag where there are several."""
    found = [option for option in _options(kind) if hasattr(option, "__struct_config__")]
    return [s for s in found if len(found) == 1 or data.get(s.__struct_config__.tag_field) == _tag(s)]


def _parts(data: Any, kind: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Yield key, value and type of each part of a table or a list."""
    if isinstance(data, Mapping):
        for struct in _structs(data, kind):
            for field in msgspec.structs.fields(struct):
                if field.encode_name in data:
                    yield field.encode_name, data[field.encode_name], field.type
    for option in _options(kind):
        arguments = typing.get_args(option)
        if isinstance(data, Mapping) and typing.get_origin(option) is dict:
            yield from ((str(key), value, arguments[1]) for key, value in data.items())
        elif isinstance(data, list) and typing.get_origin(option) in (list, tuple):
            kinds = arguments if arguments[1:] and arguments[1] is not ... else arguments[:1] * len(data)
            yield from ((place, *part) for place, part in enumerate(zip(data, kinds, strict=False)))


def _words(kind: Any) -> list[str]:
    """Return what an enumeration allows; an empty text is what leaving the key out says."""
    return [
        str(word)
        for option in _options(kind)
        for word in (typing.get_args(option) or [item.value for item in getattr(option, "__members__", {}).values()])
        if word != ""
    ]


_KINDS = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false"}
_KINDS |= {"array": "a list", "object": "a table"}
_LIMITS = {">=": "of at least", "<=": "of at most", ">": "above", "<": "below"}


def _meant(problem: str) -> str:
    """Return in words what ``msgspec`` expected, such as ``a whole number of at least 1``."""
    if "e+308" in problem or problem.startswith("Number"):
        return "a finite number"
    _, named, limit = problem.split("`", 2)
    words = " or ".join(_KINDS.get(kind, kind) for kind in named.split(" | ") if kind != "null")
    if " of length >= 1" in limit or "regex" in limit:
        return f"{words} that is not empty"
    if length := re.match(r" of length (\d+)", limit):
        return f"{words} of {length[1]} values"
    if bound := re.match(r" (\S+) (\S+)$", limit):
        return f"{words} {_LIMITS[bound[1]]} {float(bound[2]):g}"
    return words


def write_toml(path: Path, content: Mapping[str, object], heading: str = "") -> None:
    """Write ``content`` as TOML, whole or not at all; keys without a value (``None``) are left out.

    Args:
        path: The file.
        content: Its tables and values.
        heading: A comment above them.

    Raises:
        UsageError: The place cannot be written to.
    """
    import tomli_w

    comment = "".join(f"# {line}\n" for line in heading.splitlines()) + "\n" * bool(heading)
    with replacing(path) as temporary:
        text = f"{comment}{tomli_w.dumps(_stated(content))}"
        temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _stated(content: Mapping[str, object]) -> dict[str, object]:
    return {
        key: _stated(value) if isinstance(value, Mapping) else value
        for key, value in content.items()
        if value is not None
    }


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write ``content`` as JSON, whole or not at all: readers see the old file or the new one, never a part.

    Raises:
        UsageError: The place cannot be written to.
    """
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    with replacing(path) as temporary:
        # A lone surrogate (a path that is not UTF-8) is spelt \udcff, which is how JSON writes it too.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success flush it to disk and rename it over ``path``.

    Raises:
        UsageError: The place cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}.", "Free space or name another place."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
