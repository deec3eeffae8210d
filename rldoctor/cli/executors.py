"""The options that say where work is done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rldoctor.errors import UsageError

if TYPE_CHECKING:
    from rldoctor.executors import Executor


class ExecutorName(StrEnum):
    """Where work is done."""

    LOCAL = "local"
    RAY = "ray"


AddressOption = Annotated[
    str | None, typer.Option("--address", help="Of a Ray cluster; without it one is started on this machine.")
]


@contextlib.contextmanager
def executor_of(name: ExecutorName, jobs: int | None, address: str | None) -> Iterator[Executor]:
    """Give the executor that the options name, and end it afterwards.

    Raises:
        UsageError: The options do not fit together, or there is no cluster at the address.
        MissingExtra: Ray is not installed.
    """
    if name is ExecutorName.RAY:
        from rldoctor.executors.on_ray import RayExecutor

        chosen: Executor = RayExecutor(address, jobs)
    else:
        if address is not None:
            raise UsageError("--address is that of a Ray cluster.", "Add --executor ray.")
        from rldoctor.executors.local import LocalExecutor
        from rldoctor.experiments.sweep.job import PRELOAD

        chosen = LocalExecutor(jobs, PRELOAD)
    try:
        yield chosen
    finally:
        chosen.close()
