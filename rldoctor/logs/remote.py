"""Runs on object stores (``s3://``, ``gs://``, ``az://``, whatever fsspec opens), through a cache on this machine.

A remote run is shown by its address and read from its mirror: the folder of the cache that holds its logs and its
``run.json``. A file is fetched once, and again when the store reports that it has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from rldoctor.errors import MissingExtra, UsageError
from rldoctor.logs.formats import formats_of, is_log_file, run_folders
from rldoctor.run_directory import RUN_FILE

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.DOTALL)
# The version of each file of a folder when it was fetched.
_VERSIONS_FILE = ".fetched.json"
# Requests at a time; each takes some dozen kilobytes and some dozen milliseconds.
_CONCURRENT_REQUESTS = 32
# The names that stores give to whatever changes with a file's content.
_VERSION_KEYS = (
    *("ETag", "etag", "md5Hash", "content_md5"),
    *("LastModified", "last_modified", "updated", "mtime", "created", "size"),
)
# Packages that fsspec needs for a scheme and that the extra [remote] does not bring.
_PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}


def is_remote(name: str) -> bool:
    """Return whether ``name`` is an address rather than a path."""
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
        raise UsageError("There is no home folder to keep a cache in.", "Set $RLDOCTOR_CACHE to a folder.") from None


def place_of(name: str) -> Path:
    """Return the local folder that a run of this name is read from.

    Raises:
        UsageError: The address leads out of the cache.
    """
    found = _SCHEME.match(name)
    if found is None:
        return Path(name)
    parts = [part for part in found[2].split("/") if part]
    if any(part in (".", "..") or "\0" in part for part in parts):
        raise UsageError(f"{name!r} is not an address of runs.", "Write it without . and .. parts.")
    return (_mirrors() / found[1]).joinpath(*parts)


def name_of(directory: Path) -> str:
    """Return what a run's folder is called in reports: the address of what it mirrors, or its path."""
    try:
        mirrors = _mirrors()
    except UsageError:
        return str(directory)
    # As text: of the thousands of runs that are diagnosed most are no mirrors.
    if not str(directory).startswith(str(mirrors)) or not directory.is_relative_to(mirrors):
        return str(directory)
    scheme, *parts = directory.relative_to(mirrors).parts or ("",)
    return f"{scheme}://{'/'.join(parts)}"


def _mirrors() -> Path:
    return _mirrors_in(*map(os.environ.get, ("RLDOCTOR_CACHE", "XDG_CACHE_HOME", "HOME", "USERPROFILE")))


@lru_cache(16)
def _mirrors_in(*_environment: str | None) -> Path:
    return cache_folder() / "remote"


def list_runs(address: str) -> list[str]:
    """Return the addresses of all runs at or below ``address``, without fetching any.

    Raises:
        UsageError: There is no such store or bucket, or it denies access.
        MissingExtra: fsspec is not installed.
    """
    scheme = _scheme(address)
    _, files = _listed(address)
    return sorted(f"{scheme}://{folder}" for folder in _folders(files))


def fetch(address: str) -> list[Path]:
    """Bring the logs of all runs at or below ``address`` into the cache, and return the mirrors of these runs, sorted.

    Log files and ``run.json`` are fetched, several at a time, and nothing else.

    Raises:
        UsageError: There is no such store or bucket, it denies access, or the cache cannot be written to.
        MissingExtra: fsspec is not installed.
    """
    scheme = _scheme(address)
    system, files = _listed(address)
    mirrors = {place_of(f"{scheme}://{folder}"): paths for folder, paths in _folders(files).items()}
    versions = {mirror: _versions(mirror) for mirror in mirrors}
    with ThreadPoolExecutor(_CONCURRENT_REQUESTS, "fetch") as pool:
        jobs = []
        for mirror, paths in mirrors.items():
            for name in versions[mirror].keys() - map(_name, paths):  # deleted from the store
                (mirror / name).unlink(missing_ok=True)
                del versions[mirror][name]
            for path in paths:
                version = _version(files[path])
                if versions[mirror].get(_name(path)) != version:
                    jobs.append((mirror, _name(path), version, pool.submit(_fetch_file, system, path, mirror)))
        try:
            for mirror, name, version, job in jobs:
                if job.result():
                    versions[mirror][name] = version
        except Exception as error:
            raise _cannot_be_read(address, error) from None
        finally:
            for *_, job in jobs:
                job.cancel()
            for mirror in filter(Path.is_dir, mirrors):
                content = json.dumps(versions[mirror])
                _write(mirror / _VERSIONS_FILE, partial(Path.write_text, data=content))
    # A folder whose files were all deleted while they were fetched is no run.
    return sorted(mirror for mirror in mirrors if _folders(f"x/{path.name}" for path in mirror.glob("*")))


