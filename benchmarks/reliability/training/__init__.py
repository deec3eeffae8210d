"""Trainings that are killed, stopped, out of disk space or failing from within, and then resumed."""

from __future__ import annotations

from benchmarks.reliability.fault import Fault
from benchmarks.reliability.training.disk import cannot_mount, every_write_fails, full_checkpoints, full_disk, read_only
from benchmarks.reliability.training.environment import broken_from_within
from benchmarks.reliability.training.signals import killed, locked, stopped, worker_dies

TITLE = "Training"
FAULTS = (
    Fault("kill -9 at a random moment", killed, often=52, briefly=1),
    Fault("SIGTERM or SIGINT at a random moment", stopped, often=12),
    Fault("two processes on one directory, the first killed", locked, often=3),
    Fault(
        "an environment that raises an exception, a NaN reward, a NaN observation",
        broken_from_within,
        often=2,
        briefly=1,
    ),
    Fault("every write fails for lack of space", every_write_fails, often=16, briefly=3),
    Fault("a disk that fills up at some point", full_disk, often=6, why_not=cannot_mount),
    Fault("a full volume for checkpoints", full_checkpoints, often=4, why_not=cannot_mount),
    Fault("a read-only file system", read_only, often=2, why_not=cannot_mount),
    Fault("a worker of a sweep that is killed", worker_dies, often=1),
)
