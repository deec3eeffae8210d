"""One attack string in every text of a report."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks.reliability.fault import FORMATS, HEALTHY, SICK, Row, here

ATTACK = "r\x1b[2J\x9b31m\n::error::x\r##[error]y]]>&<script>alert(1)</script><img src=x onerror=alert(2)>\" onload=\"a ' onfocus='b {{7*7}} {%x%} @all `|` [a](javascript:c) %0A::d:: =1+1\u202e\u2028[red]z[/red]"


def attacked(value: Any, key: str = "") -> Any:
    """Return a report with the attack in every text that is not a word of a fixed choice."""
    if isinstance(value, dict):
        return {k: attacked(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [attacked(item, key) for item in value]
    fixed = (
        "verdict",
        "severity",
        "outcome",
        "relation",
        "kind",
        "mark",
        "observed",
        "threshold",
        "probability",
        "strength",
        "status",
    )
    if not isinstance(value, str) or not value or key in fixed:
        return value
    return ("=" if key == "path" else "") + ATTACK


class _Page(html.parser.HTMLParser):
    """Counts what could act."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.acting, self.links = 0, 0, []
        self.policy = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.scripts += tag == "script"
        self.acting += sum(name.startswith("on") for name in named)
        self.links += [named[name] for name in ("href", "src", "action") if name in named]
        if named.get("http-equiv", "") == "Content-Security-Policy":
            self.policy = named.get("content") or ""


def page(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    return found


def hostile_reports(place: Path, often: int) -> Row:
    import os

    os.environ.pop("GITHUB_STEP_SUMMARY", None)
    tried = 0
    for source in (("diagnose", SICK, HEALTHY), ("gate", HEALTHY), ("preflight", "--select", "SYS1"))[:often]:
        _, text = here(*source, "--format", "json")
        good = json.loads(text)
        file = place / "report.json"
        file.write_text(json.dumps({**attacked(good), "command": source[0]}))
        clean = place / "clean.json"
        clean.write_text(text)
        for name in FORMATS:
            tried += 1
            code, shown = here("show", file, "--format", name)
            assert code == good["exit_code"]
            assert not {"\x1b", "\x9b", "\u202e"} & set(shown if name != "json" else ""), name
            lines = [line.lstrip() for line in shown.splitlines()]
            if name == "text":
                assert not [line for line in lines if line.startswith("::") and "error" in line.split("::")[1][:5]], (
                    lines
                )
            elif name == "github":
                assert all(" title=" in line for line in shown.splitlines() if line.startswith("::"))
            elif name == "html":
                ours, theirs = page(here("show", clean, "--format", "html")[1]), page(shown)
                assert (theirs.scripts, theirs.acting) == (ours.scripts, ours.acting)
                # In another order, where runs are sorted by what the attack changed.
                assert sorted(theirs.links) == sorted(ours.links)
                assert theirs.acting == 0
                assert theirs.policy.startswith("default-src 'none'; script-src 'sha256-")
                assert "unsafe-eval" not in theirs.policy
                assert "unsafe-inline" not in theirs.policy.partition("style-src")[0]
            elif name == "junit":
                ElementTree.fromstring(shown)
            elif name == "sarif":
                for result in json.loads(shown)["runs"][0]["results"]:
                    for location in result["locations"]:
                        uri = location.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
                        assert re.fullmatch(r"(file://)?[A-Za-z0-9_.~%/-]*", uri), uri
            elif name == "md":
                assert not re.search(r"<(script|img)|(?<!\\)\]\(javascript|@all", shown)
            elif name == "csv":
                cells = [cell for row in csv.reader(io.StringIO(shown)) for cell in row]
                assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
            else:
                json.loads(shown)
    return Row(tried, "no control character, command, element, attribute, formula or URI gets through")
