"""The replay buffer of a checkpoint: a file of plain arrays beside it, read without unpickling anything.

Only the newest checkpoint of a run has one: a buffer may be thousands of times as large as the weights.
"""

from __future__ import annotations

import contextlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.run_directory import replacing

_SUFFIX = ".npz"
_POSITION, _FULL = "position", "full"
# Of the header that NumPy writes before an array.
_HEADER_BYTES = 4096


def file_of(checkpoint: Path) -> Path:
    """Return the file of the replay buffer that belongs to a checkpoint."""
    return checkpoint.with_suffix(_SUFFIX)


def largest_bytes(buffer: ReplayBuffer, total_steps: int) -> int:
    """Return the size that the file will have at the end of a training, in bytes."""
    steps = -(-total_steps // buffer.n_envs)
    share = min(1.0, steps / buffer.buffer_size)
    return int(share * sum(array.nbytes for array in _all_rows(buffer).values()))


def require_room(directory: Path, size: int) -> None:
    """Make sure that the disk has room for two buffers: a new one is written before the old one is removed.

    Raises:
        UsageError: It has not.
    """
    free = shutil.disk_usage(directory).free
    if free < 2 * size:
        raise UsageError(
            f"The replay buffer needs {in_words(2 * size)} in {directory}, where {in_words(free)} are free.",
            "Free space, name another place, or lower buffer_size.",
        )


def in_words(size: int) -> str:
    """Return a number of bytes as people say it, such as ``180 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def save(buffer: ReplayBuffer, path: Path) -> None:
    """Write what a buffer holds in one atomic step, and remove the files of earlier checkpoints.

    Raises:
        UsageError: The place cannot be written to.
    """
    filled = _filled(buffer)
    arrays: dict[str, Any] = {name: rows[:filled] for name, rows in _all_rows(buffer).items()}
    arrays |= _others(buffer)
    arrays |= {_POSITION: np.int64(buffer.pos), _FULL: np.bool_(buffer.full)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    for older in path.parent.glob(f"*{_SUFFIX}"):
        if older != path:
            older.unlink(missing_ok=True)


def remove(directory: Path) -> None:
    """Remove the buffers beside the checkpoints in ``directory``: nothing resumes a training that is finished."""
    for path in directory.glob(f"*{_SUFFIX}"):
        path.unlink(missing_ok=True)


def load(buffer: ReplayBuffer, path: Path) -> None:
    """Put what :func:`save` wrote back into a new buffer of the same training.

    Raises:
        CannotJudge: The file is missing, damaged, or is that of another training.
    """
    with _reading(path) as (archive, members):
        position, full = (
            int(_read(archive, members, _POSITION, (), "i8")),
            bool(_read(archive, members, _FULL, (), "?")),
        )
        if not 0 <= position < buffer.buffer_size:
            raise ValueError(f"its position {position} is outside the buffer")
        filled = buffer.buffer_size if full else position
        for name, rows in _all_rows(buffer).items():
            rows[:filled] = _read(archive, members, name, (filled, *rows.shape[1:]), rows.dtype.str)
        for name, values in _others(buffer).items():
            values[...] = _read(archive, members, name, values.shape, values.dtype.str)
        buffer.pos, buffer.full = position, full


def _filled(buffer: ReplayBuffer) -> int:
    return buffer.buffer_size if buffer.full else buffer.pos


def _all_rows(buffer: ReplayBuffer) -> dict[str, NDArray[Any]]:
    """Return the arrays of a buffer with one row a step, by attribute; a dictionary's as ``attribute.key``."""
    shape = (buffer.buffer_size, buffer.n_envs)
    return {name: array for name, array in _arrays(buffer).items() if array.shape[:2] == shape}


def _others(buffer: ReplayBuffer) -> dict[str, NDArray[Any]]:
    """Return its other arrays, such as where hindsight replay's current episodes begin."""
    rows = _all_rows(buffer)
    return {name: array for name, array in _arrays(buffer).items() if name not in rows}


def _arrays(buffer: ReplayBuffer) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name, value in vars(buffer).items():
        parts: Mapping[str, Any] = (
            {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
        )
        # Hindsight replay has an array of dictionaries, which are empty unless it is told to copy them.
        found |= {k: part for k, part in parts.items() if isinstance(part, np.ndarray) and part.dtype != object}
    return found


def _read(archive: Any, members: Mapping[str, int], name: str, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    dtype = np.dtype(kind)
    # Checked before anything is read: a file may claim more than it holds.
    if members[f"{name}.npy"] > dtype.itemsize * int(np.prod(shape, dtype=np.int64)) + _HEADER_BYTES:
        raise ValueError(f"its array {name} is larger than this training's")
    array: NDArray[Any] = archive[name]
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"its array {name} has shape {array.shape} and type {array.dtype}")
    return array


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[tuple[Any, Mapping[str, int]]]:
    """Open a buffer's file, and report any problem with it in one sentence."""
    again = "Start a new run with rldoctor train."
    try:
        with zipfile.ZipFile(path) as names:
            if any(member.compress_type != zipfile.ZIP_STORED for member in names.infolist()):
                raise ValueError("it is compressed, as rldoctor never does")
            members = {member.filename: member.file_size for member in names.infolist()}
        with np.load(path, allow_pickle=False) as archive:
            yield archive, members
    except FileNotFoundError:
        raise CannotJudge(f"The checkpoint has no replay buffer: {path} is missing.", again) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CannotJudge(f"The replay buffer {path} cannot be loaded: {first}.", again) from None
