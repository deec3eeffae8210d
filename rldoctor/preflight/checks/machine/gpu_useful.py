"""The GPU is faster than the CPU for this network.

What it does: times one forward and backward pass of a PPO-sized network (batch 256, two layers of 64) on both.

Why it matters: for so small a network, copying the batch to the GPU takes longer than computing it. A training that is
slow on the GPU does not mean that the GPU is broken.

What to do: train on the CPU, as rldoctor does. A GPU pays off for images and large networks.
"""

from __future__ import annotations

from rldoctor.model import Finding
from rldoctor.preflight import gpu
from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, note
from rldoctor.preflight.context import PreflightContext


def judge(cpu_seconds: float, gpu_seconds: float) -> Finding | None:
    """Return a note where the CPU is at least as fast."""
    if gpu_seconds < cpu_seconds:
        return None
    return note(
        "gpu-not-useful",
        f"A small network takes {cpu_seconds * 1e3:.2f} ms an update on the CPU "
        f"and {gpu_seconds * 1e3:.2f} ms on the GPU.",
        "Nothing to do: rldoctor trains small networks on the CPU.",
        observed=gpu_seconds,
        expected=cpu_seconds,
    )


@check("SYS203", "gpu-useful", Group.MACHINE, requires=("SYS202",), faults=("gpu-not-useful",))
def run(context: PreflightContext) -> CheckFindings:
    """Time a small network on both."""
    if not context.measured.get("gpu_usable"):
        raise Skipped("no GPU can be used")
    cpu_seconds, gpu_seconds = gpu.update_seconds("cpu"), gpu.update_seconds("cuda")
    context.measured["update_seconds"] = {"cpu": cpu_seconds, "cuda": gpu_seconds}
    finding = judge(cpu_seconds, gpu_seconds)
    if finding:
        yield finding
    return f"{cpu_seconds * 1e3:.2f} ms on the CPU, {gpu_seconds * 1e3:.2f} ms on the GPU"
