"""Which directories hold runs: one directory with event files, or with a table of Stable-Baselines3's, is one run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rldoctor.errors import UsageError
from rldoctor.logs.file_kinds import is_log_file, is_plain_table, is_progress_table, is_run_file, is_wandb_file
from rldoctor.logs.formats.mlflow import is_mlflow_run
from rldoctor.logs.remote import fetch, is_remote


def discover(paths: Sequence[Path | str]) -> list[Path]:
    """Return every directory at or below ``paths`` that holds a run, sorted, each once.

    A run is a directory with event files, with ``progress.csv`` or ``progress.json``, one of Weights & Biases' or one
    of MLflow's. What lies beside logs (monitor files, ``evaluations.npz``) makes a run only where nothing else does. A
    table that is named itself is one.

    Of an address of an object store (``s3://bucket/runs``) the logs are fetched first, and the directories are those
    of their mirror (:mod:`rldoctor.logs.remote`).

    Symbolic links are followed where they are given, not where they are met. A directory below the given ones that
    may not be listed is returned as well, since it may hold a run: ``read_run`` reports it.

    Raises:
        UsageError: A path does not exist, may not be read, or is a file that is no event file.
    """
    found: dict[tuple[int, int], Path] = {}
    for path in paths:
        far = isinstance(path, str) and is_remote(path)
        for directory in fetch(str(path)) if far else _runs_below(_directory(Path(path))):
            try:
                status = directory.stat()
            except OSError:  # gone since it was listed
                continue
            found.setdefault((status.st_dev, status.st_ino), directory)
    return sorted(found.values())


def _directory(path: Path) -> Path:
    """Return the directory to search for a path that the user gave."""
    try:
        path.stat()
        if path.is_file():
            if is_plain_table(path.name) and not is_progress_table(path.name):
                return path
            if is_log_file(path.name):
                return path.parent
            raise UsageError(
                f"{path} is a file where a directory is meant.", "Name the directory that holds the event files."
            )
        os.scandir(path).close()
    except FileNotFoundError:
        raise UsageError(f"There is no directory {path}.", "Name a run, or a directory that holds runs.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path} cannot be read: {reason}.", "Change its permissions or name another.") from None
    except ValueError:  # a NUL byte in the name
        raise UsageError(f"{str(path)!r} is not a path.", "Name a run, or a directory that holds runs.") from None
    return path


def _runs_below(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    unlisted: list[Path] = []
    beside: list[Path] = []
    found = False
    walk = os.walk(root, onerror=lambda error: unlisted.append(Path(os.fsdecode(error.filename))))
    for directory, folders, files in walk:
        if is_mlflow_run(folders, files):
            found = True
            yield Path(directory)
            # Its artifacts may hold whole copies of logs.
            folders.clear()
        elif any(is_run_file(name) for name in files):
            found = True
            yield Path(directory)
            if any(is_wandb_file(name) for name in files):
                # Copies of the event files that it was synchronised with.
                folders.clear()
        elif any(is_log_file(name) for name in files):
            beside.append(Path(directory))
    yield from unlisted
    if not found:
        yield from beside
