"""The pictures in README and the tutorial, from real reports: python -m benchmarks.pictures

Runs one checkup and diagnoses one recorded sick run; draws a terminal of 80 columns, the HTML report and the paths of a
policy. Needs Chromium and the extra [pictures]. Two minutes.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from selenium.webdriver.support.ui import WebDriverWait

import rldoctor
from benchmarks import DOCS, TESTS
from rldoctor.checkup import checkup
from rldoctor.cli.app import run as rldoctor_command
from rldoctor.diagnosis.report_files import write_file
from rldoctor.model import Report
from rldoctor.references import load_recipe
from rldoctor.render.terminal.report import print_report

PICTURES = DOCS / "pictures"
SICK = TESTS / "runs" / "sick"
SHOWN_LINES = 8


class NoBar:
    def progressed(self, steps: int, numbers: Any) -> None: ...

    def count(self, done: int, total: int | None = None, note: str = "") -> None: ...


def console() -> Console:
    return Console(width=80, record=True, force_terminal=True, color_system="truecolor", file=io.StringIO())


def draw(report: Report, name: str, title: str) -> None:
    """Draw what a terminal of 80 columns shows of the report. The list of findings is cut after the first ones."""
    whole, shown = console(), console()
    print_report(whole, report)
    for line in shortened(whole.export_text(styles=True).splitlines()):
        shown.print(Text.from_ansi(line))
    PICTURES.mkdir(parents=True, exist_ok=True)
    shown.save_svg(str(PICTURES / f"{name}.svg"), title=title)


def shortened(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines without the findings between the first ones and the chart or causes, if there are many."""
    plain = [Text.from_ansi(line).plain for line in lines]
    first = next((i for i, line in enumerate(plain) if re.match(r"  \S [A-Z]{3}\d{3} ", line)), len(lines))
    last = next((i for i in range(first, len(lines)) if not plain[i].strip()), len(lines))
    if last - first <= SHOWN_LINES:
        return lines
    return [*lines[: first + SHOWN_LINES], f"  ... {last - first - SHOWN_LINES} more lines of findings", *lines[last:]]


def photograph(report: Report, name: str) -> None:
    """Open the HTML report in headless Chromium and save what a window of 1200 by 1600 pixels shows of it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        with tempfile.TemporaryDirectory() as place:
            page = Path(place) / "report.html"
            write_file(report, "html", page)
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": 1200, "height": 1600, "deviceScaleFactor": 1, "mobile": False},
            )
            browser.get(page.as_uri())
            WebDriverWait(browser, 30).until(lambda b: len(b.find_elements("css selector", ".js-plotly-plot")) >= 3)
            browser.save_screenshot(str(PICTURES / f"{name}.png"))
    finally:
        browser.quit()


def main() -> None:
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        draw(
            checkup(load_recipe("smoke"), Path("runs"), seed=0, bar=lambda title, total: NoBar()),
            "checkup",
            "rldoctor checkup",
        )
        run = "runs/fetch_reach_dense/smoke/seed-0"
        assert rldoctor_command(["evaluate", run, "--picture", str(PICTURES / "reach.png")]) == 0
    sick = SICK / "learning-rate-too-high" / "fetch_reach_dense-learning-rate-high-extreme-100"
    with contextlib.chdir(TESTS):
        report = rldoctor.diagnose(sick.relative_to(TESTS))
        draw(report, "diagnose", "rldoctor diagnose RUN")
        photograph(report, "report")


if __name__ == "__main__":
    main()
