"""PyTorch uses no more threads than there are cores.

What it does: compares the cores that this process may use (affinity counted) with PyTorch's threads and with
OMP_NUM_THREADS.

Why it matters: more threads than cores wait for each other. A small network is fastest on a single thread; on the
machine that recorded the references one PPO update takes 0.45 s on one thread.

What to do: set OMP_NUM_THREADS to at most the number of cores. rldoctor itself trains on one thread.
"""

from __future__ import annotations

import os

from rldoctor import machine
from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, check, warning
from rldoctor.preflight.context import PreflightContext


def oversubscribed(cores: int, torch_threads: int, omp: str | None) -> Finding | None:
    """Judge the number of threads against the number of cores."""
    omp_threads = int(omp) if omp and omp.isdigit() else 0
    threads = max(torch_threads, omp_threads)
    if threads <= cores:
        return None
    source = f"OMP_NUM_THREADS={omp_threads}" if omp_threads >= torch_threads else f"PyTorch's {torch_threads} threads"
    return warning(
        "threads-oversubscribed",
        f"{source} on {cores} usable core{'s' if cores > 1 else ''}: the threads wait for each other.",
        f"export OMP_NUM_THREADS={cores}",
        observed=threads,
        expected=cores,
    )


@check("SYS102", "processor-threads", Group.MACHINE, heavy=True, faults=("threads-oversubscribed",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare threads with cores."""
    import torch

    cores, threads = machine.cores(), torch.get_num_threads()
    context.measured["torch_threads"] = threads
    finding = oversubscribed(cores, threads, os.environ.get("OMP_NUM_THREADS"))
    if finding:
        yield finding
    return f"{cores} cores, {threads} PyTorch threads"
