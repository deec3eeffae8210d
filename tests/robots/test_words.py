"""Reports on runs of other libraries are in their words: no setting, wrapper or callback of Stable-Baselines3."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Run, RunDiagnosis
from rldoctor.rulebook.advice import Advice, library
from tests.diagnosis.strangers import strangers
from tests.robots.stories import STORIES

# sbx is Stable-Baselines3 in JAX.
OF_SB3 = ("sb3", "sbx")
ONLY_SB3 = re.compile(
    r"VecNormalize|VecCheckNan|VecMonitor|\bMonitor\b|make_vec_env|EvalCallback|DoctorCallback|Stable-?Baselines3|\bSB3\b"
    r"|\b(ent_coef|vf_coef|n_epochs|n_steps|clip_range|log_std_init|max_grad_norm)\b"
)
# What these libraries call so too.
THEIRS = {"tianshou": {"ent_coef", "vf_coef", "max_grad_norm", "gae_lambda"}, "rsl_rl": {"max_grad_norm"}}


def texts(subject: RunDiagnosis) -> Iterator[str]:
    yield subject.summary
    for found in subject.findings:
        yield f"{found.message} {found.remedy}"
    for cause in subject.diagnoses:
        yield f"{cause.title} {cause.remedy} {cause.next_test}"
    for item in subject.unjudged:
        yield f"{item.reason} {item.how_to_log}"


def foreign_words(run: Run) -> set[str]:
    said = " ".join(texts(diagnose_run(run)))
    own = library(run.framework).settings.values()
    return {
        found[0]
        for found in ONLY_SB3.finditer(said)
        if found[0] not in THEIRS.get(run.framework, ()) and not any(found[0] in name for name in own)
    }


OTHERS = [s for s in strangers() if s.name.startswith("frameworks/") and s.label["framework"] not in OF_SB3]


@pytest.mark.parametrize("library_name", sorted({s.label["framework"] for s in OTHERS}))
def test_no_report_on_another_library_speaks_of_stable_baselines(library_name: str) -> None:
    told = {s.name: foreign_words(read_run(s.folder)) for s in OTHERS if s.label["framework"] == library_name}
    assert {name: words for name, words in told.items() if words} == {}


def test_no_report_on_a_robot_speaks_of_stable_baselines() -> None:
    told = {name: foreign_words(story(5)) for name, (story, _) in STORIES.items()}
    assert {name: words for name, words in told.items() if words} == {}


@pytest.mark.parametrize(
    ("framework", "suite", "name"),
    [
        ("rsl_rl", "isaac_lab", "agent_cfg.algorithm.learning_rate"),
        ("rsl_rl", "legged_gym", "train_cfg.algorithm.learning_rate"),
        ("rsl_rl", "", "learning_rate"),
        ("rl_games", "isaac_lab", "params.config.learning_rate"),
        ("skrl", "isaac_lab", "agent.learning_rate"),
        ("skrl", "", "learning_rate"),
    ],
)
def test_a_setting_is_called_what_the_files_of_the_library_call_it(framework: str, suite: str, name: str) -> None:
    assert Advice(library(framework, suite)).name("learning_rate") == name


def test_witnesses_are_offered_only_where_they_can_be_heard() -> None:
    """rldoctor makes no simulator of Isaac Lab and reads no model but those of Stable-Baselines3."""
    robot = diagnose_run(next(iter(STORIES.values()))[0](3))
    assert [witness.name for witness in robot.witnesses] == ["logs", "settings"]
    own = next(s for s in strangers() if s.name.startswith("environments/"))
    assert [witness.name for witness in diagnose_run(read_run(own.folder)).witnesses] == [
        "logs",
        "settings",
        "environment",
        "model",
    ]
