"""The graphics card is faster than the processor for this network.

What it does: times one forward and backward pass of a PPO-sized network (batch 256, two layers of 64) on both.

Why it matters: for so small a network, sending the batch to the card takes longer than computing it. A training that
is slow on the card is not a broken card.

What to do: train on the processor; rldoctor does. A card pays off for images and large networks.
"""

from __future__ import annotations

from rldoctor.model import Finding
from rldoctor.preflight import gpu
from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, note
from rldoctor.preflight.context import PreflightContext


def judge(cpu_seconds: float, gpu_seconds: float) -> Finding | None:
    """Say so where the processor is at least as fast."""
    if gpu_seconds < cpu_seconds:
        return None
    return note(
        "gpu-not-useful",
        f"A small network takes {cpu_seconds * 1e3:.2f} ms an update on the processor "
        f"and {gpu_seconds * 1e3:.2f} ms on the card.",
        "Nothing to do: rldoctor trains small networks on the processor.",
        observed=gpu_seconds,
        expected=cpu_seconds,
    )


@check("SYS203", "gpu-useful", Group.MACHINE, after=("SYS202",), faults=("gpu-not-useful",))
def examine(patient: PreflightContext) -> CheckFindings:
    """Time a small network on both."""
    if not patient.measured.get("gpu_usable"):
        raise Skipped("no card can be used")
    cpu_seconds, gpu_seconds = gpu.update_seconds("cpu"), gpu.update_seconds("cuda")
    patient.measured["update_seconds"] = {"cpu": cpu_seconds, "cuda": gpu_seconds}
    finding = judge(cpu_seconds, gpu_seconds)
    if finding:
        yield finding
    return f"{cpu_seconds * 1e3:.2f} ms on the processor, {gpu_seconds * 1e3:.2f} ms on the card"
