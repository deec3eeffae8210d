"""Shipped data in the form in which it is used, kept in the user's folder for caches as Python keeps compiled modules.

Reading and checking the 340 files of ``checks/`` takes some 0.1 s of processor time, a hundredth of that what came of
them. Whatever is wrong with what is kept costs time and never a result: it is made again. It is data alone, checked
when it is read, and made again as soon as any file of the package or of its data has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rldoctor import datafile
from rldoctor.caches.folder import cache_folder
from rldoctor.errors import UsageError
from rldoctor.version import __version__

_T = TypeVar("_T")
# Nanoseconds after which a file's time of change tells whether it has changed again: file systems count in steps of up
# to two seconds.
SETTLED = 3 * 10**9
_DATA = ("checks", "reference_curves")
_FOLDER = "compiled"


@cache
def build() -> tuple[str, int]:
    """Return what tells this build from another, an edited checkout included, and when a file of it last changed.

    Returns:
        The version with a digest of path, size and time of change of each file; the latest such time, in nanoseconds.
    """
    package = Path(__file__).parents[1]
    places = [str(package), *(str(datafile.folder(name)) for name in _DATA)]
    found = sorted(entry for place in places for entry in _files(place))
    digest = hashlib.sha256(repr(found).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{__version__} {digest}", max(changed for _, _, changed in found)


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of change of each file below a folder, compiled modules left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns


def compiled(name: str, kind: type[_T], make: Callable[[], _T]) -> _T:
    """Return what ``make`` makes of shipped files, from the cache where it was made before by this very build.

    Args:
        name: What it is called in the cache.
        kind: Its type: structs, and containers of them, of numbers, texts, bytes and paths.
        make: Makes it of the files.
    """
    try:
        place = _place(name)
        mark = hashlib.sha256(build()[0].encode()).digest()
    except (OSError, UsageError):
        return make()
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return _unpacked(place.read_bytes(), mark, kind)
    made = make()
    with contextlib.suppress(OSError, UsageError):
        _keep(place, mark, made)
    return made


def _place(name: str) -> Path:
    """Return the file: each installation has its own, so that two do not overwrite each other's."""
    where = hashlib.sha256(os.fsencode(Path(__file__).parents[1])).hexdigest()[:12]
    return cache_folder() / _FOLDER / f"{name}-{where}.msgpack"


def _unpacked(content: bytes, mark: bytes, kind: type[_T]) -> _T:
    """Return what a file holds.

    Raises:
        MsgspecError: It was made by another build, or is damaged.
    """
    start = len(mark) + 4
    packed = memoryview(content)[start:]
    if content[:start] != mark + zlib.crc32(packed).to_bytes(4, "big"):
        raise msgspec.DecodeError("not of this build")
    # What is no plain data is a path.
    return msgspec.msgpack.decode(packed, type=kind, dec_hook=_path)


def _path(kind: type[Any], text: str) -> Any:
    return kind(text)


def _keep(place: Path, mark: bytes, made: object) -> None:
    """Write a value, unless a file that it was made of may yet change without a trace.

    Raises:
        OSError, UsageError: The place cannot be written to.
    """
    if time.time_ns() - build()[1] < SETTLED:
        return
    packed = msgspec.msgpack.encode(made, enc_hook=str)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with datafile.replacing(place) as temporary:
        temporary.write_bytes(mark + zlib.crc32(packed).to_bytes(4, "big") + packed)
