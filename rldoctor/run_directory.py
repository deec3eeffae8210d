"""The files of a run directory, written so that a half-written one is never mistaken for a complete one.

``runs/<reference or env>/<name>/``: TensorBoard event files, ``run.json``, ``checkpoints/``, ``policy.zip``,
``evaluation.json``, ``report.*``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from rldoctor.datafile import replacing as replacing
from rldoctor.datafile import write_json as write_json
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe

RUN_FILE = "run.json"
POLICY_FILE = "policy.zip"
EVALUATION_FILE = "evaluation.json"
PATHS_FILE = "paths.json"
AUDIT_FILE = "audit.json"
CHECKPOINTS = "checkpoints"
TREATMENTS = "treatments"
"""The folder in which treatments keep their trials."""
LOCK_FILE = ".lock"
# run.json and evaluation.json are some kilobytes; an evaluation of ten thousand episodes 4 MB. JSON
# takes up to thirty times its size in memory: a larger file is not one of rldoctor's and is not read.
_MAX_JSON_BYTES = 16 * 2**20


def place(runs: Path, recipe: Recipe, name: str) -> Path:
    """Return where a run belongs: ``runs/<reference>/<name>``; by its environment where ``--env`` changed that.

    Raises:
        UsageError: The recipe, which may come from anybody, has a name that leads out of ``runs``.
    """
    if "env" in recipe.overrides:
        # Of path/to/my_env.py:MyEnv the folders are left out.
        env = recipe.env.rpartition("/")[2] if ".py:" in recipe.env else recipe.env
        folder = re.sub(r"[^A-Za-z0-9._-]+", "_", env)
        # No environment is called .., but that is only found out later.
        return runs / (folder if folder.strip(".") else "_") / name
    parts = recipe.name.replace("\\", "/").split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts) or PureWindowsPath(recipe.name).drive:
        raise UsageError(
            f"The recipe's name {recipe.name!r} cannot be a folder of runs.", "Use a name like robot/task."
        )
    return runs / recipe.name / name


def create(directory: Path) -> Path:
    """Create a new run directory: ``seed-0-2`` and so on if ``seed-0`` exists.

    Returns:
        The directory that was created.

    Raises:
        UsageError: A part of the path is a file, or the place cannot be written to.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 10_000):
            candidate = directory if attempt == 1 else directory.with_name(f"{directory.name}-{attempt}")
            # mkdir itself is the lock: of two processes only one can create a directory.
            with contextlib.suppress(FileExistsError):
                candidate.mkdir()
                return candidate
    except NotADirectoryError:
        raise UsageError(
            f"{directory} cannot be made: a part of that path is a file.", "Name another directory with --runs."
        ) from None
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise UsageError(
                f"{directory.parent} is a file, not a directory.", "Name another directory with --runs."
            ) from None
        raise UsageError(
            f"{directory} cannot be made: {error.strerror}.", "Name a writable place with --runs."
        ) from None
    raise UsageError(f"{directory.parent} already holds 10,000 runs of this name.", "Name another place with --runs.")


