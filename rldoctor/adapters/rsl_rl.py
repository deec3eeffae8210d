"""The doctor as a log writer of rsl_rl 5.4 and later, named in its configuration: Isaac Lab and mjlab use it too.

``logger = {"class_name": "rldoctor.adapters.rsl_rl:DoctorLogWriter"}`` in the runner's configuration. Everything is
written to TensorBoard as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rldoctor.adapters.doctor import Doctor

try:
    from rsl_rl.utils import LogWriter
except ImportError:  # Before 5.4 there is no such class, and without rsl_rl nobody asks for it.
    LogWriter = object


class DoctorLogWriter(LogWriter):  # type: ignore[misc]  # rsl_rl has no types
    """Writes what rsl_rl logs to TensorBoard, and diagnoses it.

    Args:
        log_dir: Where rsl_rl logs.
        options: As :class:`rldoctor.adapters.doctor.Doctor` takes them.
    """

    def __init__(self, log_dir: str, **options: Any) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(log_dir=log_dir, flush_secs=10)
        self._options = {"name": log_dir, **options}
        self._doctor: Doctor | None = None
        self._at = -1

    @property
    def doctor(self) -> Doctor:
        """The doctor of this training."""
        if self._doctor is None:
            self._doctor = Doctor(framework="rsl_rl", **self._options)
        return self._doctor

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Log a point; the iteration before is examined when the next one begins."""
        self._writer.add_scalar(tag, scalar_value, global_step)
        if global_step != self._at:
            self._at = global_step
            self.doctor.examine()
        self.doctor.add(tag, global_step, scalar_value)

    def store_config(self, _env_cfg: object, train_cfg: Mapping[str, Any]) -> None:
        """Take the planned iterations from the configuration."""
        planned = train_cfg.get("max_iterations")
        if isinstance(planned, int) and planned > 0 and self._doctor is None:
            self._options.setdefault("total_steps", planned)

    def add_video(self, *arguments: Any, **options: Any) -> None:
        """Log a film."""
        self._writer.add_video(*arguments, **options)

    def stop(self) -> None:
        """Say the verdict, and close the files."""
        self.doctor.finish()
        self._writer.close()
