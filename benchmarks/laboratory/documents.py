"""Remake docs/laboratory.md and docs/accuracy.md from the stored strengths: python -m benchmarks.laboratory.documents

Each step is a command of its own, named before it begins; what is measured by training anew (the comparison with
Stable-Baselines3, speed) is not among them. With --fit, the weights are fitted first. Half an hour on one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.laboratory.second_opinion import STORED

FIT = (("benchmarks.fit_weights",),)
STEPS = (
    ("benchmarks.laboratory.tables", str(STORED)),
    ("benchmarks.laboratory.ceiling",),
    ("benchmarks.laboratory.fit",),
    ("benchmarks.laboratory.early",),
    ("benchmarks.accuracy",),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="fit checks/weights.toml first")
    chosen = parser.parse_args()
    for module, *arguments in (*(FIT if chosen.fit else ()), *STEPS):
        print(f"python -m {module}", flush=True)
        done = subprocess.run([sys.executable, "-m", module, *arguments], check=False)
        if done.returncode:
            parser.exit(
                max(done.returncode, 1),
                f"{module} failed with exit code {done.returncode}; later steps were not begun.\n",
            )


if __name__ == "__main__":
    main()
