"""What is piped into a command, kept in a file while it is read: ``python train.py | rldoctor diagnose -``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rldoctor.errors import UsageError
from rldoctor.model import RunDiagnosis

PIPED = "-"
"""How standard input is named."""


@contextmanager
def kept(paths: Sequence[str]) -> Iterator[list[str]]:
    """Yield the paths with standard input as a file, which is there as long as the context is.

    Raises:
        UsageError: Nothing is piped in, or what is no text.
    """
    if PIPED not in paths:
        yield list(paths)
        return
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "Nothing is piped into the command.", "Pipe the output of a training: python train.py | rldoctor diagnose -"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "standard-input")
        with file.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
            if not stream.tell():
                raise UsageError(
                    "Nothing was piped in.", "Pipe the output of a training: python train.py | rldoctor diagnose -"
                )
        # Late: most commands name their runs.
        from rldoctor.logs.formats.printed import is_printed

        if not is_printed(file):
            raise UsageError(
                "What was piped in is no text.", "Unpack a compressed log first: gunzip -c FILE | rldoctor diagnose -"
            )
        yield [str(file) if path == PIPED else path for path in paths]


def named(results: Sequence[RunDiagnosis], paths: Sequence[str], files: Sequence[str]) -> Sequence[RunDiagnosis]:
    """Return results in which the file of :func:`kept` is called as the user called it."""
    names = {file: path for file, path in zip(files, paths, strict=True) if file != path}
    if not names:
        return results
    return [_renamed(result, names.get(result.path, result.path)) for result in results]


def _renamed(result: RunDiagnosis, name: str) -> RunDiagnosis:
    unjudged = tuple(replace(one, reason=one.reason.replace(result.path, name)) for one in result.unjudged)
    return replace(result, path=name, unjudged=unjudged)
