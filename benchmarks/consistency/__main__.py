"""Does a report contradict itself? python -m benchmarks.consistency [FOLDER ...]

Diagnoses every run of ``tests/runs``, ``tests/strangers`` and ``tests/cases`` (or the runs at or below the folders), each
as it is and as plain Stable-Baselines3 would have logged it, and lists what one part of a report says against another:
ticks on metrics that have a warning, a headline that names another cause than the list's first, advice to set what is set
already, and the like. Prints each contradiction and how many there are of each kind, and writes
docs/consistency.md; the exit code is 1 where there is one.
Twenty seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import DOCS
from benchmarks.consistency import contradictions
from benchmarks.consistency.contradictions import as_json, count
from benchmarks.consistency.document import document


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", type=Path, nargs="*", help="examine the runs at or below these; no document is written"
    )
    parser.add_argument("--other", type=Path, help="another checkout of rldoctor, to be counted beside this one")
    parser.add_argument("--json", action="store_true", help="print the counts alone")
    chosen = parser.parse_args()
    counted, wrong, reports, lines = count(chosen.folders)
    if chosen.json:
        print(as_json(counted, wrong, reports))
        return 0
    print(*lines, *(f"{number:5} {kind}" for kind, number in counted.most_common()), sep="\n")
    print(f"{counted.total()} contradictions in {wrong} of {reports} reports.")
    if not chosen.folders:
        other: dict[str, Any] = {}
        if chosen.other:
            environment = {**os.environ, "PYTHONPATH": str(chosen.other.resolve())}
            command = [sys.executable, contradictions.__file__]
            said = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
            other = json.loads(said)
        (DOCS / "consistency.md").write_text(document(counted, wrong, reports, other), encoding="utf-8")
    return 1 if counted else 0


if __name__ == "__main__":
    sys.exit(main())
