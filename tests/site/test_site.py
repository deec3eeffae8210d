"""The site: built without a warning, every link leads somewhere, every address has a page, a browser shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from rldoctor.cli.app import COMMANDS
from rldoctor.explain.pages import library
from rldoctor.model.website import location
from tests.render.browser import wait

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("material", reason="needs the extra [site]")
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/site/mkdocs.yml", "-d", str(place)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return place


@pytest.fixture(scope="module")
def pages(site) -> Mapping[Path, Page]:
    return {file: Page(file.read_text(encoding="utf-8")) for file in site.rglob("*.html")}


def broken(site: Path, pages: Mapping[Path, Page]) -> Iterator[str]:
    for file, page in pages.items():
        if file.name == "404.html":
            # Its links are from the root of the host.
            continue
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme in ("http", "https", "data", "mailto"):
                continue
            there = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not there.is_relative_to(site) or not there.is_file():
                yield f"{file.relative_to(site)}: {target}"
            elif there in pages and parts.fragment not in ("", *pages[there].anchors):
                yield f"{file.relative_to(site)}: {target} has no such anchor"


def test_every_link_leads_somewhere(site, pages):
    assert len(pages) > 600
    assert list(broken(site, pages)) == []


def test_a_broken_link_would_be_found(site, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<a href="gone.html">x</a><a href="#nowhere">y</a><a href="page.html#here" id="here">z</a>')
    found = list(broken(tmp_path, {page: Page(page.read_text())}))
    assert found == ["page.html: gone.html", "page.html: #nowhere has no such anchor"]


def test_nothing_is_loaded_from_elsewhere(site):
    for file in site.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert 'src="http' not in text, file
        assert 'rel="stylesheet" href="http' not in text, file


def test_every_code_cause_metric_and_command_has_its_address(site):
    places = [page.location for shelf in library().values() for page in shelf]
    places += [location("commands", word) for word in COMMANDS]
    assert len(places) == len(set(places)) > 450
    assert [place for place in places if not (site / place).is_file()] == []


def test_a_recorded_run_has_its_curves_its_diagnosis_and_its_cure(site):
    text = (site / "gallery/fetch_reach_dense-learning-rate-high-extreme-100.html").read_text(encoding="utf-8")
    assert text.count('<svg class="curve"') > 8
    assert "Set learning_rate to 0.002 (was 0.1)." in text
    assert 'href="../codes/UPD101.html"' in text
    assert "fetch_reach_dense-quick-as-recorded" in text


@pytest.mark.parametrize(("scheme", "width"), [("light", 1300), ("dark", 500)])
def test_it_is_readable_wide_and_narrow_by_day_and_by_night(site, chromium, scheme, width):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    chromium.set_window_size(width, 1000)
    chromium.get_log("performance")
    for name in (
        "index.html",
        "gallery/index.html",
        "gallery/pendulum-critic-frozen-full-100.html",
        "codes/UPD101.html",
    ):
        chromium.get((site / name).as_uri())
        chromium.execute_script("localStorage.clear()")
        chromium.refresh()
        widths = chromium.execute_script("return [document.scrollingElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1], name
        shown = chromium.execute_script("return document.body.getAttribute('data-md-color-scheme')")
        assert (shown == "slate") is (scheme == "dark"), name
    assert chromium.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert all(url.startswith(("file://", "data:", "blob:", "about:")) for url in asked), asked


def test_the_search_finds_a_code_from_the_disk(site, chromium):
    chromium.set_window_size(1300, 1000)
    chromium.get((site / "index.html").as_uri())
    field = chromium.find_element("css selector", ".md-search__input")
    field.click()
    field.send_keys("UPD101")
    wait(chromium, "document.querySelector('.md-search-result__link') !== null")
    first = chromium.find_element("css selector", ".md-search-result__link").get_attribute("href")
    assert first.partition("?")[0].endswith("codes/UPD101.html")
