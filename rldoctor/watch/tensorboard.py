"""A tab in TensorBoard: how the runs of its log folder stand, and the whole report with the bands of healthy runs.

TensorBoard finds it through the entry point ``tensorboard_plugins``. The front end is one ES module without a build
(``tab.js``), which TensorBoard loads into a frame of its own.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from rldoctor.diagnosis.context import shipped_context
from rldoctor.diagnosis.many import diagnose, sorted_by_verdict
from rldoctor.diagnosis.report import Report
from rldoctor.diagnosis.report_files import pieces
from rldoctor.errors import RldoctorError
from rldoctor.model import RunDiagnosis, WatchRow
from rldoctor.watch.as_it_stands import as_it_stands
from rldoctor.watch.watcher import Watcher

_FRONT_END = Path(__file__).with_name("tab.js")
App = Callable[..., Any]


class RldoctorPlugin(base_plugin.TBPlugin):  # type: ignore[misc]  # TensorBoard has no types
    """The tab.

    Args:
        context: TensorBoard's, with the folder that it shows.
    """

    plugin_name = "rldoctor"

    def __init__(self, context: Any) -> None:
        self._folder = str(context.logdir)
        self._watcher: Watcher | None = None
        # TensorBoard answers requests in several threads.
        self._lock = threading.Lock()

    def get_plugin_apps(self) -> Mapping[str, App]:
        """Return what answers each request."""
        return {"/tab.js": self._front_end, "/runs.json": self._runs, "/report.html": self._report}

    def is_active(self) -> bool:
        """Return whether there is anything to show; an empty folder may get runs."""
        return bool(self._folder)

    def frontend_metadata(self) -> Any:
        """Return what TensorBoard shows."""
        return base_plugin.FrontendMetadata(es_module_path="/tab.js", tab_name="rldoctor")

    @wrappers.Request.application  # type: ignore[arg-type]  # it is made for methods as well
    def _front_end(self, _request: wrappers.Request) -> wrappers.Response:
        return wrappers.Response(_FRONT_END.read_bytes(), mimetype="text/javascript")

    @wrappers.Request.application  # type: ignore[arg-type]  # it is made for methods as well
    def _runs(self, _request: wrappers.Request) -> wrappers.Response:
        try:
            with self._lock:
                rows = [asdict(row) | {"path": self._name(row.path)} for row in self._watched()]
        except RldoctorError as error:
            return wrappers.Response(json.dumps({"error": str(error)}), mimetype="application/json")
        return wrappers.Response(json.dumps({"runs": rows, "folder": self._folder}), mimetype="application/json")

    def _watched(self) -> list[WatchRow]:
        """Return how the runs stand now."""
        self._watcher = self._watcher or Watcher([self._folder], shipped_context())
        self._watcher.poll()
        return self._watcher.rows

    def _results(self) -> list[RunDiagnosis]:
        """Return the diagnoses of the runs, which say of each what the table above them says."""
        rows, book = {row.path: row for row in self._watched()}, shipped_context().book
        found = diagnose([self._folder], processes=1)
        return sorted_by_verdict(as_it_stands(one, rows[one.path], book) if one.path in rows else one for one in found)

    def _name(self, path: str) -> str:
        """Return what TensorBoard calls a run: its path below the folder."""
        name = os.path.relpath(path, self._folder) if "://" not in path else path
        return path if name.startswith("..") else name

    @wrappers.Request.application  # type: ignore[arg-type]  # it is made for methods as well
    def _report(self, _request: wrappers.Request) -> wrappers.Response:
        try:
            with self._lock:
                report = Report.of("diagnose", self._results())
                page = "".join(pieces(report, "html", False) or ())
        except RldoctorError as error:
            return wrappers.Response(str(error), mimetype="text/plain")
        return wrappers.Response(page, mimetype="text/html")
