"""A tie is broken by the cheapest test that separates its causes, if there is time for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rldoctor.diagnosis.context import shipped_context
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.examination.child import NotAnswered
from rldoctor.examination.tie_tests import tie_tests, with_tests
from rldoctor.examination.ties import break_tie
from rldoctor.logs import read_run
from rldoctor.model import Run, RunDiagnosis, Statement

RUNS = Path(__file__).parents[1] / "runs"
# Its advantages are shuffled: the code is wrong, environment and settings are not.
SHUFFLED = RUNS / "sick/update-direction-wrong/pendulum-advantages-shuffled-full-101"
HEALTHY = next((RUNS / "healthy/pendulum").rglob("run.json")).parent
CONTEXT = replace(shipped_context(), book=with_tests(shipped_context().book))
CODE = {"update-direction-wrong", "advantages-miscomputed"}


class Examiner:
    """Answers with a run that is there already."""

    env = "Pendulum-v1"

    def __init__(self, answer: Run | None, left: float = 1e9) -> None:
        self.answer, self.left = answer, left
        self.asked: list[tuple[Any, ...]] = []

    def ask(self, *question: Any) -> Run:
        self.asked.append(question)
        if self.answer is None:
            raise NotAnswered("its process ended with exit code 1")
        return self.answer


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(SHUFFLED)


def broken(run: Run, examiner: Examiner) -> tuple[RunDiagnosis, RunDiagnosis]:
    """Return the diagnosis before and after."""

    def diagnose(more: tuple[Statement, ...]) -> RunDiagnosis:
        return diagnose_run(run, context=CONTEXT, statements=more)

    before = diagnose(())
    # What separates its causes is what is tested, whether the weights of the day call it a tie or not.
    before = replace(before, tied=("plateau-below-target", "update-direction-wrong"))
    return before, break_tie(before, run, examiner, CONTEXT, diagnose)  # type: ignore[arg-type]


def share(result: RunDiagnosis) -> float:
    return sum(item.probability for item in result.diagnoses if item.name in CODE)


def test_signs_that_are_gone_with_a_known_good_training_speak_for_the_code(run: Run) -> None:
    examiner = Examiner(read_run(HEALTHY))
    before, after = broken(run, examiner)
    assert share(after) > share(before)
    assert after.diagnoses[0].name in CODE
    (row,) = [witness for witness in after.witnesses if witness.name == "test"]
    assert "the same settings" in row.examined and "disappeared" in row.said and "TST101" in row.said
    job, recipe, _, normalised = examiner.asked[0]
    assert (job, normalised) == ("pilot_run", [])
    assert recipe.setting("learning_rate") == pytest.approx(run.settings.learning_rate)  # type: ignore[union-attr]


def test_signs_that_are_still_there_speak_against_it(run: Run) -> None:
    before, after = broken(run, Examiner(run))
    assert share(after) < share(before)
    assert "still there" in next(witness.said for witness in after.witnesses if witness.name == "test")


def test_a_test_for_which_there_is_no_time_is_named(run: Run) -> None:
    examiner = Examiner(run, left=0.5)
    _, after = broken(run, examiner)
    assert not examiner.asked
    (row,) = [witness for witness in after.witnesses if witness.name == "test"]
    assert row.examined == "" and "--budget" in row.command and "not run" in row.said


def test_a_test_that_fails_changes_no_odds(run: Run) -> None:
    before, after = broken(run, Examiner(None))
    assert [item.probability for item in after.diagnoses] == [item.probability for item in before.diagnoses]
    assert "no result" in next(witness.said for witness in after.witnesses if witness.name == "test")


@pytest.mark.parametrize("code", tie_tests())
def test_a_test_separates_its_causes_from_others_and_not_from_each_other(code: str) -> None:
    test = tie_tests()[code]
    diagnoses = shipped_context().book.diagnoses
    assert {*test.supports} <= diagnoses.keys()
    assert test.separates((test.supports[0], "plateau-below-target"))
    assert not test.separates(test.supports)
    assert not test.change or diagnoses[test.change].change
