"""Runs of a project."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.diagnosis.own_runs import GOOD, QUICK


@pytest.fixture
def good(tmp_path):
    """Return what copies runs into a folder of the project, with or without what run.json tells."""

    def good(family=QUICK, names=GOOD, told=True, change=None):
        folder = tmp_path / "our runs"
        for name in names:
            shutil.copytree(family / name, folder / name)
            record = folder / name / "run.json"
            if not told:
                record.unlink()
            elif change:
                content = json.loads(record.read_text())
                content["recipe"] = {**content["recipe"], **change}
                record.write_text(json.dumps(content))
        return folder

    return good
