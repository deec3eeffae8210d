"""Runs on object stores (``s3://``, ``gs://``, ``az://``, whatever fsspec opens), through a cache on this machine.

A run far away is shown by its address and read from its mirror: the folder of the cache that holds its logs and
its ``run.json``. A file is fetched once, and again where the store says that it has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from rldoctor.errors import MissingExtra, UsageError
from rldoctor.logs.file_kinds import is_log_file, is_run_file, is_wandb_file

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.DOTALL)
_RECORD_FILE = "run.json"
# What the store said of each file of a folder when it was fetched.
_VERSIONS_FILE = ".fetched.json"
# Requests that wait for an answer at the same time; each is some dozen kilobytes and some dozen milliseconds.
_AT_A_TIME = 32
# What stores call the things that change with a file's content.
_TELLING = (
    *("ETag", "etag", "md5Hash", "content_md5"),
    *("LastModified", "last_modified", "updated", "mtime", "created", "size"),
)
# Packages that fsspec asks for, by the scheme.
_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}


def is_remote(name: str) -> bool:
    """Tell whether ``name`` is the address of something far away, rather than a path."""
    return _SCHEME.match(name) is not None


def cache_folder() -> Path:
    """Return where mirrors are kept: ``$RLDOCTOR_CACHE``, or ``rldoctor`` in the user's folder for caches.

    Raises:
        UsageError: There is neither.
    """
    own = os.environ.get("RLDOCTOR_CACHE")
    if own:
        return Path(own)
    general = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(general) if general else Path.home() / ".cache") / "rldoctor"
    except RuntimeError:
        raise UsageError("This user has no home for a cache.", "Name a folder for it in $RLDOCTOR_CACHE.") from None


def place_of(name: str) -> Path:
    """Return the folder on this machine that a run of this name is read from.

    Raises:
        UsageError: The address leads out of the cache.
    """
    found = _SCHEME.match(name)
    if found is None:
        return Path(name)
    parts = [part for part in found[2].split("/") if part]
    if any(part in (".", "..") or "\0" in part for part in parts):
        raise UsageError(f"{name!r} is not an address of runs.", "Name it without dots.")
    return (_mirrors() / found[1]).joinpath(*parts)


def name_of(directory: Path) -> str:
    """Return what a run's folder is called in reports: the address of what it mirrors, or its path."""
    try:
        mirrors = _mirrors()
    except UsageError:
        return str(directory)
    if not directory.is_relative_to(mirrors):
        return str(directory)
    scheme, *parts = directory.relative_to(mirrors).parts or ("",)
    return f"{scheme}://{'/'.join(parts)}"


def _mirrors() -> Path:
    return cache_folder() / "remote"


def list_runs(address: str) -> list[str]:
    """Return the addresses of all runs at or below ``address``, without fetching any.

    Raises:
        UsageError: There is no such store or bucket, or it lets nobody in.
        MissingExtra: fsspec is not installed.
    """
    scheme, _ = _split(address)
    _, files = _listed(address)
    return sorted(f"{scheme}://{folder}" for folder in _folders(files))


def fetch(address: str) -> list[Path]:
    """Bring the logs of all runs at or below ``address`` into the cache, and return the mirrors of these runs, sorted.

    Log files and ``run.json`` are fetched, several at a time, and nothing else.

    Raises:
        UsageError: There is no such store or bucket, it lets nobody in, or the cache cannot be written to.
        MissingExtra: fsspec is not installed.
    """
    scheme, _ = _split(address)
    system, files = _listed(address)
    folders = _folders(files)
    wanted: list[tuple[str, Path, str]] = []
    for folder, inside in folders.items():
        mirror = place_of(f"{scheme}://{folder}")
        known = _versions(mirror)
        versions = {PurePosixPath(path).name: _version(files[path]) for path in inside}
        for path in inside:
            name = PurePosixPath(path).name
            if known.get(name) != versions[name] or not (mirror / name).is_file():
                wanted.append((path, mirror, versions[name]))
        _forget(mirror, versions)
    _fetch_all(system, wanted, address)
    # A folder whose files all went while they were fetched is no run.
    mirrors = sorted(place_of(f"{scheme}://{folder}") for folder in folders)
    return [mirror for mirror in mirrors if any(is_log_file(path.name) for path in mirror.glob("*"))]


def _split(address: str) -> tuple[str, str]:
    found = _SCHEME.match(address)
    if found is None:
        raise UsageError(f"{address!r} is not an address.", "Write it as s3://bucket/runs.")
    return found[1], found[2]