def make_folder(folder: Path, option: str = "--runs") -> None:
    """Make ``folder`` and its parents; ``option`` is the one that names another place.

    Raises:
        UsageError: The place cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror or error}.", f"Name a writable place with {option}."
        ) from None


@contextlib.contextmanager
def removed_if_empty(directory: Path) -> Iterator[None]:
    """Remove ``directory`` again if what is done in it fails before anything was written.

    So are the folders above it that hold nothing else, up to the current one.
    """
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            (directory / LOCK_FILE).unlink(missing_ok=True)
            directory.rmdir()
            for folder in directory.parents:
                if folder.resolve() == Path.cwd():
                    break
                folder.rmdir()
        raise


@contextlib.contextmanager
def removed_if_unused(directory: Path, above: Path) -> Iterator[None]:
    """Remove ``directory``, and its empty parents below ``above``, if it fails with nothing written there but locks."""
    try:
        yield
    except BaseException:
        if all(path.is_dir() or path.name == LOCK_FILE for path in directory.rglob("*")):
            shutil.rmtree(directory, ignore_errors=True)
            with contextlib.suppress(OSError):
                for parent in directory.parents:
                    if parent == above:
                        break
                    parent.rmdir()
        raise


@contextlib.contextmanager
def run_lock(directory: Path) -> Iterator[None]:
    """Keep every other process from training into ``directory``; the lock ends with this process, however that ends.

    Raises:
        UsageError: Another process trains into it, or nothing can be written there.
    """
    # Of the extra [train]: reading a run needs no lock.
    from filelock import FileLock, Timeout

    lock = FileLock(directory / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"Another process is training into {directory}.", "Wait until it ends, or stop it first."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{directory} cannot be written to: {error.strerror or error}.", "Make it writable first."
        ) from None
    try:
        yield
    finally:
        lock.release()


def require(directory: Path) -> Path:
    """Return ``directory`` if it is a directory that can be read.

    Raises:
        UsageError: It does not exist, is a file, or may not be read.
    """
    try:
        there = directory.exists()
    except OSError as error:
        raise UsageError(f"{directory} cannot be read: {error.strerror}.", "Name the directory of a run.") from None
    if not there:
        raise UsageError(f"There is no file or directory {directory}.", "Name the directory of a run.")
    if directory.is_fifo():
        raise UsageError(f"{directory} is a pipe.", f"Let its output flow in: rldoctor diagnose - < {directory}")
    if not directory.is_dir():
        raise UsageError(f"{directory} is a file, not a run directory.", "Name the directory that contains it.")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise UsageError(f"{directory} cannot be read: permission denied.", "Change its permissions or name another.")
    return directory


def require_folder_of(file: Path) -> None:
    """Check, before anything takes long, that the folder of a file that is to be written exists.

    Raises:
        UsageError: It does not.
    """
    if not file.parent.is_dir():
        raise UsageError(f"{file} cannot be written: there is no folder {file.parent}.", "Make it, or name another.")


def beside(model: Path, name: str) -> Path:
    """Return where a file about a model of the user's own is: ``model.evaluation.json`` beside ``model.zip``."""
    return model.with_name(f"{model.stem}.{name}")


def below(folder: Path) -> list[Path]:
    """Return the run directories at or below ``folder``, those with a ``run.json``, sorted; none inside another."""
    if (folder / RUN_FILE).is_file():
        return [folder]
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        if RUN_FILE in files:
            found.append(Path(parent))
            folders.clear()
    return sorted(found)


def find_policy(directory: Path) -> Path:
    """Return ``policy.zip``, or the newest checkpoint of a run that has not finished.

    The first exists only once training is complete; a path that does not exist is returned for the error message.
    """
    policy = directory / POLICY_FILE
    saved = checkpoints(directory)
    return policy if policy.exists() or not saved else saved[-1]


def checkpoints(directory: Path) -> list[Path]:
    """Return the checkpoints of a run, the one with the fewest steps first."""
    return sorted((directory / CHECKPOINTS).glob("step-*.zip"))


def read_json(path: Path, what: str) -> dict[str, Json]:
    """Read one of the JSON files of a run directory.

    Args:
        path: The file.
        what: What it is in words, for the message.

    Raises:
        CannotJudge: The file is missing, unreadable, too large, or not a JSON object.
    """
    try:
        return load_object(path)
    except (FileNotFoundError, NotADirectoryError):
        cure = "Name a run of rldoctor train: other runs have none." if path.name == RUN_FILE else ""
        raise CannotJudge(f"{path.parent} has no {path.name} ({what}).", cure) from None
    except ValueError as error:
        raise CannotJudge(f"{path} ({what}) {error}.") from None


def load_object(path: Path) -> dict[str, Json]:
    """Return the JSON object in a file.

    Raises:
        FileNotFoundError, NotADirectoryError: There is no such file.
        ValueError: It cannot be read, and why: words that follow its name.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("is not a plain file")
        if about.st_size > _MAX_JSON_BYTES:
            raise ValueError(f"is too large: {about.st_size:,} bytes")
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise ValueError(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError("is not a JSON object")
    return content


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex, by which an evaluation names the policy that it judged."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
