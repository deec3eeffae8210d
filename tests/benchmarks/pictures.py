"""The pictures in README, from real reports: python -m tests.benchmarks.pictures

Runs one real checkup and diagnoses one recorded sick run, and draws what a terminal of 80 columns shows.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from rldoctor.checkup import checkup
from rldoctor.diagnose import diagnose
from rldoctor.model import Report, make_report
from rldoctor.references import load_recipe
from rldoctor.render.text import render_text

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SICK = Path(__file__).resolve().parents[1] / "runs" / "sick"


class NoBar:
    def progressed(self, steps: int, numbers: Any) -> None: ...

    def count(self, done: int, total: int | None = None, note: str = "") -> None: ...


def draw(report: Report, name: str, title: str) -> None:
    console = Console(width=80, record=True, force_terminal=True, color_system="truecolor", file=io.StringIO())
    render_text(report, console=console)
    PICTURES.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(PICTURES / f"{name}.svg"), title=title)


def main() -> None:
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        report = checkup(load_recipe("quick"), Path("runs"), seed=0, bar=lambda title, total: NoBar())
        draw(report, "checkup", "rldoctor checkup")
    sick = SICK / "learning-rate-too-high" / "fetch_reach_dense-learning-rate-high-extreme-100"
    with contextlib.chdir(SICK.parent.parent):
        run = Path("runs") / sick.relative_to(SICK.parent)
        draw(make_report("diagnose", diagnose([run])), "diagnose", f"rldoctor diagnose {run}")


if __name__ == "__main__":
    main()
