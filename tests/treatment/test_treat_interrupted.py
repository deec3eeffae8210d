"""Treatments that are killed or stopped, and go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from rldoctor.errors import Stopped
from rldoctor.experiments.treatment import treat
from rldoctor.experiments.treatment.run import TreatmentOptions
from tests.treatment.recorded import STANDS_STILL


class Killed:
    """A watcher that kills the process after the first checkpoint."""

    def __init__(self, after: int) -> None:
        self.after, self.first = after, 0

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        self.first = self.first or steps
        if steps >= self.after:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_killed_and_called_again_it_resumes(tmp_path: Path) -> None:
    options = TreatmentOptions(out=tmp_path, steps=12_000)
    with pytest.raises(KeyboardInterrupt):
        treat(STANDS_STILL, options, watch=lambda title, total: Killed(3_000), threads=1)
    second = Killed(10**9)
    report = treat(STANDS_STILL, options, watch=lambda title, total: second, threads=1)
    # A checkpoint is saved every tenth of the steps.
    assert second.first >= 1_200
    assert report.subjects[0].treatment is not None
    assert len(report.subjects[0].treatment.trials) >= 1


def test_killed_after_its_last_step_a_trial_is_judged_and_not_trained_again(tmp_path: Path) -> None:
    options = TreatmentOptions(out=tmp_path, steps=2_048, rounds=1)
    first = treat(STANDS_STILL, options, threads=1).subjects[0].treatment
    assert first is not None
    directory = Path(first.trials[0].path)
    assert json.loads((directory / "run.json").read_text())["status"] == "finished"
    (directory / "trial.json").unlink()
    logs = {path: path.read_bytes() for path in directory.glob("events*")}
    again = treat(STANDS_STILL, options, threads=1).subjects[0].treatment
    assert again is not None
    assert again.trials[0].state is first.trials[0].state
    assert {path: path.read_bytes() for path in directory.glob("events*")} == logs


def test_stopped_by_ctrl_c_it_says_how_to_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rldoctor.experiments.treatment import trial

    class Stopping(trial.TrialWatch):
        def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
            if steps > 1_000:
                # What the handler of the signal does.
                self.stop.set()

    monkeypatch.setattr(trial, "TrialWatch", Stopping)
    with pytest.raises(Stopped, match="The treatment was stopped"):
        treat(STANDS_STILL, TreatmentOptions(out=tmp_path, steps=5_000), threads=1)
