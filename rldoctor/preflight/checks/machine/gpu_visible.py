"""A graphics card is visible.

What it does: asks ``nvidia-smi`` and the NVIDIA driver, without PyTorch.

Why it matters: PPO with a small network runs on the processor, and no card is no fault. But a card that the machine
has and this container does not see was usually meant to be there.

What to do: start the container with its cards: ``docker run --gpus all``.
"""

from __future__ import annotations

from collections.abc import Iterator

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, check, note
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.gpu import VisibleGpus


def judge(seen: VisibleGpus) -> Iterator[Finding]:
    """Judge what the driver shows."""
    if seen.hidden:
        message = f"The machine has {seen.hidden} NVIDIA card(s) that this container was not given."
        yield note("gpu-hidden", message, "Start the container with --gpus all if the cards are meant for it.")
    elif not seen.names:
        message = f"No NVIDIA card is visible ({seen.problem or 'the driver lists none'})."
        yield note("gpu-none", message, "Nothing to do: PPO with a small network is fastest on the processor.")


@check("SYS201", "gpu-visible", Group.MACHINE, faults=("gpu-hidden", "gpu-none"))
def examine(patient: PreflightContext) -> CheckFindings:
    """Ask the driver for its cards."""
    seen = patient.gpus
    patient.measured["gpus"] = list(seen.names)
    yield from judge(seen)
    return (
        f"{len(seen.names)} x {seen.names[0]}, driver {seen.driver or 'of unknown version'}" if seen.names else "none"
    )
