"""A real browser for pages: headless Chromium (Debian's chromium and chromium-driver), opened from disk."""

from __future__ import annotations

import json
import shutil

import pytest

from rldoctor.render.formats import render

# No connection of Chromium's own, so that every request that is seen is the page's.
ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1200,1000"),
)


@pytest.fixture(scope="module")
def chromium():
    webdriver = pytest.importorskip("selenium.webdriver")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("needs chromium and chromedriver (Debian: apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def page(chromium, tmp_path):
    """Return what opens a report in the browser and fails on any error or request that it causes."""
    from selenium.webdriver.support.ui import WebDriverWait

    def opened(report, **features):
        path = tmp_path / "report.html"
        path.write_text(render(report, "html"), encoding="utf-8")
        chromium.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": features.get("scheme", "light")}]},
        )
        chromium.set_window_size(features.get("width", 1200), 1000)
        chromium.get_log("performance")
        chromium.get_log("browser")
        chromium.get(path.as_uri())
        # Charts are drawn when they come into view.
        chromium.execute_script("document.querySelector('#together, .charts, .trends').scrollIntoView()")
        WebDriverWait(chromium, 30).until(lambda b: b.find_elements("css selector", ".js-plotly-plot"))
        return chromium

    yield opened
    assert chromium.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert all(url.startswith(("file://", "data:", "blob:")) for url in asked), asked