def _listed(address: str) -> tuple[Any, dict[str, Mapping[str, Any]]]:
    """Return the file system, and what it says of every file at or below ``address``."""
    scheme, _ = _split(address)
    place_of(address)
    try:
        import fsspec
    except ImportError:
        raise MissingExtra(f"Reading {scheme}://", "fsspec", "remote") from None
    try:
        # A directory that was listed a moment ago may have grown.
        system = fsspec.filesystem(scheme, use_listings_cache=False, skip_instance_cache=True)
        place = system._strip_protocol(address)
        # Of a file that is named, the run that it belongs to.
        name = PurePosixPath(place).name
        found = system.find(place[: -len(name)].rstrip("/") if is_log_file(name) else place, detail=True)
    except ImportError as error:
        package = _PACKAGES.get(scheme, error.name or "another package")
        raise UsageError(
            f"{scheme}:// needs the package {package}, which is not installed.", f"pip install {package}"
        ) from None
    except Exception as error:
        raise _cannot_be_read(address, error) from None
    return system, found


def _cannot_be_read(address: str, error: Exception) -> UsageError:
    """Return the error for whatever a store's own library raises; each has its own tree of exceptions."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if isinstance(error, ValueError) and "Protocol not known" in first:
        return UsageError(f"{address} cannot be read: {first}.", "Use s3://, gs:// or az://.")
    return UsageError(
        f"{address} cannot be read: {first}.", "Check the name, your credentials and the endpoint (AWS_ENDPOINT_URL)."
    )


def _folders(files: Iterable[str]) -> dict[str, list[str]]:
    """Return the folders that hold logs, with the files to be fetched of each."""
    folders: dict[str, list[str]] = {}
    beside: dict[str, list[str]] = {}
    records = []
    for path in files:
        parts = path.split("/")
        # A key of an object store can be any text; one with such a part has no place in a mirror.
        if any(part in ("", ".", "..") or "\0" in part for part in parts[1:]):
            continue
        folder = "/".join(parts[:-1])
        if is_run_file(parts[-1]):
            folders.setdefault(folder, []).append(path)
        elif is_log_file(parts[-1]):
            beside.setdefault(folder, []).append(path)
        elif parts[-1] == _RECORD_FILE:
            records.append(path)
    # As on this machine: what lies below a run of Weights & Biases are copies, and what lies beside logs makes a run
    # only where nothing else does.
    whole_runs = [f"{folder}/" for folder, inside in folders.items() if any(map(is_wandb_file, map(_name, inside)))]
    folders = {folder: inside for folder, inside in folders.items() if not folder.startswith(tuple(whole_runs))}
    folders = folders or {folder: [] for folder in beside}
    whole = {folder: [*inside, *beside.get(folder, [])] for folder, inside in folders.items()}
    for path in records:
        folder = path.rpartition("/")[0]
        if folder in whole:
            whole[folder].append(path)
    return whole


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _version(about: Mapping[str, Any]) -> str:
    told = {key: str(about[key]) for key in _TELLING if about.get(key) is not None}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def _versions(mirror: Path) -> dict[str, str]:
    try:
        known = json.loads((mirror / _VERSIONS_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _forget(mirror: Path, versions: Mapping[str, str]) -> None:
    """Remove from a mirror what the store no longer has."""
    for name in _versions(mirror).keys() - versions.keys():
        if "/" not in name:
            (mirror / name).unlink(missing_ok=True)


def _fetch_all(system: Any, wanted: Iterable[tuple[str, Path, str]], address: str) -> None:
    fetched: dict[Path, dict[str, str]] = {}
    with ThreadPoolExecutor(_AT_A_TIME, "fetch") as pool:
        jobs = [
            (path, mirror, version, pool.submit(_fetch_one, system, path, mirror)) for path, mirror, version in wanted
        ]
        try:
            for path, mirror, version, job in jobs:
                if job.result():
                    fetched.setdefault(mirror, {})[PurePosixPath(path).name] = version
        except Exception as error:
            raise _cannot_be_read(address, error) from None
        finally:
            for *_, job in jobs:
                job.cancel()
            for mirror, versions in fetched.items():
                _note(mirror, versions)


def _fetch_one(system: Any, path: str, mirror: Path) -> bool:
    """Fetch a file, whole or not at all; tell whether it was still there."""
    mirror.mkdir(parents=True, exist_ok=True)
    place = mirror / PurePosixPath(path).name
    temporary = place.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        system.get_file(path, str(temporary))
        temporary.replace(place)
    except FileNotFoundError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _note(mirror: Path, versions: Mapping[str, str]) -> None:
    known = {name: version for name, version in _versions(mirror).items() if (mirror / name).is_file()}
    temporary = mirror / f".{secrets.token_hex(8)}.tmp"
    temporary.write_text(json.dumps({**known, **versions}))
    temporary.replace(mirror / _VERSIONS_FILE)
