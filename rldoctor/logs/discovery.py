"""Find the directories that hold runs: a directory with logs of any format is one run."""

from __future__ import annotations

import operator
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs.databases import is_database, unpack
from rldoctor.logs.formats import formats_of, is_log_file, run_folders
from rldoctor.logs.formats.log_file import LogFormat, begins_with
from rldoctor.logs.formats.monitor import MONITOR, SLACK_SECONDS
from rldoctor.logs.formats.printed import OUTPUT_SUFFIXES, is_printed
from rldoctor.logs.formats.tables import TRAINER_STATE_FILE, is_table, is_text_table
from rldoctor.logs.formats.tfevents import TFEVENTS, holds_hparams_alone, holds_no_point
from rldoctor.logs.remote import fetch, is_remote
from rldoctor.run_directory import require

Logs = Sequence[tuple[LogFormat, Sequence[str]]]
"""The formats of which a directory holds logs, and the names of these."""

# gzip, bzip2, xz and Zstandard.
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_CHECKPOINT = re.compile(r"checkpoint-\d+")
# Where no run is found, a whole disk is not searched for an advice.
_MOST_NAMES = 10_000


def discover(paths: Sequence[Path | str]) -> list[Path]:
    """Return every directory at or below ``paths`` that holds a run, sorted, each once.

    A run is a directory with logs in one of the formats of :data:`rldoctor.logs.formats.FORMATS`. Supplements (monitor
    files, ``evaluations.npz``) make a run only where nothing else does; monitor files also beside other runs, neither
    above nor below one. Where one directory holds several trainings that their files tell apart, monitor files or
    TensorBoard's CSV exports, each is a run, named by its first file. A table that is named itself is a run.

    Each run in a database of MLflow or trackio is one as well (:mod:`rldoctor.logs.databases`).

    The logs at an address of an object store (``s3://bucket/runs``) are fetched first, and the directories are those
    of their mirror (:mod:`rldoctor.logs.remote`).

    Symbolic links to directories are followed where they are given, not below; a directory whose logs are links to
    those of another run is none of its own, nor is one that holds no more than what ``add_hparams`` wrote for the run
    above it or for those below. A directory below the given ones that cannot be listed is returned as well, since it
    may hold a run: ``read_run`` reports it.

    Raises:
        UsageError: A path does not exist, cannot be read, or is a file that is no log.
    """
    found: dict[tuple[int, int], Path] = {}
    listed: dict[Path, Logs] = {}
    for path in paths:
        remote = isinstance(path, str) and is_remote(path)
        for run in fetch(str(path)) if remote else _sorted(_runs_at(Path(path), listed)):
            try:
                status = run.stat()
            except OSError:  # gone since it was listed
                continue
            found.setdefault((status.st_dev, status.st_ino), run)
    return _sorted(_without_links(_last_checkpoints(found.values()), listed))


def _sorted(runs: Iterable[Path]) -> list[Path]:
    return sorted(runs, key=operator.attrgetter("parts"))


def _runs_at(path: Path, listed: dict[Path, Logs]) -> list[Path]:
    """Return the runs at or below a path, those in databases as their folders in the cache."""
    if path.is_file() and is_database(path):
        runs = unpack(path)
        if not runs:
            raise UsageError(f"{path} holds no run of MLflow or trackio.", "Name the database that they write.")
        return runs
    below = list(_runs_below(_searchable(path), listed))
    return below + [run for name in sorted(path.glob("*.db")) if is_database(name) for run in unpack(name)]


def _last_checkpoints(runs: Iterable[Path]) -> list[Path]:
    """Leave out the checkpoints of a language model whose later ones hold the same log and more."""
    found = list(runs)
    checkpoints = [run for run in found if _CHECKPOINT.fullmatch(run.name) and (run / TRAINER_STATE_FILE).is_file()]
    checkpoints.sort(key=lambda run: int(run.name.rpartition("-")[2]))
    # One beside the log of its own training is no run; of those without one the last is.
    last = {run.parent: run for run in checkpoints if run.parent not in found}
    superseded = {run for run in checkpoints if last.get(run.parent) != run}
    return [run for run in found if run not in superseded]


