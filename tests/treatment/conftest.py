"""A recorded run that is treated for real."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.treatment.recorded import STANDS_STILL, content_of


@dataclass(frozen=True)
class Treated:
    """A treatment that was run once: the sick run, its content before, the folder of runs, and the report."""

    run: Path
    before: dict[str, bytes]
    out: Path
    report: Any

    @property
    def treatment(self) -> Any:
        return self.report.subjects[0].treatment


@pytest.fixture(scope="session")
def treated(tmp_path_factory: pytest.TempPathFactory) -> Treated:
    """A CartPole run whose learning rate was 0, treated for real: some ten thousand steps."""
    from rldoctor.experiments.treatment import treat
    from rldoctor.experiments.treatment.run import TreatmentOptions

    place = tmp_path_factory.mktemp("treated")
    run = shutil.copytree(STANDS_STILL, place / "sick")
    before = content_of(run)
    report = treat(run, TreatmentOptions(out=place / "runs"), command=["rldoctor", "treat"], threads=1)
    return Treated(run, before, place / "runs", report)
