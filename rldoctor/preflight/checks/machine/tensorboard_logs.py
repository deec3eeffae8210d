"""TensorBoard logs can be written and read back.

What it does: writes three scalars with PyTorch's SummaryWriter, the one that Stable-Baselines3 uses, to a temporary
directory beside the runs, and reads them back with TensorBoard's own reader.

Why it matters: rldoctor reads runs from these files. Versions of protobuf and TensorBoard that do not fit each other
show here rather than after the training.

What to do: reinstall tensorboard and protobuf in the versions of constraints.txt.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from rldoctor.preflight.check import CheckFindings, Group, check, error, one_line
from rldoctor.preflight.checks.machine.run_directory_writable import nearest_directory
from rldoctor.preflight.context import PreflightContext

_VALUES = (1.0, -2.5, 3e-4)
_TAG = "train/approx_kl"


def write_and_read(folder: Path) -> list[float]:
    """Write ``_VALUES`` as scalars to ``folder`` and return what reads back."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    for step, value in enumerate(_VALUES):
        writer.add_scalar(_TAG, value, step)
    writer.close()
    read = []
    for path in folder.iterdir():
        for event in EventFileLoader(str(path)).Load():
            read += [float(value.tensor.float_val[0]) for value in event.summary.value if value.tag == _TAG]
    return read


@check("SYS104", "tensorboard-logs", Group.MACHINE, heavy=True, requires=("SYS103",), faults=("tensorboard-broken",))
def run(context: PreflightContext) -> CheckFindings:
    """Write scalars and read them back."""
    remedy = "python -m pip install -c constraints.txt --force-reinstall tensorboard protobuf"
    try:
        with tempfile.TemporaryDirectory(dir=nearest_directory(context.directory), prefix=".rldoctor-") as folder:
            read = write_and_read(Path(folder))
    except Exception as problem:
        yield error("tensorboard-broken", f"Writing and reading TensorBoard logs raised {one_line(problem)}.", remedy)
        return ""
    # TensorBoard keeps 32-bit floats.
    if len(read) != len(_VALUES) or any(abs(a - b) > 1e-6 * abs(b) for a, b in zip(read, _VALUES, strict=True)):
        message = f"Of {len(_VALUES)} scalars written, {read} were read back."
        yield error("tensorboard-broken", message, remedy, observed=read, expected=list(_VALUES))
    return f"{len(read)} scalars written and read back"
