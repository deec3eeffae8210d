"""The tab in TensorBoard: what it is asked for, and what it answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from werkzeug.test import Client

from benchmarks.corpus import RECORDED
from rldoctor.watch.tensorboard import RldoctorPlugin

SICK = RECORDED / "sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100"


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


def test_a_folder_without_runs_is_no_error(tmp_path: Path) -> None:
    assert json.loads(answer(tmp_path, "/runs.json").text)["runs"] == []
    assert "error" in json.loads(answer(tmp_path / "gone", "/runs.json").text)
    assert answer(tmp_path, "/report.html").mimetype == "text/plain"
