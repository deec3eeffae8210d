"""How fast rldoctor is: python -m benchmarks.performance [--only PART ...] [--other CHECKOUT PYTHON [--examining WHAT ...]]

Measures the start-up of the commands; reading and diagnosing; training with the chapter's recipe, compared with plain
Stable-Baselines3; DoctorCallback; and the checkup, compared with the chapter's own job. Writes docs/performance.md; with
--only, the named parts of it; with --other, the part that compares this build with another checkout. About half an hour
on an idle machine; on a busy one the numbers mean little.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from benchmarks import DOCS
from benchmarks.performance import again, checkup, compared, reading, start_up, training
from rldoctor import machine

DOCUMENT = DOCS / "performance.md"
PARTS = {part.TITLE: part for part in (start_up, reading, again, training, checkup)}


def remembered() -> dict[str, str]:
    """Return the parts of the document as it is, by title."""
    if not DOCUMENT.is_file():
        return {}
    pieces = re.split(r"(?m)^## (.*)\n\n", DOCUMENT.read_text(encoding="utf-8"))[1:]
    return {title: text.rstrip() for title, text in zip(pieces[::2], pieces[1::2], strict=True)}


def footnote(load: float) -> str:
    about = machine.describe()
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions().items() if number)
    return f"Machine: {about['cores']} cores of {about['processor']}, {about['system']}; load before: {load:.1f}. Versions: {versions}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = {title.split()[0].lower(): title for title in PARTS}
    parser.add_argument("--only", nargs="*", choices=list(names), default=list(names))
    parser.add_argument("--other", nargs=2, metavar=("CHECKOUT", "PYTHON"), help="compare with this build only")
    parser.add_argument("--brief", action="store_true", help="with --other: leave out what takes longest")
    examined = ("preflight", "checkup")
    parser.add_argument("--examining", nargs="+", choices=examined, help="with --other: compare these commands")
    parser.add_argument("--rows", nargs="+", default=(), help="with --other: measure rows whose names hold such a word")
    asked = parser.parse_args()
    ways = {title: part.measure for title, part in PARTS.items()}
    texts = remembered()
    ways[compared.TITLE] = lambda: compared.measure(
        Path(asked.other[0]), asked.other[1], asked.brief, asked.rows, texts.get(compared.TITLE, "")
    )
    ways[compared.EXAMINING] = lambda: compared.examine(
        Path(asked.other[0]), asked.other[1], asked.examining, asked.brief
    )
    chosen = (
        [compared.EXAMINING if asked.examining else compared.TITLE]
        if asked.other
        else [names[name] for name in asked.only]
    )
    for title in chosen:
        load = os.getloadavg()[0]
        texts[title] = "\n".join([*ways[title](), "", footnote(load)])
        print(f"## {title}\n\n{texts[title]}\n", flush=True)
        # What is not measured is words, and stays behind the rest.
        ordered = [f"## {name}\n\n{texts[name]}\n" for name in dict.fromkeys([*ways, *texts]) if name in texts]
        head = "# Performance\n\nReproduce with `python -m benchmarks.performance` on an idle machine. Ratios are medians of pairs that were measured\nalternately, with the lowest and the highest in parentheses. The *chapter* is the tutorial chapter that rldoctor grew from.\n"
        DOCUMENT.write_text("\n".join([head, *ordered]), encoding="utf-8")


if __name__ == "__main__":
    main()
