"""Runs become JSON in compiled code, as they did without."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import RunDiagnosis
from rldoctor.model.report_json import plain, run_json, subject_json
from rldoctor.render.json_report import _dump, _dump_run

RECORDED = Path(__file__).resolve().parents[1] / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"


@pytest.fixture(scope="module")
def run() -> RunDiagnosis:
    return diagnose_run(read_run(RECORDED))


def test_the_text_is_the_same_to_the_last_byte(run: RunDiagnosis) -> None:
    assert plain(run_json(run)) == plain(subject_json(run))
    assert _dump_run(run) == _dump(subject_json(run))


@pytest.mark.parametrize("odd", [{"final_return": math.nan}, {"health": math.inf}, {"path": "runs/\udcff"}])
def test_what_compiled_code_does_not_spell_is_left_to_the_other(run: RunDiagnosis, odd: dict[str, object]) -> None:
    assert _dump_run(replace(run, **odd)) is None  # type: ignore[arg-type]
