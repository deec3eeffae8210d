"""Tensors out of an archive of Stable-Baselines3, and nothing but tensors."""

from __future__ import annotations

import contextlib
import io
import pickle
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from rldoctor.errors import CannotJudge

# A [64, 64] policy with its optimizer is 0.2 MB. A member that claims more than this is not unpacked.
_MAX_MEMBER_BYTES = 512 * 2**20


@contextlib.contextmanager
def reading(path: Path, cure: str = "") -> Iterator[zipfile.ZipFile]:
    """Open an archive, and report any problem with its content in one sentence.

    Raises:
        CannotJudge: The file is missing, damaged, or was made for other shapes; ``cure`` says what to do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except CannotJudge:
        raise
    except FileNotFoundError:
        raise CannotJudge(f"There is no policy {path}.", "Train first, or name a run that finished.") from None
    except pickle.UnpicklingError:
        raise CannotJudge(f"The policy {path} holds more than tensors and is not loaded.") from None
    except Exception as error:
        # The file may come from anybody: zip, zlib, torch and json each raise errors of their own.
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CannotJudge(f"The policy {path} cannot be loaded: {first}", cure) from None


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member of an archive.

    Raises:
        KeyError: There is no such member.
        ValueError: It claims more than any policy has.
    """
    if archive.getinfo(name).file_size > _MAX_MEMBER_BYTES:
        raise ValueError(f"its member {name} claims {archive.getinfo(name).file_size:,} bytes")
    return archive.read(name)


def read_tensors(archive: zipfile.ZipFile, name: str) -> Any:
    """Return what ``torch.save`` wrote into a member, read with ``weights_only``.

    Raises:
        KeyError: There is no such member.
        pickle.UnpicklingError: It holds more than tensors.
        ValueError: It is compressed, or claims more than it holds.
    """
    content = read_member(archive, name)
    if content.startswith(b"\x80"):
        raise pickle.UnpicklingError("a pickle by itself, or tensors as PyTorch wrote them before 1.6")
    with zipfile.ZipFile(io.BytesIO(content)) as inner:
        # PyTorch stores its tensors as they are; it would also unpack gigabytes out of some kilobytes.
        if any(member.compress_type != zipfile.ZIP_STORED for member in inner.infolist()):
            raise ValueError(f"its member {name} is compressed, as PyTorch never does")
        if sum(member.file_size for member in inner.infolist()) > len(content):
            raise ValueError(f"its member {name} claims more than it holds")
    with warnings.catch_warnings():
        # torch warns of what it then refuses; the error is enough.
        warnings.simplefilter("ignore")
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
