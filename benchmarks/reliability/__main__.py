"""Every promise about faults, tested many times: python -m benchmarks.reliability [--only TOPIC ...]

Writes docs/reliability.md; with --only, the named parts of it. Less than half an hour on an idle core. Faults that need
root, a mount or another Python are skipped where those are not available, and the table says so. Coverage-guided fuzzing
needs atheris (pip install atheris); without it, inputs are only mutated.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
import traceback
from pathlib import Path

from benchmarks.reliability import event_files, fuzzing, load, platforms, training, trust
from benchmarks.reliability.fault import ROOT, Fault
from rldoctor import machine

DOCUMENT = ROOT / "docs" / "reliability.md"
PROMISES = Path(__file__).with_name("promises.md")
TOPICS = {topic.TITLE: topic for topic in (event_files, fuzzing, training, trust, load, platforms)}


def remembered() -> dict[str, str]:
    """Return the tables that the document has already, by title."""
    if not DOCUMENT.is_file():
        return {}
    found = re.split(r"(?m)^### (.*)\n\n", DOCUMENT.read_text(encoding="utf-8"))[1:]
    return {title: text.strip() for title, text in zip(found[::2], found[1::2], strict=True)}


def row(fault: Fault, share: float) -> str:
    """Test a fault many times; return its row of the table."""
    reason = fault.why_not()
    if reason:
        return f"| {fault.name} | 0 | not tested here: {reason} | |"
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        try:
            done = fault.do(Path(place), max(1, round(share * fault.often)))
        except Exception:
            traceback.print_exc()
            return f"| {fault.name} | | **BROKEN**: {(str(sys.exc_info()[1]).splitlines() or ['?'])[0][:200]} | ? |"
        finally:
            os.chdir(here)
    return f"| {fault.name} | {done.tried:,} | {done.outcome} | {done.lost} |"


def footnote(seconds: float) -> str:
    about = machine.describe()
    wanted = ("python", "numpy", "torch", "stable-baselines3", "gymnasium", "mujoco", "tensorboard", "protobuf")
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions().items() if name in wanted and number)
    cores = f"{about['cores']} core{'s' * (about['cores'] != 1)}"
    return f"{seconds:.0f} s on {cores} of {about['processor']}, {about['system']}. {versions}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = {title.split()[0].lower(): title for title in TOPICS}
    parser.add_argument("--only", nargs="*", choices=list(names), default=list(names))
    parser.add_argument("--like", default="", help="only faults whose names contain this; writes nothing")
    parser.add_argument(
        "--share", type=float, default=1.0, help="the fraction of the trials to run, for a busy machine"
    )
    arguments = parser.parse_args()
    os.environ.pop("GITHUB_STEP_SUMMARY", None)
    broken = False
    for title in [names[name] for name in arguments.only]:
        begun = time.perf_counter()
        rows = []
        for fault in TOPICS[title].FAULTS:
            if arguments.like in fault.name:
                rows.append(row(fault, arguments.share))
                print(f"{time.perf_counter() - begun:6.0f} s {rows[-1]}", flush=True)
        broken |= any("**BROKEN**" in line for line in rows)
        if arguments.like:
            continue
        tables = remembered()
        took = footnote(time.perf_counter() - begun)
        tables[title] = "\n".join(["| fault | trials | outcome | lost |", "|---|---|---|---|", *rows, "", took])
        parts = [f"### {name}\n\n{tables[name]}\n" for name in TOPICS if name in tables]
        DOCUMENT.write_text("\n".join([PROMISES.read_text(encoding="utf-8"), *parts]), encoding="utf-8")
    raise SystemExit(broken)


if __name__ == "__main__":
    main()
