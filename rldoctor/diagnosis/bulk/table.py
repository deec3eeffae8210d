"""The table of results: a row for each run, with its whole diagnosis in the last column."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from rldoctor.diagnosis.bulk.arrow import pa
from rldoctor.model import RunDiagnosis
from rldoctor.model.report_json import run_json, subject_json
from rldoctor.render.rows import subject_row

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("folder", pa.string()),
        ("verdict", pa.string()),
        ("cause", pa.string()),
        ("probability", pa.float64()),
        ("health", pa.float64()),
        ("env", pa.string()),
        ("steps", pa.int64()),
        ("final_return", pa.float64()),
        ("framework", pa.string()),
        ("reference", pa.string()),
        ("findings", pa.int32()),
        ("codes", pa.string()),
        ("summary", pa.string()),
        ("failed", pa.bool_()),
        ("sample", pa.int64()),
        ("report", pa.string()),
    ]
)
"""The columns.

``path``, ``verdict``, ``cause``, ``probability``, ``env``, ``steps``, ``final_return``, ``framework``, ``reference``,
``findings`` (how many) and ``summary`` are those of ``Report.to_frame()``. ``folder`` is the first folder below the one
that was named, ``health`` the probability that nothing is wrong, ``codes`` the codes of all findings, with blanks
between. ``failed`` tells that an error of rldoctor itself leaves the run unjudged. ``sample`` is a number made from the
path: the runs with the smallest are a random sample. ``report`` is the run as a subject of the JSON report, version 1.
"""


def table_of(runs: Iterable[tuple[RunDiagnosis, bool, str]]) -> pa.Table:
    """Return the table of diagnosed runs, each with whether an error of rldoctor leaves it unjudged, and its folder."""
    return pa.Table.from_pylist([_row(*run) for run in runs], SCHEMA)


def _row(run: RunDiagnosis, failed: bool, folder: str) -> dict[str, Any]:
    row = {key: value for key, value in subject_row(run).items() if key in SCHEMA.names}
    path = _utf8(run.path)
    codes = " ".join(dict.fromkeys(finding.code for finding in run.findings))
    own = {"path": path, "folder": _utf8(folder), "health": run.health, "codes": codes, "failed": failed}
    texts = {key: _utf8(value) for key, value in row.items() if isinstance(value, str)}
    return {**row, **texts, **own, "sample": _sample(path), "report": _json(run)}


def _utf8(text: str) -> str:
    """Return a text without lone surrogates, which no Parquet file may hold."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _sample(path: str) -> int:
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=7).digest())


def _json(run: RunDiagnosis) -> str:
    try:
        # json is compiled where it does not indent, and refuses NaN, of which subject_json makes a text.
        return json.dumps(run_json(run), allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(subject_json(run), allow_nan=False)