def _searchable(path: Path) -> Path:
    """Return the directory to search for a path that the user gave, or a file that is a run by itself."""
    if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises where a part of the path may not be read
        return require(path)
    logs = _logs_in(path.parent)
    runs = _runs_in(path.parent, logs)
    if len(runs) > 1:
        (format_, names), *_ = logs
        groups = _groups(path.parent, format_, names)
        own = next((group[0] for group in groups if path in group), None)
        if own:
            return own
    if logs and path.name in logs[0][1]:
        return path if logs[0][0].last_resort else path.parent
    if is_table(path.name) or is_text_table(path):
        return path
    if is_log_file(path.name):
        return path.parent
    if begins_with(path, 6).startswith(_COMPRESSED):
        raise UsageError(
            f"{path} is compressed.", "Unpack it first; a .gz, for instance: gunzip -c FILE | rldoctor diagnose -"
        )
    if is_printed(path):
        return path
    raise UsageError(
        f"{path} is a file, not a directory.",
        "Name the directory that holds the logs, a table, or a text that the training printed.",
    )


def _logs_in(directory: Path) -> Logs:
    _, folders, files = next(os.walk(directory), ("", [], []))
    return formats_of(sorted(folders), sorted(files), directory)


def _groups(directory: Path, format_: LogFormat, names: Sequence[str]) -> list[list[Path]]:
    paths = [directory / name for name in sorted(names)]
    return format_.trainings(paths) if format_.trainings else [paths]


def _runs_in(directory: Path, logs: Logs) -> list[Path]:
    """Return the runs in one directory: itself, or the first file of each training that it holds."""
    if len(logs) == 1:
        groups = _groups(directory, *logs[0])
        if len(groups) > 1:
            return [group[0] for group in groups]
    return [directory]


def _runs_below(root: Path, listed: dict[Path, Logs]) -> Iterator[Path]:
    """Yield the runs at or below ``root``, and add to ``listed`` the logs of each directory that is one."""
    if root.is_file():
        yield root
        return
    unlisted: list[Path] = []
    logs: dict[str, Logs] = {}
    walk = os.walk(root, onerror=lambda error: unlisted.append(Path(os.fsdecode(error.filename))))
    for directory, folders, files in walk:
        found = formats_of(folders, files, Path(directory)) if folders or files else []
        if found and not _is_of_run_above(Path(directory), found, logs):
            logs[directory] = found
            if any(format_.includes_subfolders for format_, _ in found):
                folders.clear()
    above = _folders_above(logs)
    logs = {d: found for d, found in logs.items() if not (d in above and _has_no_point(d, found))}
    formats: Mapping[str, Sequence[LogFormat]] = {
        directory: [format_ for format_, _ in found] for directory, found in logs.items()
    }
    runs = run_folders(formats, os.sep)
    others = logs.keys() - set(runs)
    runs += [directory for directory in logs if directory in others and _is_of_another_time(directory, runs, logs)]
    for directory in runs:
        path = Path(directory)
        listed[path] = logs[directory]
        yield from _runs_in(path, logs[directory])
    yield from unlisted


def _is_of_another_time(directory: str, runs: Sequence[str], logs: Mapping[str, Logs]) -> bool:
    """Return whether the monitor files of a directory above or below runs are of a training that none of these is."""
    monitors = [name for format_, names in logs[directory] if format_ is MONITOR for name in names]
    if not monitors or any(not format_.supplement for format_, _ in logs[directory]):
        return False
    begun = []
    for run in runs:
        if f"{run}{os.sep}".startswith(directory + os.sep) or directory.startswith(run + os.sep):
            found = [re.search(r"tfevents\.(\d+)", name, re.ASCII) for _, names in logs[run] for name in names]
            if not all(found):
                return False
            begun += [int(second[1]) for second in found if second]
    trainings = MONITOR.read([Path(directory, name) for name in monitors], bool)
    return all(
        not training.first_time - SLACK_SECONDS <= second <= training.last_time + SLACK_SECONDS
        for training in trainings
        for second in begun
    )


