"""PyTorch can use the graphics card that is visible.

What it does: compares PyTorch's build with the card and asks it to compute something small there.

Why it matters: the usual causes of "my GPU is not used" are a PyTorch built for the processor only and a driver too
old for PyTorch's CUDA version.

What to do: install the PyTorch build for your driver (see pytorch.org), or update the driver.
"""

from __future__ import annotations

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, note, one_line
from rldoctor.preflight.context import PreflightContext


def judge(version: str, built_for: str | None, available: bool, driver: str, problem: str = "") -> Finding | None:
    """Judge whether PyTorch can use a visible card.

    Args:
        version: PyTorch's version.
        built_for: CUDA version that PyTorch was built for, ``None`` for a build without CUDA.
        available: ``torch.cuda.is_available()``.
        driver: Version of the NVIDIA driver.
        problem: What a first small computation raised; empty where it worked.
    """
    if built_for is None:
        message = f"PyTorch {version} is built for the processor only, so the visible card cannot be used."
        return note("gpu-torch-cpu-build", message, "Install a CUDA build if you want the card: see pytorch.org.")
    if not available:
        which = driver or "of unknown version"
        message = f"PyTorch {version} is built for CUDA {built_for}, which driver {which} does not offer."
        return note(
            "gpu-driver-mismatch",
            message,
            "Update the driver, or install a PyTorch for an older CUDA.",
            observed=driver,
        )
    if problem:
        message = f"PyTorch {version} sees the card but cannot compute on it: {problem}."
        return note("gpu-unusable", message, "Install a PyTorch that supports this card, or train on the processor.")
    return None


@check(
    "SYS202",
    "gpu-usable",
    Group.MACHINE,
    after=("SYS201",),
    faults=("gpu-torch-cpu-build", "gpu-driver-mismatch", "gpu-unusable"),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Let PyTorch compute something small on the card."""
    if not patient.gpus.names:
        raise Skipped("no card is visible")
    import torch

    available = torch.cuda.is_available()
    problem = ""
    if available:
        try:
            float(torch.ones(2, device="cuda").sum())
        except RuntimeError as failure:
            problem = one_line(failure)
    finding = judge(torch.__version__, torch.version.cuda, available, patient.gpus.driver, problem)
    if finding:
        yield finding
    patient.measured["gpu_usable"] = finding is None
    return f"PyTorch built for CUDA {torch.version.cuda}"
