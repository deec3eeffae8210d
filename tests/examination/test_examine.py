"""Every witness is heard: what each adds to the logs, and what becomes of one that cannot be heard."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from rldoctor.config import DEFAULTS
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import UsageError
from rldoctor.examination.child import Examiner
from rldoctor.examination.environment import strength_of
from rldoctor.examination.examine import examine, hear, state_environment
from rldoctor.examination.jobs import Examined, baseline
from rldoctor.model import Observation, Severity, Statement, Verdict
from tests.diagnosis.made_up_runs import run as made_up_run
from tests.examination import stacks

examine_module = import_module("rldoctor.examination.examine")
PLACE = stacks.__file__
RUNS = Path(__file__).parents[1] / "runs"
IGNORED = RUNS / "sick/actions-without-effect/fetch_reach_dense-actions-ignored-full-100"
HEALTHY = next((RUNS / "healthy/fetch_reach_dense").glob("*/*"))


def test_a_fault_of_the_environment_leads_to_its_cause_and_names_the_wrapper() -> None:
    (result,) = examine([IGNORED], env=f"{PLACE}:ignored_outside")
    assert result.diagnoses[0].name == "actions-without-effect"
    assert "ENV302" in result.diagnoses[0].evidence_for
    assert "the fault is in Ignored" in result.diagnoses[0].remedy
    # Preflight has been run: nobody is told to run it.
    assert not any("rldoctor preflight" in diagnosis.next_test for diagnosis in result.diagnoses)
    (alone,) = examine([IGNORED])
    assert any("rldoctor preflight" in diagnosis.next_test for diagnosis in alone.diagnoses)
    heard = {witness.name: witness for witness in result.witnesses}
    assert "ENV302" in heard["environment"].said
    assert heard["settings"].examined == "run.json"
    assert heard["model"].command == "rldoctor diagnose RUN --model MODEL.zip"


def test_what_cannot_be_loaded_ahead_is_told_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a thread raises is a traceback on the screen.
    monkeypatch.setattr(examine_module, "_LOOKS_AT_MODELS", "rldoctor.no_such_module")
    examine_module._load_ahead()


@pytest.mark.slow
def test_a_sound_environment_speaks_against_causes_that_live_in_one() -> None:
    (alone,) = examine([IGNORED])
    (heard,) = examine([IGNORED], env=f"{PLACE}:line")
    odds = [
        next((d.probability for d in result.diagnoses if d.name == "actions-without-effect"), 0.0)
        for result in (alone, heard)
    ]
    assert odds[1] < odds[0]


def test_a_run_that_names_no_environment_says_so_where_it_was_to_be_examined() -> None:
    unnamed = RUNS.parent / "strangers" / "environments" / "hopper" / "healthy-0"
    (result,) = examine([unnamed], recorded_env=True)
    (finding,) = [finding for finding in result.findings if finding.code == "ENV101"]
    assert "--env ID does" in finding.message
    (alone,) = examine([unnamed])
    assert result.verdict is alone.verdict
    assert [d.probability for d in result.diagnoses] == [d.probability for d in alone.diagnoses]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("dies", "os._exit(7)", marks=pytest.mark.slow),
        ("raises", "no licence"),
        pytest.param("hangs", "did not return", marks=pytest.mark.slow),
    ],
)
def test_an_environment_that_cannot_be_examined_costs_its_evidence_alone(name: str, why: str) -> None:
    statement = state_environment(f"{PLACE}:{name}", {}, DEFAULTS, seconds=3.0)
    faults = [item for item in statement.observations if item.direction == "fault"]
    assert any(why in item.message for item in faults), [item.message for item in statement.observations]
    assert not [item for item in statement.observations if item.direction == "health"]


@pytest.mark.slow
def test_an_environment_that_cannot_be_made_changes_no_odds() -> None:
    (alone,) = examine([IGNORED])
    (heard,) = examine([IGNORED], env=f"{PLACE}:raises")
    assert [(d.name, d.probability) for d in heard.diagnoses] == [(d.name, d.probability) for d in alone.diagnoses]
    assert "no licence" in " ".join(finding.message for finding in heard.findings)


@pytest.mark.slow
def test_an_environment_may_be_examined_without_a_limit() -> None:
    statement = state_environment(f"{PLACE}:line", {}, DEFAULTS, seconds=float("inf"))
    assert any(item.direction == "health" for item in statement.observations)


@pytest.mark.slow
def test_an_environment_that_does_not_exist_is_a_mistake_of_the_command() -> None:
    with pytest.raises(UsageError, match="NoSuch"):
        state_environment("NoSuch-v0", {}, DEFAULTS, seconds=5.0)


@pytest.mark.slow
def test_a_healthy_run_stays_healthy_beside_a_sound_environment() -> None:
    (result,) = examine([HEALTHY], env=f"{PLACE}:line")
    assert result.verdict == "healthy"


@pytest.mark.slow
def test_a_bonus_that_chance_does_not_reach_makes_no_healthy_run_suspect() -> None:
    run = Path(__file__).parents[1] / "strangers" / "environments" / "mountain-car-continuous" / "healthy-0"
    (result,) = examine([run], env="MountainCarContinuous-v0")
    assert result.verdict == "healthy"
    # It was seen all the same.
    assert any("reward-of-the-action-alone" in witness.said for witness in result.witnesses)


def test_a_note_and_a_weak_observation_are_no_findings() -> None:
    def observed(strength: float, severity: Severity) -> Observation:
        return Observation("environment", "ENV302", "x", strength, "fault", (), "m", severity=severity)

    assert observed(1.0, Severity.NOTE).finding is None
    assert observed(0.4, Severity.ERROR).finding is None
    assert observed(1.0, Severity.WARNING).finding is not None
    assert Statement("model", "model.zip").observations == ()


def test_a_note_counts_half() -> None:
    assert strength_of(Severity.NOTE) == strength_of(Severity.WARNING) / 2 == strength_of(Severity.ERROR) / 2


def test_what_an_environment_certainly_does_wrong_is_said_of_a_run_that_is_too_short_to_judge() -> None:
    short = made_up_run({"episode_return": (0.0, 0.0)}, points=3)
    fault = Observation(
        *("environment", "ENV202", "observation-not-finite", 1.0, "fault", ("non-finite-values",), "NaN in step 3."),
        severity=Severity.ERROR,
    )
    assert diagnose_run(short).verdict == "unjudged"
    told = diagnose_run(short, statements=[Statement("environment", "MyEnv-v0", (fault,))])
    assert (told.verdict, told.diagnoses[0].name) == ("suspect", "non-finite-values")
    weaker = Statement("environment", "MyEnv-v0", (replace(fault, severity=Severity.WARNING),))
    assert diagnose_run(short, statements=[weaker]).verdict == "unjudged"


def test_a_model_that_does_not_exist_is_a_mistake_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        examine([IGNORED], model=tmp_path / "model.zip")


def test_a_damaged_model_is_told_and_counts_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "model.zip"
    file.write_bytes(b"PK\x03\x04 not a zip")
    (told,) = examine([IGNORED], model=file)
    (alone,) = examine([IGNORED])
    assert [(d.name, d.probability) for d in told.diagnoses] == [(d.name, d.probability) for d in alone.diagnoses]
    (finding,) = [found for found in told.findings if found.code == "MDL001"]
    assert "model.zip" in finding.message


@pytest.mark.slow
@pytest.mark.parametrize("name", ["segfault", "hangs_in_c"])
def test_an_environment_may_die_or_hang_below_python(name: str) -> None:
    with Examiner(f"{PLACE}:{name}", {}, DEFAULTS, seconds=2.0, grace=2.0) as examiner:
        statement = hear(examiner)
    (observation,) = statement.observations
    assert observation.name == "environment-not-examined"
    assert not observation.causes


@pytest.mark.parametrize("name", ["pendulum_vec_normalised", "pendulum_rewards_normalised"])
def test_returns_of_normalised_rewards_are_no_baseline(name: str, tmp_path: Path) -> None:
    """Monitor logs raw returns inside VecNormalize, and what NormalizeReward pays changes as a training goes on."""
    file = tmp_path / "own.py"
    file.write_text(
        "import gymnasium\n"
        "from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize\n"
        "def pendulum_vec_normalised() -> VecEnv:\n"
        "    return VecNormalize(DummyVecEnv([lambda: gymnasium.make('Pendulum-v1')]))\n"
        "def pendulum_rewards_normalised() -> gymnasium.Env:\n"
        "    return gymnasium.wrappers.NormalizeReward(gymnasium.make('Pendulum-v1'))\n"
    )
    measured = {"baselines": {"random": {"return_mean": -50.0}}}
    examined = Examined(f"{file}:{name}", {}, DEFAULTS, measured)
    assert baseline(examined, 5.0, Verdict.HEALTHY) is None
    plain = Examined("Pendulum-v1", {}, DEFAULTS, measured)
    assert baseline(plain, 5.0, Verdict.HEALTHY) == -50.0
