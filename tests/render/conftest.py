"""Opens a report in the real browser of tests/conftest.py."""

from __future__ import annotations

import json

import pytest

from rldoctor.render.formats import render


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
