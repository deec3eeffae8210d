"""PyTorch can use the NVIDIA GPU that is visible.

What it does: compares PyTorch's build with the GPU and runs a small computation on it.

Why it matters: the usual causes of "my GPU is not used" are a CPU-only build of PyTorch and a driver too old for
PyTorch's CUDA version.

What to do: install the PyTorch build for your driver (see pytorch.org), or update the driver.
"""

from __future__ import annotations

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, note, one_line
from rldoctor.preflight.context import PreflightContext


def judge(version: str, built_for: str | None, available: bool, driver: str, problem: str = "") -> Finding | None:
    """Judge whether PyTorch can use a visible GPU.

    Args:
        version: PyTorch's version.
        built_for: CUDA version that PyTorch was built for, ``None`` for a build without CUDA.
        available: ``torch.cuda.is_available()``.
        driver: Version of the NVIDIA driver.
        problem: What a first small computation raised; empty where it worked.
    """
    if built_for is None:
        message = f"PyTorch {version} is a CPU-only build, so the visible GPU cannot be used."
        return note("gpu-torch-cpu-build", message, "Install a CUDA build if you want to use the GPU: see pytorch.org.")
    if not available:
        message = f"PyTorch {version} is built for CUDA {built_for}, which driver {driver or '(unknown)'} lacks."
        remedy = "Update the driver, or install a PyTorch for an older CUDA."
        return note("gpu-driver-mismatch", message, remedy, observed=driver)
    if problem:
        message = f"PyTorch {version} finds the GPU but cannot compute on it: {problem}."
        return note("gpu-unusable", message, "Install a PyTorch that supports this GPU, or train on the CPU.")
    return None


@check(
    "SYS202",
    "gpu-usable",
    Group.MACHINE,
    requires=("SYS201",),
    faults=("gpu-torch-cpu-build", "gpu-driver-mismatch", "gpu-unusable"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Let PyTorch compute something small on the GPU."""
    if not context.gpus.names:
        raise Skipped("no GPU is visible")
    import torch

    available = torch.cuda.is_available()
    problem = ""
    if available:
        try:
            float(torch.ones(2, device="cuda").sum())
        except RuntimeError as failure:
            problem = one_line(failure)
    finding = judge(torch.__version__, torch.version.cuda, available, context.gpus.driver, problem)
    if finding:
        yield finding
    context.measured["gpu_usable"] = finding is None
    return f"PyTorch built for CUDA {torch.version.cuda}"
