"""Unusual settings are not noted where healthy runs were recorded with the very same ones."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from rldoctor import references
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Verdict


def written(place: Path, **changed: float) -> Path:
    """Write a run with the medians of the recorded ones, and settings of which some are changed."""
    reference = references.load("fetch_reach_dense/smoke")
    recipe = json.loads(json.dumps(reference.recipe.to_json()))
    recipe["hyperparameters"] |= changed
    (place / "run.json").write_text(json.dumps({"rldoctor_run": 1, "recipe": recipe, "status": "finished"}, indent=2))
    curves = {name: pd.Series(band.median, band.steps) for name, band in reference.bands.items()}
    pd.DataFrame(curves).rename_axis("step").to_csv(place / "progress.csv")
    return place


def test_the_settings_of_a_reference_are_no_finding(tmp_path):
    said = diagnose_run(read_run(written(tmp_path)))
    assert (said.verdict, said.reference) == (Verdict.HEALTHY, "fetch_reach_dense/smoke")
    assert not {finding.code for finding in said.findings if finding.code.startswith("SET")}


@pytest.mark.parametrize("changed", [{"gamma": 0.3}, {"learning_rate": 0.3}])
def test_other_settings_are(tmp_path, changed):
    said = diagnose_run(read_run(written(tmp_path, **changed)))
    assert {finding.code for finding in said.findings if finding.code.startswith("SET")}
