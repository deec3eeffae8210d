"""What the doctor says of trainings with other environments and other libraries (tests/strangers)."""

from __future__ import annotations

import json
import shutil

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Verdict
from tests.diagnosis.strangers import MISSED, Stranger, strangers

# Told apart by their tags; SBX, sb3-contrib and our own small trainings log as Stable-Baselines3 does.
LOGS_AS = {"sbx": "sb3"}


@pytest.mark.parametrize("stranger", strangers(), ids=lambda stranger: stranger.name)
def test_a_stranger_is_told_what_it_has(stranger: Stranger):
    subject = diagnose_run(read_run(stranger.folder))
    said = (subject.verdict, subject.summary, [d.name for d in subject.diagnoses[:3]])
    # A miss that is one no longer loses its excuse.
    assert stranger.holds(subject) is (stranger.name not in MISSED), said
    assert subject.framework == LOGS_AS.get(stranger.label["framework"], stranger.label["framework"])
    assert subject.facts["algorithm"] in ("", stranger.label["algorithm"])
    if stranger.name.startswith("environments/"):
        assert not subject.reference, subject.reference_why


def test_healthy_strangers_are_of_many_kinds():
    well = [stranger for stranger in strangers() if stranger.healthy and stranger.name not in MISSED]
    assert len({s.label["task"] for s in well if s.name.startswith("environments/")}) >= 8
    assert {stranger.label["framework"] for stranger in well} >= {
        "sb3",
        "cleanrl",
        "skrl",
        "tianshou",
        "rllib",
        "rsl_rl",
    }
    assert set(MISSED) <= {stranger.name for stranger in strangers()}


def test_a_framework_that_nobody_knows_is_told_what_is_known(tmp_path):
    (tmp_path / "curves.csv").write_text("step,foo/bar,losses/kl\n" + "".join(f"{i},{i},0.1\n" for i in range(40)))
    subject = diagnose_run(read_run(tmp_path / "curves.csv"))
    assert (subject.verdict, subject.framework) == (Verdict.UNJUDGED, "")
    assert subject.summary == "None of the 2 scalar tags is known: nothing can be judged."
    assert [diagnosis.name for diagnosis in subject.diagnoses] == ["missing-metrics"]
    assert "foo/bar" in subject.unjudged[0].reason and "--framework" in subject.unjudged[0].how_to_log


def test_what_one_library_logs_is_not_judged_as_anothers(tmp_path):
    [place] = [s.folder for s in strangers() if s.name == "frameworks/cleanrl/ppo-cartpole-healthy-1"]
    copy = shutil.copytree(place, tmp_path / "run")
    as_told, as_wanted = read_run(copy), read_run(copy, "sb3")
    assert "approx_kl" in as_told.curves and "approx_kl" not in as_wanted.curves
    assert diagnose_run(as_wanted).verdict is Verdict.UNJUDGED
    assert json.loads((place / "label.json").read_text())["outcome"]["return"] > 200
