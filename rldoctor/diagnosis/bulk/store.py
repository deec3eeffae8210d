"""The folder of results: Parquet files beside each other, and a list of those that count.

Files are added one by one, by many processes at a time. The list is written last: until then an earlier list, if any,
is what readers follow, and a command that is broken off leaves no results that look whole.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rldoctor.diagnosis.bulk.arrow import pa, pads, pafs, papq
from rldoctor.diagnosis.bulk.table import SCHEMA
from rldoctor.errors import CannotJudge, UsageError, first_line
from rldoctor.logs.remote import file_system, is_remote

LIST = "_results.json"
VERSION = 1
_AGAIN = "Write them again: rldoctor diagnose RUNS --parquet FOLDER"
_NAME = "Name the folder that rldoctor diagnose RUNS --parquet FOLDER wrote."
# Rows that are read at a time.
_ROWS = 100_000


@dataclass(frozen=True)
class Results:
    """Results that can be read.

    Attributes:
        name: The file or folder, as it was named.
        schema: The columns.
        parts: Its files.
        system: The file system that they are on.
        folder: Where they are on it.
    """

    name: str
    schema: pa.Schema
    parts: tuple[str, ...]
    system: pafs.FileSystem
    folder: str

    def tables(self, columns: list[str], where: Any = None) -> Iterator[tuple[str, pa.Table]]:
        """Yield the rows that fit ``where`` with these columns, and the file that they are of, some at a time.

        Raises:
            CannotJudge: A file is damaged.
        """
        for part in self.parts:
            with self._reading(part):
                for batch in self._dataset(part).to_batches(columns=columns, filter=where, batch_size=_ROWS):
                    if batch.num_rows:
                        yield part, pa.Table.from_batches([batch])

    def rows(self, part: str, paths: list[str]) -> dict[str, str]:
        """Return the diagnoses of these runs of a file, by path, as the JSON that they were written as."""
        with self._reading(part):
            chosen = self._dataset(part).to_table(columns=["path", "report"], filter=pads.field("path").isin(paths))
        return dict(zip(*(chosen[name].to_pylist() for name in ("path", "report")), strict=True))

    def _dataset(self, part: str) -> pads.Dataset:
        return pads.dataset(_join(self.folder, part), filesystem=self.system, format="parquet", schema=self.schema)

    @contextlib.contextmanager
    def _reading(self, part: str) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise CannotJudge(f"{part} of {self.name} cannot be read: {first_line(error)}.", _AGAIN) from None


def prepare(place: str) -> None:
    """Make the folder for results; one that holds anything but results is left alone.

    Raises:
        UsageError: It is a file, holds something else, or cannot be written to.
    """
    system, folder = _at(place)
    with _writing(place):
        about = system.get_file_info(folder)
        if about.type is pafs.FileType.File:
            raise UsageError(f"{place} is a file.", "Name a folder for the results.")
        if about.type is pafs.FileType.Directory:
            others = [name for name in _names(system, folder) if not _is_ours(name)]
            if others:
                raise UsageError(f"{place} holds {others[0]}, which is no result.", "Name an empty or a new folder.")
        system.create_dir(folder, recursive=True)
        with system.open_output_stream(_join(folder, ".writing")) as file:
            file.write(b"")


def write_part(table: pa.Table, place: str, part: str) -> None:
    """Write a file of results, whole or not at all.

    Raises:
        UsageError: This machine does not see the folder, or it cannot be written to.
    """
    system, folder = _at(place)
    with _writing(place):
        if system.get_file_info(_join(folder, ".writing")).type is not pafs.FileType.File:
            raise UsageError(
                f"A machine of the cluster does not see {place}.",
                "Name a folder on a file system that all machines share, or in an object store (s3://bucket/results).",
            )
        temporary = _join(folder, f".{part}.{os.getpid()}")
        papq.write_table(table, temporary, filesystem=system, compression="zstd")
        system.move(temporary, _join(folder, part))


def commit(place: str, parts: Mapping[str, int]) -> None:
    """Write the list of the files that count, with their rows, and delete all others.

    Raises:
        UsageError: The folder cannot be written to.
    """
    system, folder = _at(place)
    with _writing(place):
        temporary = _join(folder, f".{LIST}")
        with system.open_output_stream(temporary) as file:
            file.write(json.dumps({"rldoctor_results": VERSION, "parts": dict(sorted(parts.items()))}).encode())
        system.move(temporary, _join(folder, LIST))
        clear(place, keep=parts)


def clear(place: str, token: str = "", keep: Mapping[str, int] | None = None) -> None:
    """Delete files of results: those with this token, or all but those to ``keep``; and what is half written."""
    system, folder = _at(place)
    for name in _names(system, folder):
        is_part = name.startswith(f"part-{token}") and name not in (keep or {})
        if name.startswith(".") or (is_part and (token or keep is not None)):
            with contextlib.suppress(OSError):
                system.delete_file(_join(folder, name))


def open_results(place: str) -> Results:
    """Return results: a folder that ``--parquet`` named, a folder of such files, or one file.

    Raises:
        UsageError: There is nothing there, or it cannot be read.
        CannotJudge: It holds no results of this version.
    """
    system, folder = _at(place)
    try:
        about = system.get_file_info(folder)
        if about.type is pafs.FileType.NotFound:
            raise UsageError(f"There is no {place}.", _NAME)
        if about.type is pafs.FileType.File:
            folder, _, part = folder.rpartition("/")
            parts = [part]
        else:
            parts = _listed(system, folder, place)
        if not parts:
            raise CannotJudge(f"{place} holds no results of rldoctor.", _NAME)
        schema = papq.read_schema(_join(folder, parts[0]), filesystem=system)
    except (pa.ArrowException, OSError) as error:
        raise CannotJudge(f"{place} cannot be read as Parquet: {first_line(error)}.", _AGAIN) from None
    types = dict(zip(schema.names, schema.types, strict=True))
    missing = [field.name for field in SCHEMA if types.get(field.name) != field.type]
    if missing:
        raise CannotJudge(f"{place} holds no results of rldoctor: the column {missing[0]} is missing.", _AGAIN)
    return Results(place, schema, tuple(parts), system, folder)


def _listed(system: pafs.FileSystem, folder: str, place: str) -> list[str]:
    names = _names(system, folder)
    if LIST not in names:
        return sorted(name for name in names if name.endswith(".parquet") and name[0] not in "._")
    try:
        with system.open_input_stream(_join(folder, LIST)) as file:
            content = msgspec.convert(msgspec.json.decode(file.read()), dict[str, Any])
        parts = msgspec.convert(content["parts"], dict[str, int])
    except (KeyError, msgspec.MsgspecError):
        raise CannotJudge(f"{LIST} of {place} is damaged.", _AGAIN) from None
    if content.get("rldoctor_results") != VERSION:
        raise CannotJudge(f"{place} holds results of another version of rldoctor.", _AGAIN)
    lost = sorted(parts.keys() - set(names))
    if lost:
        raise CannotJudge(f"{place} is not whole: {lost[0]} with {parts[lost[0]]} runs is gone.", _AGAIN)
    return sorted(parts)


def _is_ours(name: str) -> bool:
    return name == LIST or name.startswith(".") or (name.startswith("part-") and name.endswith(".parquet"))


def _at(place: str) -> tuple[pafs.FileSystem, str]:
    if is_remote(place):
        system, folder = file_system(place)
        return pafs.PyFileSystem(pafs.FSSpecHandler(system)), folder.rstrip("/")
    return pafs.LocalFileSystem(), str(Path(place).absolute())


def _names(system: pafs.FileSystem, folder: str) -> list[str]:
    return [info.base_name for info in system.get_file_info(pafs.FileSelector(folder))]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}"


@contextlib.contextmanager
def _writing(place: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{place} cannot be written to: {first_line(error)}.", "Name another folder.") from None
