"""The tab in TensorBoard: what it is asked for, and what it answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.test import Client

from benchmarks.corpus import RECORDED
from rldoctor.model import Severity, Verdict
from rldoctor.watch.tensorboard import RldoctorPlugin

SICK = RECORDED / "sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100"
HEALTHY = RECORDED / "healthy/fetch_reach_dense/quick/as-recorded-20"


def answer(folder: Path, route: str) -> Any:
    plugin = RldoctorPlugin(SimpleNamespace(logdir=str(folder)))
    return Client(plugin.get_plugin_apps()[route]).get("/")


def test_its_front_end_is_one_module_that_sets_names_as_text_only(tmp_path: Path) -> None:
    got = answer(tmp_path, "/tab.js")
    assert got.mimetype == "text/javascript" and "export async function render" in got.text
    assert "innerHTML" not in got.text and "http" not in got.text.replace("https://", "http")
    assert RldoctorPlugin(SimpleNamespace(logdir="x")).frontend_metadata().es_module_path == "/tab.js"


def test_it_lists_the_runs_and_shows_their_report(tmp_path: Path) -> None:
    shutil.copytree(SICK, tmp_path / "a")
    (row,) = json.loads(answer(tmp_path, "/runs.json").text)["runs"]
    assert row["verdict"] == "sick" and row["cause"] == "learning-rate-too-high"
    page = answer(tmp_path, "/report.html")
    assert page.mimetype == "text/html" and "learning-rate-too-high" in page.text
    # The report reads the curves that it draws by the path of the run.
    assert "mean episode return" in page.text


@pytest.mark.parametrize(("place", "share"), [(SICK, 0.1), (SICK, 0.4), (HEALTHY, 0.15), (HEALTHY, 0.5)])
def test_the_report_of_an_unfinished_run_says_what_the_table_says(place: Path, share: float, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path / "a")
    (events,) = (path for path in (tmp_path / "a").iterdir() if "tfevents" in path.name)
    # Of another machine, or the writer is known to be gone.
    cut = events.with_name("events.out.tfevents.1000000000.elsewhere.1.0")
    cut.write_bytes(events.read_bytes()[: int(share * events.stat().st_size)])
    events.unlink()
    record = tmp_path / "a" / "run.json"
    record.write_text(record.read_text().replace('"finished"', '"running"'))
    plugin = RldoctorPlugin(SimpleNamespace(logdir=str(tmp_path)))
    plugin._watched()
    # The last point is examined at the second look.
    (result,) = plugin._results()
    (row,) = plugin._watched()
    assert row.share is not None and row.share < 0.9
    assert result.verdict is row.verdict
    assert bool(row.remedy) is bool(row.cause)
    assert (result.cause.name if row.cause and result.cause else "") == row.cause
    if row.cause:
        assert result.cause is not None and result.cause.probability == row.confidence
    if row.verdict is Verdict.UNJUDGED:
        assert not result.diagnoses and all(finding.severity is Severity.NOTE for finding in result.findings)
    assert "text/html" in Client(plugin.get_plugin_apps()["/report.html"]).get("/").content_type


def test_a_folder_without_runs_is_no_error(tmp_path: Path) -> None:
    assert json.loads(answer(tmp_path, "/runs.json").text)["runs"] == []
    assert "error" in json.loads(answer(tmp_path / "gone", "/runs.json").text)
    assert answer(tmp_path, "/report.html").mimetype == "text/plain"