def _is_of_run_above(directory: Path, found: Logs, logs: Mapping[str, Logs]) -> bool:
    """Return whether a directory holds only the settings and results that ``add_hparams`` wrote for the run above."""
    if len(found) > 1 or found[0][0] is not TFEVENTS or str(directory.parent) not in logs:
        return False
    return all(holds_hparams_alone(directory / name) for name in found[0][1])


def _folders_above(directories: Iterable[str]) -> set[str]:
    """Return the folders that one of the directories is in, or in a folder of."""
    above: set[str] = set()
    for directory in directories:
        folder = os.path.dirname(directory)  # noqa: PTH120 - of thousands of runs
        while folder not in above:
            above.add(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120
    return above


def _has_no_point(directory: str, found: Logs) -> bool:
    """Return whether a directory holds only what a writer began there for the runs below it."""
    if len(found) > 1 or found[0][0] is not TFEVENTS:
        return False
    return all(holds_no_point(Path(directory, name)) for name in found[0][1])


def _without_links(runs: Iterable[Path], listed: Mapping[Path, Logs]) -> list[Path]:
    """Leave out directories all of whose logs are symbolic links to those of another run."""
    # Those that hold the files themselves come first, then those that were named first.
    logs = {run: _identities(run, listed) for run in runs}
    links = {run: sum(link for link, _ in files) for run, files in logs.items()}
    if not any(links.values()):
        return list(logs)
    seen: set[tuple[int, int]] = set()
    kept = []
    for run in sorted(logs, key=links.__getitem__):
        files = {identity for _, identity in logs[run]}
        if links[run] < len(logs[run]) or not files <= seen or not files:
            kept.append(run)
        seen |= files
    return kept


def is_link_to_run_elsewhere(run: Path, own: Iterable[str], roots: Iterable[str]) -> bool:
    """Return whether all logs of a run are symbolic links to logs below ``roots`` that are not below ``own``.

    Such a run is the one that it links to, which is found where folders are searched one by one.
    """
    logs = (_logs_in(run) if run.is_dir() else ())[:1]
    paths = [run / name for _, names in logs for name in names]
    if not paths or not all(path.is_symlink() for path in paths):
        return False
    targets = [path.resolve() for path in paths]
    inside = [Path(name).resolve() for name in own]
    return all(
        any(target.is_relative_to(root) for root in roots) and not any(target.is_relative_to(one) for one in inside)
        for target in targets
    )


def _identities(run: Path, listed: Mapping[Path, Logs]) -> list[tuple[bool, tuple[int, int]]]:
    """Return of each log file whether it is a link, and which file it is."""
    logs = listed.get(run) or (_logs_in(run) if run.is_dir() else ())
    found = []
    for name in (name for _, names in logs[:1] for name in names):
        path = run / name
        try:
            status = path.lstat()
            link = stat.S_ISLNK(status.st_mode)
            status = path.stat() if link else status
        except OSError:
            continue
        found.append((link, (status.st_dev, status.st_ino)))
    return found


def no_run_below(paths: Sequence[Path | str]) -> CannotJudge:
    """Return the error of paths below which there is no run; it points at a file that is read if named itself."""
    what = f"There is no run below {', '.join(map(str, paths))}: no log of a known format was found."
    names = (Path(folder, name) for path in paths for folder, _, names in os.walk(path) for name in names)
    found = list(islice(names, _MOST_NAMES))
    table = min((path for path in found if is_table(path.name)), default=None)
    if table is not None:
        return CannotJudge(what, f"A table is read if it is named itself: rldoctor diagnose {table}")
    text = min((path for path in found if path.suffix.lower() in OUTPUT_SUFFIXES), default=None)
    if text is not None:
        return CannotJudge(what, f"What a training printed is read if it is named itself: rldoctor diagnose {text}")
    return CannotJudge(what, "Name the folder that the training writes its logs into, as for tensorboard --logdir.")
