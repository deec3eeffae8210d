"""The pictures in README and the tutorial, from real reports: python -m benchmarks.pictures

Runs one checkup and diagnoses one recorded sick run; draws a terminal of 80 columns, the HTML report and the paths of a
policy. Needs Chromium and the extra [pictures]. Two minutes.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from selenium.webdriver.support.ui import WebDriverWait

from benchmarks import DOCS, TESTS
from rldoctor.checkup import checkup
from rldoctor.diagnosis import diagnose
from rldoctor.model import Report, make_report
from rldoctor.references import load_recipe
from rldoctor.render.formats import render
from rldoctor.render.terminal.report import print_report

PICTURES = DOCS / "pictures"
SICK = TESTS / "runs" / "sick"


class NoBar:
    def progressed(self, steps: int, numbers: Any) -> None: ...

    def count(self, done: int, total: int | None = None, note: str = "") -> None: ...


def draw(report: Report, name: str, title: str) -> None:
    console = Console(width=80, record=True, force_terminal=True, color_system="truecolor", file=io.StringIO())
    print_report(console, report)
    PICTURES.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(PICTURES / f"{name}.svg"), title=title)


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
            page.write_text(render(report, "html") or "", encoding="utf-8")
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
        report = checkup(load_recipe("quick"), Path("runs"), seed=0, bar=lambda title, total: NoBar())
        draw(report, "checkup", "rldoctor checkup")
    sick = SICK / "learning-rate-too-high" / "fetch_reach_dense-learning-rate-high-extreme-100"
    with contextlib.chdir(SICK.parent.parent):
        run = Path("runs") / sick.relative_to(SICK.parent)
        report = make_report("diagnose", diagnose([run]))
        draw(report, "diagnose", "rldoctor diagnose RUN")
        photograph(report, "report")


if __name__ == "__main__":
    main()
