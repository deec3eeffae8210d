"""The event file of a training: SB3's TensorBoard output, with one sentence if it cannot be written."""

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
    """Writes every point at once, so that a process that is killed loses none.

    Args:
        directory: Of the file; SB3 itself would make a folder in it.
        purge_step: Points of an interrupted part from this step on are superseded: TensorBoard and rldoctor drop them.

    Raises:
        UsageError: The directory cannot be written to.
    """

    def __init__(self, directory: Path, purge_step: int | None) -> None:
        self._directory = directory
        self._is_closed = False
        _silence_writer_thread()
        with self._usage_errors():
            self.writer = SummaryWriter(log_dir=str(directory), purge_step=purge_step)

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        """Write points.

        Raises:
            UsageError: They cannot be written.
        """
        with self._usage_errors():
            super().write(key_values, key_excluded, step)

    def close(self) -> None:
        """Close the file. What could not be written has been reported by then."""
        with contextlib.suppress(OSError):
            super().close()
        # super().close() flushes first, which may have failed, and leaves the writing thread running then.
        file: Any = self.writer.file_writer
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
        self._is_closed = True

    @contextlib.contextmanager
    def _usage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"The event file in {self._directory} cannot be written: {error.strerror or error}.",
                "Free space or name another place.",
            ) from error


@cache
def _silence_writer_thread() -> None:
    """Keep TensorBoard's writing thread from printing an error that the training raises anyway."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not (
            type(arguments.thread).__module__.startswith("tensorboard.") and issubclass(arguments.exc_type, OSError)
        ):
            before(arguments)

    threading.excepthook = hook
