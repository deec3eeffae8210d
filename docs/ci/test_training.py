"""An example for a test suite of one's own: the runs that a paper or a product rests on stay healthy.

Copy it, name your folders, and let pytest find it. Needs no torch.
"""

from pathlib import Path

import pytest

import rldoctor

RUNS = Path("runs")


@pytest.mark.parametrize("run", sorted(path.parent for path in RUNS.rglob("run.json")), ids=str)
def test_the_run_is_healthy(run):
    report = rldoctor.diagnose(run)
    assert report.exit_code == 0, report.render("md")


def test_the_seeds_pass_together():
    report = rldoctor.gate(RUNS, aggregate="iqm", require={"success_rate": 0.9})
    assert report.exit_code == 0, report.render("md")
