"""Returns that are repeated row after row, until the next episodes end, are as many as there are of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import RunDiagnosis, Verdict


def said_of(place: Path, returns: list[float]) -> RunDiagnosis:
    """Diagnose rows of rsl_rl whose losses are logged in every iteration."""
    rng = np.random.default_rng(0)
    rows = [
        f"{i},{value},0.01,{loss}"
        for i, (value, loss) in enumerate(zip(returns, rng.uniform(1, 2, len(returns)), strict=True))
    ]
    place.write_text("\n".join(["step,episode_return,approx_kl,value_loss", *rows]) + "\n")
    return diagnose_run(read_run(place))


@pytest.mark.parametrize("times", [3, 4, 9])
@pytest.mark.parametrize("values", [(-1136, -1152, -1179, -1140), (20, 22, 19, 21, 23), (5, 4, 6, 5.5, 4.5, 5.2)])
def test_a_handful_of_returns_is_too_few_however_often_they_are_logged(tmp_path, values, times):
    said = said_of(tmp_path / "metrics.csv", [float(value) for value in values for _ in range(times)][1:])
    assert said.verdict is Verdict.UNJUDGED
    assert said.diagnoses[0].name == "too-short-to-judge"
    assert "RET108" not in {finding.code for finding in said.findings}


def test_as_many_as_are_needed_are_judged(tmp_path):
    flat = np.random.default_rng(1).normal(20, 1, 15)
    said = said_of(tmp_path / "metrics.csv", np.repeat(flat, 4).tolist())
    assert said.verdict in (Verdict.SICK, Verdict.SUSPECT)


@pytest.mark.parametrize("returns", [[-200.0] * 60, [-200.0] * 30 + [-190.0] + [-200.0] * 29])
def test_a_constant_return_is_no_repetition(tmp_path, returns):
    said = said_of(tmp_path / "metrics.csv", returns)
    assert said.verdict is Verdict.SICK
    assert "RET108" in {finding.code for finding in said.findings}
