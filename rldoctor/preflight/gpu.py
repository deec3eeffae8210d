"""NVIDIA GPUs: which ones the driver shows, and how fast a small network is on one."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_DRIVER = Path("/proc/driver/nvidia")
_DEVICES = Path("/dev")


@dataclass(frozen=True)
class VisibleGpus:
    """What the driver shows, without PyTorch.

    Attributes:
        names: One per GPU, such as ``NVIDIA H100 80GB HBM3``.
        driver: Version of the driver; empty where unknown.
        hidden: How many GPUs the machine has that this container cannot access.
        problem: Why ``nvidia-smi`` gave no answer; empty where it gave one.
    """

    names: tuple[str, ...] = ()
    driver: str = ""
    hidden: int = 0
    problem: str = ""


def look() -> VisibleGpus:
    """Ask ``nvidia-smi`` (which asks NVML) and the driver's folder in ``/proc``."""
    names, driver, problem = _ask_nvidia_smi()
    gpus = sorted((_DRIVER / "gpus").glob("*/information"))
    if not names:
        # A container may have GPUs without nvidia-smi: then there is a device file for each of them.
        accessible = len(list(_DEVICES.glob("nvidia[0-9]*")))
        names = tuple(_model(information) for information in gpus[:accessible])
    return VisibleGpus(names, driver, max(0, len(gpus) - len(names)), problem)


def _model(information: Path) -> str:
    """Return the model that the driver's file about a GPU names."""
    try:
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Model")), "NVIDIA GPU")


def _ask_nvidia_smi() -> tuple[tuple[str, ...], str, str]:
    command = ["nvidia-smi", "--query-gpu=driver_version,name", "--format=csv,noheader"]
    try:
        # 10 s: a cold driver without persistence mode takes some seconds to answer.
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        return (), "", "nvidia-smi is not installed"
    except (OSError, subprocess.TimeoutExpired) as problem:
        return (), "", f"nvidia-smi failed: {type(problem).__name__}"
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        return (), "", lines[0] if lines else f"nvidia-smi ended with {done.returncode}"
    rows = [line.partition(", ") for line in done.stdout.strip().splitlines()]
    return tuple(row[2] for row in rows), rows[0][0] if rows else "", ""


def update_seconds(device: str) -> float:
    """Return the time of one forward and backward pass of a PPO-sized network (batch 256, two layers of 64) in s."""
    import torch

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(16, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 4)
    ).to(device)
    batch = torch.randn(256, 16, device=device)
    # The first passes load kernels, so they are not timed.
    _passes(network, batch, 5, device)
    return min(_passes(network, batch, 10, device) for _ in range(5)) / 10


def _passes(network: torch.nn.Module, batch: torch.Tensor, times: int, device: str) -> float:
    import torch

    started = time.perf_counter()
    for _ in range(times):
        network.zero_grad()
        network(batch).pow(2).mean().backward()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - started
