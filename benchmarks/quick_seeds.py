"""Twenty whole checkups of the quick recipe, seeds 0 to 19: python -m benchmarks.quick_seeds [SEEDS]

Each is one `rldoctor checkup` as a user would type it, timed from process start to verdict. Writes docs/quick-recipe.md.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import DOCS
from rldoctor import machine

DOCUMENT = DOCS / "quick-recipe.md"


def one(seed: int, out: Path) -> tuple[str, float]:
    """Run one checkup; return its row of the table and its wall time in seconds."""
    clock = time.perf_counter()
    command = [sys.executable, "-m", "rldoctor", "checkup", "--seed", str(seed), "--runs", str(out)]
    code = subprocess.run(command, capture_output=True, check=False).returncode
    wall = time.perf_counter() - clock
    directory = out / "fetch_reach_dense" / "quick" / f"seed-{seed}"
    numbers = json.loads((directory / "evaluation.json").read_text())["aggregate"]
    record = json.loads((directory / "run.json").read_text())
    row = (
        f"| {seed} | {numbers['success_rate']:.2f} | {numbers['return_mean']:.2f} | "
        f"{numbers['final_distance_mean'] * 1000:.1f} mm | {record['steps']:,} | {record['train_seconds']:.1f} s | "
        f"{wall:.1f} s | {'passed' if code == 0 else f'exit {code}'} |"
    )
    return row, wall


def main() -> None:
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    with tempfile.TemporaryDirectory() as out:
        rows, walls = [], []
        for seed in seeds:
            row, wall = one(seed, Path(out))
            rows.append(row)
            walls.append(wall)
            print(row, flush=True)
    about = machine.describe()
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions().items() if number)
    DOCUMENT.write_text(
        "# The quick recipe, seed by seed\n\n"
        "Each row is one `rldoctor checkup` as you would type it: preflight, training, 100 deterministic evaluation episodes for\n"
        "the policy and the two baseline policies, gate and diagnosis. Wall time is from process start to printed verdict.\n"
        "Reproduce with `python -m benchmarks.quick_seeds`.\n\n"
        "| seed | success | mean return | final distance | steps | training | whole checkup | gate |\n"
        "|---|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"Median wall time of a checkup: {statistics.median(walls):.1f} s ({min(walls):.1f} to {max(walls):.1f}).\n\n"
        f"Machine: {about['cores']} cores of {about['processor']}, {about['system']}. Versions: {versions}.\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
