"""Whether a training has had the steps that it was to have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from rldoctor.diagnosis.describe import planned_steps, unfinished
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Curve, Json, Run
from rldoctor.settings.in_memory import settings_in_memory


def run(last: int, record: Mapping[str, Json] | None = None, total: int | None = None, axis: str = "env_steps") -> Run:
    steps = np.arange(1000, last + 1, 1000)
    curve = Curve("episode_return", steps, np.linspace(10.0, 20.0, len(steps)))
    settings = settings_in_memory("sb3", {"total_timesteps": total}, "PPO(...)") if total else None
    return Run("run", "sb3", {"episode_return": curve}, record=record or {}, settings=settings, step_axis=axis)


def recorded(status: str) -> dict[str, Json]:
    return {"status": status, "recipe": {"total_steps": 60_000}}


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (run(15_000, recorded("running")), "The run is unfinished: 25% of 60,000 steps."),
        (run(15_000, recorded("interrupted")), "The run is unfinished: 25% of 60,000 steps."),
        (run(15_000, total=60_000), "The run is unfinished: 25% of 60,000 steps."),
        # It says that it is finished, or it is but for what comes after the last point, or nothing is known.
        (run(15_000, recorded("finished")), ""),
        (run(59_000, recorded("running")), ""),
        (run(9_000, total=10_000), ""),
        (run(15_000), ""),
        # A resumed training's settings count its last call only; iterations are no environment steps.
        (run(15_000, total=10_000), ""),
        (run(15_000, total=60_000, axis="iterations"), ""),
    ],
)
def test_what_is_unfinished_is_called_so(training: Run, said: str) -> None:
    assert unfinished(training) == said
    assert diagnose_run(training).summary.endswith(said)


def test_run_json_is_believed_before_other_settings() -> None:
    assert planned_steps(run(1000, recorded("running"), total=70_000)) == 60_000
    assert planned_steps(run(1000)) is None
