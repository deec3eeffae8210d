"""The event file of a training: SB3's own TensorBoard output, and one sentence where it cannot be written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter

from rldoctor.errors import UsageError


class CurveFile(TensorBoardOutputFormat):
    """Writes every point to the disk's cache as it comes, so that a process that is killed has lost none.

    Args:
        directory: Where; SB3 itself would make a folder in it.
        purge_step: Marks points of an earlier, broken-off part as overtaken: TensorBoard and rldoctor drop them.

    Raises:
        UsageError: The directory cannot be written to.
    """

    def __init__(self, directory: Path, purge_step: int | None) -> None:
        self._directory = directory
        self._is_closed = False
        _tell_once()
        with self._in_words():
            self.writer = SummaryWriter(log_dir=str(directory), purge_step=purge_step)

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        """Write points.

        Raises:
            UsageError: They cannot be written.
        """
        with self._in_words():
            super().write(key_values, key_excluded, step)

    def close(self) -> None:
        """End the file. What could not be written has been told when it was to be."""
        with contextlib.suppress(OSError):
            super().close()
        # It is closed only after a last flush, which may have failed; its thread is at work until then.
        file: Any = self.writer.file_writer
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
        self._is_closed = True

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"The event file in {self._directory} cannot be written: {error.strerror or error}.",
                "Free space or name another place.",
            ) from error


@cache
def _tell_once() -> None:
    """Keep TensorBoard's writing thread from printing the error that it hands to the training as well."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not (
            type(arguments.thread).__module__.startswith("tensorboard.") and issubclass(arguments.exc_type, OSError)
        ):
            before(arguments)

    threading.excepthook = hook
