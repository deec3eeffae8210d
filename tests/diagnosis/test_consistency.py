"""No report contradicts itself: every recorded run, stranger and case, and contradictions put in by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from benchmarks.consistency.contradictions import all_runs, contradictions, printed_contradictions
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Run, RunDiagnosis, Severity, Verdict

RUNS = Path(__file__).resolve().parents[1] / "runs"
HIGH = RUNS / "sick/learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100"


def test_no_report_contradicts_itself(tmp_path: Path) -> None:
    found = []
    for place, (name, run) in enumerate(all_runs(tmp_path)):
        # A run and the same one without what DoctorCallback logged follow each other: of some pairs one, in turn.
        if place % 16 in (0, 9):
            said = diagnose_run(run)
            found += [(name, *one) for one in contradictions(run, said)]
            if place % 16 == 0:
                found += [(name, *one) for one in printed_contradictions(said)]
    assert found == []


@pytest.mark.slow
def test_no_report_contradicts_itself_in_print(tmp_path: Path) -> None:
    found = []
    for place, (name, run) in enumerate(all_runs(tmp_path)):
        # The command of docs/consistency.md reads them all.
        if place % 3 == 0:
            said = diagnose_run(run)
            found += [(name, *one) for one in (*contradictions(run, said), *printed_contradictions(said))]
    assert found == []


@cache
def sick() -> tuple[Run, RunDiagnosis]:
    run = read_run(HIGH)
    return run, diagnose_run(run)


Change = Callable[[RunDiagnosis], RunDiagnosis]


def leading(said: RunDiagnosis, **changes: object) -> RunDiagnosis:
    return replace(said, diagnoses=(replace(said.diagnoses[0], **changes), *said.diagnoses[1:]))  # type: ignore[arg-type]


def marked(said: RunDiagnosis, mark: str) -> RunDiagnosis:
    return replace(said, table=tuple(replace(row, mark=mark) for row in said.table))


def first_fix(said: RunDiagnosis, remedy: str) -> RunDiagnosis:
    return replace(said, findings=(replace(said.findings[0], remedy=remedy), *said.findings[1:]))


WRONG: dict[str, tuple[str, Change]] = {
    "a tick beside a warning": ("tick", lambda said: marked(said, "ok")),
    "a healthy run with errors": ("healthy with warnings", lambda said: replace(said, verdict=Verdict.HEALTHY)),
    "an unjudged run with errors": ("failed and unjudged", lambda said: replace(said, verdict=Verdict.UNJUDGED)),
    "another cause in the headline": (
        "headline",
        lambda said: replace(said, summary="Training failed. Most likely cause: sparse-reward."),
    ),
    "causes out of order": ("order", lambda said: leading(said, probability=0.0)),
    "a condition before the causes": ("condition", lambda said: leading(said, name="slow-training")),
    "a suspect run that hides health": (
        "health hidden",
        lambda said: replace(said, verdict=Verdict.SUSPECT, health=None),
    ),
    "a value that is set already": ("set already", lambda said: leading(said, remedy="Set learning_rate to 0.1.")),
    "a value beyond the one at hand": ("set already", lambda said: leading(said, remedy="Lower learning_rate to 0.3.")),
    "a sign that wants the opposite": ("fixes", lambda said: first_fix(said, "Raise learning_rate to 0.5.")),
    "the callback to one who uses it": (
        "another library",
        lambda said: leading(said, remedy="Train with callback=rldoctor.DoctorCallback()."),
    ),
    "a witness that is not quoted": (
        "witness",
        lambda said: replace(
            said,
            witnesses=tuple(
                replace(one, said="nothing unusual") if one.name == "settings" else one for one in said.witnesses
            ),
        ),
    ),
    "a return that improves and falls": (
        "trend",
        lambda said: replace(
            said,
            summary="Signs of learning-rate-too-high, but the return is still improving.",
            findings=(replace(said.findings[0], code="RET102"), *said.findings[1:]),
        ),
    ),
    "updates that are large and next to nothing": (
        "size of updates",
        lambda said: replace(said, findings=(*said.findings, replace(said.findings[0], code="UPD118"))),
    ),
    "a healthy run that is not likely to be": (
        "unlikely health",
        lambda said: replace(said, verdict=Verdict.HEALTHY, health=0.01),
    ),
    "a return that falls and does not move": (
        "trend",
        lambda said: replace(
            said,
            findings=(
                replace(said.findings[0], code="RET102"),
                replace(said.findings[0], message="The return does not move."),
            ),
        ),
    ),
    "a number of twenty digits": (
        "digits",
        lambda said: replace(
            said,
            findings=(replace(said.findings[0], message="It grows 10661914876702767926-fold."), *said.findings[1:]),
        ),
    ),
    "a placeholder that was not filled": ("placeholder", lambda said: leading(said, remedy="Use {something}.")),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_contradiction_is_found(name: str) -> None:
    kind, change = WRONG[name]
    run, said = sick()
    assert list(contradictions(run, said)) == []
    assert kind in {found for found, _ in contradictions(run, change(said))}


def test_advice_of_another_library_is_found() -> None:
    run, said = sick()
    wrapped = leading(said, remedy="Wrap the environment in Monitor.")
    assert list(contradictions(run, wrapped)) == []
    found = {kind for kind, _ in contradictions(replace(run, framework="rl_games"), wrapped)}
    assert found == {"another library"}


def test_advice_on_a_setting_of_another_algorithm_is_found() -> None:
    run, said = sick()
    clipped = leading(said, remedy="Lower clip_range to 0.1.")
    assert "lacks" not in {kind for kind, _ in contradictions(run, clipped)}
    assert "lacks" in {kind for kind, _ in contradictions(replace(run, algorithm="trpo", record={}), clipped)}


def test_a_condition_never_has_a_percentage() -> None:
    [place] = RUNS.glob("sick/mixed-runs/cartpole-two-runs-in-one-directory-full-100")
    said = diagnose_run(read_run(place))
    assert said.diagnoses[0].condition
    assert list(printed_contradictions(said)) == []
    certain = leading(said, condition=False)
    assert ("condition", "mixed-runs is given as 100 %") in list(printed_contradictions(certain))


def test_a_suspect_run_shows_how_likely_health_is() -> None:
    [place] = RUNS.glob("sick/*/chapter-learning-rate-high-mild-0")
    said = diagnose_run(read_run(place))
    assert said.verdict is Verdict.SUSPECT
    assert said.health is not None
    shown = sum(diagnosis.probability for diagnosis in said.diagnoses if not diagnosis.condition)
    assert 0 < said.health <= 1.001 - shown


def test_slowness_is_a_condition_behind_the_causes() -> None:
    names = []
    for place in sorted(RUNS.glob("sick/*/chapter-*"))[:6]:
        said = diagnose_run(read_run(place))
        conditions = [diagnosis.condition for diagnosis in said.diagnoses]
        assert conditions == sorted(conditions)
        names += [diagnosis.name for diagnosis in said.diagnoses if diagnosis.condition]
    assert set(names) <= {"slow-training", "training-crashed"}


def test_notes_of_a_healthy_run_ask_for_nothing() -> None:
    said = diagnose_run(read_run(RUNS / "healthy/fetch_reach_dense/quick/as-recorded-20"))
    assert said.verdict is Verdict.HEALTHY
    assert {one.severity for one in said.findings} <= {Severity.NOTE}
    assert [one.code for one in said.findings if one.remedy and not one.code.startswith("SPD")] == []
