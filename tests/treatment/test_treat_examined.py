"""A treatment that begins with an examination spends no training on a fault of the environment."""

from __future__ import annotations

from pathlib import Path

from rldoctor.experiments.treatment.run import TreatmentOptions, treat
from rldoctor.model import Observation, Statement, TreatmentOutcome, TreatmentResult

RUN = Path(__file__).parents[1] / "runs/sick/actions-without-effect/fetch_reach_dense-actions-ignored-full-100"
FAULT = Observation(
    *("environment", "ENV302", "actions-without-effect", 1.0, "fault", ("actions-without-effect",)),
    message="No action changes anything.",
    remedy="Follow the action through the wrappers.",
)


def test_a_fault_that_a_check_found_leads_to_an_instruction(tmp_path: Path) -> None:
    statements = [Statement("environment", "FetchReachDense-v4", (FAULT,))]
    (result,) = treat(RUN, TreatmentOptions(out=tmp_path, statements=statements)).subjects
    assert isinstance(result, TreatmentResult)
    treatment = result.treatment
    assert (treatment.outcome, treatment.trials) == (TreatmentOutcome.INSTRUCTED, ())
    first = treatment.instructions[0]
    assert (first.diagnosis, first.tested) == ("actions-without-effect", "fired")
    assert "Follow the action" in first.text
