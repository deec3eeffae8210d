"""An NVIDIA GPU is visible.

What it does: asks ``nvidia-smi`` and the NVIDIA driver, without PyTorch.

Why it matters: PPO with a small network runs on the CPU, so having no GPU is no fault. But a GPU that the machine has
and this container does not see was usually meant to be there.

What to do: start the container with its GPUs: ``docker run --gpus all``.
"""

from __future__ import annotations

from collections.abc import Iterator

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, check, note
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.gpu import VisibleGpus


def judge(gpus: VisibleGpus) -> Iterator[Finding]:
    """Judge what the driver shows."""
    if gpus.hidden:
        message = f"The machine has {gpus.hidden} NVIDIA GPU(s) that this container cannot access."
        yield note("gpu-hidden", message, "Start the container with --gpus all if the GPUs are meant for it.")
    elif not gpus.names:
        message = f"No NVIDIA GPU found ({gpus.problem or 'the driver lists none'})."
        yield note("gpu-none", message, "Nothing to do: PPO with a small network is fastest on the CPU.")


@check("SYS201", "gpu-visible", Group.MACHINE, faults=("gpu-hidden", "gpu-none"))
def run(context: PreflightContext) -> CheckFindings:
    """Ask the driver for its GPUs."""
    gpus = context.gpus
    context.measured["gpus"] = list(gpus.names)
    yield from judge(gpus)
    return f"{len(gpus.names)} x {gpus.names[0]}, driver {gpus.driver or '(unknown)'}" if gpus.names else "none"
