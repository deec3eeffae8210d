"""Runs become JSON in compiled code, as they did without."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Packed, PackedRuns, RunDiagnosis, Verdict, make_report, pack
from rldoctor.model.report_json import plain, run_json, subject_json
from rldoctor.render.json_report import _dump, _dump_run, render_json

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


def test_packed_runs_are_the_same_report(run: RunDiagnosis) -> None:
    runs = [
        run,
        replace(run, verdict=Verdict.SICK, final_return=math.nan),
        replace(run, path="runs/\udcff"),
        replace(run, facts={"seed": 2**80}),
    ]
    packed = PackedRuns([pack(one) for one in runs])
    assert [isinstance(item, Packed) for item in packed.items] == [True, True, False, False]
    assert str([*packed]) == str(runs) and str([*packed[1:]]) == str(runs[1:])
    reports = [make_report("diagnose", subjects) for subjects in (runs, packed)]
    assert reports[0].verdict is reports[1].verdict is Verdict.SICK
    assert reports[0].exit_code == reports[1].exit_code == 1
    assert render_json(reports[0]) == render_json(reports[1])