def _scheme(address: str) -> str:
    found = _SCHEME.match(address)
    if found is None:
        raise UsageError(f"{address!r} is not an address.", "Write it as s3://bucket/runs.")
    return found[1]


def _listed(address: str) -> tuple[Any, dict[str, Mapping[str, Any]]]:
    """Return the file system, and its details on every file at or below ``address``."""
    system, place = file_system(address)
    # Of a file that is named, the run that it belongs to.
    folder = place.rpartition("/")[0] if is_log_file(_name(place)) else place
    try:
        return system, system.find(folder, detail=True)
    except Exception as error:
        raise _cannot_be_read(address, error) from None


def entries(address: str) -> tuple[list[str], list[str]]:
    """Return the names of the folders and of the files in a folder of an object store, sorted.

    Raises:
        UsageError: There is no such store or bucket, or it denies access.
        MissingExtra: fsspec is not installed.
    """
    system, place = file_system(address)
    if is_log_file(_name(place)):
        return [], [_name(place)]
    try:
        found = system.ls(place, detail=True)
    except Exception as error:
        raise _cannot_be_read(address, error) from None
    names: dict[bool, list[str]] = {True: [], False: []}
    for one in found:
        names[one["type"] == "directory"].append(_name(one["name"].rstrip("/")))
    return sorted(names[True]), sorted(names[False])


def file_system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, as fsspec has it, and the place on it.

    Raises:
        UsageError: There is no such store, or the address leads elsewhere.
        MissingExtra: fsspec is not installed.
    """
    scheme = _scheme(address)
    place_of(address)
    try:
        import fsspec
    except ImportError:
        raise MissingExtra(f"Reading {scheme}://", "fsspec", "remote") from None
    try:
        # A directory that was listed a moment ago may have grown.
        system = fsspec.filesystem(scheme, use_listings_cache=False, skip_instance_cache=True)
        return system, system._strip_protocol(address)
    except ImportError as error:
        if scheme == "s3":
            raise MissingExtra("Reading s3://", "s3fs", "remote") from None
        package = _PACKAGES.get(scheme, error.name or "another package")
        raise UsageError(
            f"Reading {scheme}:// needs the package {package}, which is not installed.",
            f"Install it with: python -m pip install {package}",
        ) from None
    except Exception as error:
        raise _cannot_be_read(address, error) from None


def _cannot_be_read(address: str, error: Exception) -> UsageError:
    """Return the error for whatever a store's own library raises; each has its own family of exceptions."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if isinstance(error, ValueError) and "Protocol not known" in first:
        return UsageError(f"{address} cannot be read: {first}.", "Use s3://, gs:// or az://.")
    return UsageError(
        f"{address} cannot be read: {first}.", "Check the name, your credentials and the endpoint (AWS_ENDPOINT_URL)."
    )


def _folders(files: Iterable[str]) -> dict[str, list[str]]:
    """Return the folders that hold runs, with the files to be fetched of each."""
    names: dict[str, list[str]] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        # A key of an object store can be any text; one with such a part has no place in a mirror.
        if not any(part in ("", ".", "..") or "\0" in part for part in path.split("/")[1:]):
            names.setdefault(folder, []).append(name)
    # As for local runs (rldoctor.logs.discovery); MLflow's runs are folders and are not read from a store.
    formats = {folder: [format_ for format_, _ in formats_of((), inside)] for folder, inside in names.items()}
    runs = run_folders({folder: found for folder, found in formats.items() if found})
    return {
        folder: [f"{folder}/{name}" for name in names[folder] if is_log_file(name) or name == RUN_FILE]
        for folder in runs
    }


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _version(about: Mapping[str, Any]) -> str:
    found = {key: str(about[key]) for key in _VERSION_KEYS if about.get(key) is not None}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:32]


def _versions(mirror: Path) -> dict[str, str]:
    """Return the versions of the files that are in a mirror."""
    try:
        known = json.loads((mirror / _VERSIONS_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    found = known if isinstance(known, dict) else {}
    return {name: version for name, version in found.items() if "/" not in name and (mirror / name).is_file()}


def _fetch_file(system: Any, path: str, mirror: Path) -> bool:
    """Fetch a file, whole or not at all; return whether it was still there."""
    mirror.mkdir(parents=True, exist_ok=True)
    try:
        _write(mirror / _name(path), lambda temporary: system.get_file(path, str(temporary)))
    except FileNotFoundError:
        (mirror / _name(path)).unlink(missing_ok=True)
        return False
    return True


def _write(place: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside ``place`` and move it there, without waiting for the disk: the cache can be fetched again."""
    temporary = place.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        write(temporary)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
