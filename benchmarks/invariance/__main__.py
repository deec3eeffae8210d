"""How far a diagnosis depends on the way a run was logged: python -m benchmarks.invariance [--other CHECKOUT] [--show CHANGE]

Every recorded run (tests/runs, tests/strangers) is changed in ways that must not change its diagnosis: the verdict and,
for a run that is not healthy, the most likely cause. Writes docs/invariance.md; with --other, the figures of another
checkout are added. About two minutes each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.invariance import diagnosed
from benchmarks.invariance.diagnosed import HERE, ask
from benchmarks.invariance.document import HEAD, by_chance, by_rows, table
from benchmarks.invariance.through_files import ask_through_files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the answers instead of writing the document")
    parser.add_argument("--other", type=Path, help="another checkout of rldoctor, or what --json printed there")
    parser.add_argument("--show", default="", help="list the runs whose diagnosis differs after this change")
    chosen = parser.parse_args()
    answers = ask()
    if chosen.json:
        print(json.dumps(answers))
        return
    answers |= ask_through_files()
    there: dict[str, list[dict[str, str]]] = {}
    if chosen.other and chosen.other.is_file():
        there = json.loads(chosen.other.read_text())
    elif chosen.other:
        environment = {**os.environ, "PYTHONPATH": str(chosen.other)}
        command = [sys.executable, diagnosed.__file__]
        there = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
    lines = [*table(answers, there), *by_rows(answers), *by_chance(answers)]
    (HERE / "docs" / "invariance.md").write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")
    print("\n".join(lines))
    for title, rows in answers.items():
        if chosen.show and chosen.show in title:
            print(
                title,
                *(f"{r['run']}: {r['before']} -> {r['after']}" for r in rows if r["before"] != r["after"]),
                sep="\n  ",
            )


if __name__ == "__main__":
    main()
