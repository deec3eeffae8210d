"""The pictures of docs/how-to/watch.md: python -m benchmarks.watch.pictures

Recorded runs, cut as they stood while they trained, in the terminal of ``rldoctor watch`` and in TensorBoard's tab. Needs Chromium and
an installation of rldoctor, through whose entry point TensorBoard finds the tab. One minute.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from benchmarks import DOCS
from benchmarks.corpus import RECORDED
from rldoctor.diagnosis.context import shipped_context
from rldoctor.render.terminal.watch import watch_table
from rldoctor.watch import followed, writer
from rldoctor.watch.watcher import Watcher

PICTURES = DOCS / "pictures"
# Name, place, and the share of the event file that is there.
RUNS = (
    ("cartpole-lr-0.1", "sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100", 0.3),
    ("pendulum", "healthy/pendulum/zoo/as-recorded-20", 0.6),
    ("reach", "healthy/fetch_reach_dense/quick/as-recorded-20", 0.2),
)
PORT = 6121


def copy_runs(folder: Path, whole: bool) -> None:
    for name, place, part in RUNS:
        share = 1.0 if whole and place.startswith("healthy") else part
        (folder / name).mkdir(parents=True)
        for path in (RECORDED / place).iterdir():
            content = path.read_bytes()
            if "tfevents" in path.name:
                content = content[: int(share * len(content))]
            if path.name == "run.json" and share < 1:
                content = content.replace(b'"finished"', b'"running"')
            (folder / name / path.name).write_bytes(content)


def draw(folder: Path) -> None:
    followed.writer_of = writer.writer_of = lambda _: "alive"  # type: ignore[assignment]
    watcher = Watcher([str(folder)], shipped_context())
    watcher.poll(all_of_it=True)
    console = Console(width=110, height=40, record=True, force_terminal=True, file=io.StringIO())
    console.print(Text("$ rldoctor watch runs"))
    console.print(watch_table(console, watcher.rows, 4.0))
    console.save_svg(str(PICTURES / "watch.svg"), title="rldoctor watch")


def photograph(folder: Path) -> None:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(PORT)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        wait = WebDriverWait(browser, 120, ignored_exceptions=(Exception,))
        wait.until(lambda b: b.get(f"http://localhost:{PORT}/#rldoctor") is None)
        frame = wait.until(lambda b: b.find_element("css selector", "iframe[src*='plugin_entry'], iframe"))
        browser.switch_to.frame(frame)
        wait.until(lambda b: len(b.find_elements("css selector", "#runs tbody tr")) == len(RUNS))
        browser.switch_to.frame(wait.until(lambda b: b.find_element("css selector", "iframe")))
        wait.until(lambda b: b.find_element("css selector", "h1, h2"))
        time.sleep(15)
        browser.save_screenshot(str(PICTURES / "tensorboard.png"))
    finally:
        browser.quit()
        server.terminate()


def main() -> None:
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        copy_runs(Path("runs"), whole=False)
        draw(Path("runs"))
        copy_runs(Path("logs"), whole=True)
        photograph(Path("logs"))


if __name__ == "__main__":
    main()
