"""Where the recorded runs are that tests treat."""

from __future__ import annotations

from pathlib import Path

RUNS = Path(__file__).resolve().parents[1] / "runs"
# Nothing was learned: the policy of every checkpoint is the first one.
STANDS_STILL = RUNS / "sick/updates-too-small/cartpole-learning-rate-low-zero-100"


def content_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}
