"""The functions that a script or a notebook calls, as it would call them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import rldoctor
from rldoctor import Report, Verdict
from rldoctor.errors import CannotJudge, MissingExtra, UsageError

RUNS = Path(__file__).parent / "runs"
SICK = RUNS / "sick" / "learning-rate-too-high"
SICK_RUN = "fetch_reach_dense-learning-rate-high-extreme-100"


def test_diagnose_returns_what_the_command_prints():
    report = rldoctor.diagnose(SICK)
    assert isinstance(report, Report)
    assert report.verdict is Verdict.SICK
    assert report.exit_code == 1
    assert report.subjects[0].diagnoses[0].name == "learning-rate-too-high"
    healthy = rldoctor.diagnose(str(RUNS / "healthy"))
    assert {subject.verdict for subject in healthy.subjects} == {Verdict.HEALTHY}
    assert healthy.exit_code == 0
    assert len(rldoctor.diagnose(SICK, RUNS / "healthy").subjects) > len(healthy.subjects)


def test_diagnose_takes_the_options_of_the_command():
    only = rldoctor.diagnose(SICK, select=["RET"])
    assert {finding.code[:3] for finding in only.subjects[0].findings} <= {"RET", "LOG"}
    with pytest.raises(UsageError):
        rldoctor.diagnose(SICK, select=["XYZ"])
    with pytest.raises(UsageError, match="fail_on='bad'"):
        rldoctor.diagnose(SICK, fail_on="bad")


def test_diagnose_hears_a_model_or_says_why_not(tmp_path):
    (tmp_path / "model.zip").write_bytes(b"no zip")
    told, *_ = rldoctor.diagnose(SICK, model=tmp_path / "model.zip").subjects
    assert any("model.zip" in finding.message for finding in told.findings if finding.code == "MDL001")
    with pytest.raises(UsageError, match="no file"):
        rldoctor.diagnose(SICK, model=tmp_path / "none.zip")


def test_no_run_is_an_error_and_not_health(tmp_path):
    with pytest.raises(CannotJudge, match="no run below"):
        rldoctor.diagnose(tmp_path)


def test_gate(make_by_hand):
    good, bad = make_by_hand("runs/good").directory, make_by_hand("runs/bad").measured(success_rate=0.5)
    assert rldoctor.gate(good).exit_code == 0
    assert rldoctor.gate(str(bad)).exit_code == 1
    assert rldoctor.gate(bad, require={"success_rate": 0.4}).exit_code == 0
    assert rldoctor.gate(bad, require=["success_rate=0.4"]).exit_code == 0
    assert rldoctor.gate(bad, require={"success_rate": "warn"}).verdict is Verdict.SUSPECT
    assert rldoctor.gate(bad, require={"success_rate": "warn"}, fail_on="suspect").exit_code == 1
    assert rldoctor.gate(good.parent, aggregate="mean").exit_code == 1
    assert rldoctor.gate(good.parent, aggregate="mean", require={"success_rate": 0.7}).exit_code == 0
    # Hand-made evaluations hold no episodes to compare.
    assert rldoctor.gate(good, baseline=bad).exit_code == rldoctor.gate(good, baseline=[bad]).exit_code == 3
    with pytest.raises(UsageError, match="aggregate='median'"):
        rldoctor.gate(good, aggregate="median")
    with pytest.raises(UsageError, match="margin"):
        rldoctor.gate(good, margin=2)


class Room(gymnasium.Env):
    """A sound little environment of the user's own."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        self.steps = 0
        return self.place.copy(), {}

    def step(self, action):
        self.place = np.clip(self.place + 0.1 * action, -1, 1).astype(np.float32)
        self.steps += 1
        return self.place.copy(), -float(np.linalg.norm(self.place)), False, self.steps >= 25, {}


@pytest.mark.slow
def test_preflight_takes_an_id_or_a_function():
    by_id = rldoctor.preflight("CartPole-v1", select=["ENV101", "ENV102"])
    assert by_id.verdict is Verdict.HEALTHY
    assert len(by_id.subjects[0].checks) == 2
    for make in (Room, lambda: Room()):
        report = rldoctor.preflight(make, select=["ENV"], budget=300)
        assert report.verdict is Verdict.HEALTHY, report.subjects[0].findings
        assert report.subjects[0].path.startswith("rldoctor/")


def test_preflight_finds_what_is_wrong_with_an_environment_of_ones_own():
    class Broken(Room):
        def step(self, action):
            observation, _, *rest = super().step(action)
            return observation, float("nan"), *rest

    assert rldoctor.preflight(Broken, select=["ENV"], budget=300).exit_code == 1


def test_preflight_says_what_it_can_take():
    with pytest.raises(UsageError, match="function that makes one"):
        rldoctor.preflight(Room())
    with pytest.raises(UsageError, match="neither an id nor a function"):
        rldoctor.preflight(3)
    with pytest.raises(UsageError, match="no reference is given"):
        rldoctor.preflight("CartPole-v1", settings={"gamma": 0.9})
    with pytest.raises(UsageError, match="'gama'"):
        rldoctor.preflight("CartPole-v1", reference="quick", settings={"gama": 0.9})


def test_preflight_names_the_package_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(MissingExtra, match="gymnasium"):
        rldoctor.preflight("CartPole-v1")


def test_a_notebook_shows_a_report():
    report = rldoctor.diagnose(SICK)
    html = report._repr_html_()
    assert "learning rate is too high" in html
    assert "UPD" in html
    assert "<script" not in html
    not_healthy = [subject for subject in report.subjects if subject.verdict is not rldoctor.Verdict.HEALTHY]
    assert html.count("<details open") == len(not_healthy) > 1
    quiet = rldoctor.diagnose(RUNS / "healthy")._repr_html_()
    assert "<details open" not in quiet


def test_a_notebook_takes_names_literally(make_by_hand):
    evil = make_by_hand("<img src=x onerror=alert(1)>").measured(success_rate=0.1)
    html = rldoctor.gate(evil)._repr_html_()
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_reports_render_in_every_format(capsys):
    report = rldoctor.diagnose(SICK)
    assert '"rldoctor_report": 1' in report.render("json")
    assert "learning rate" in report.render("md")
    assert report.render() is None
    assert "SICK" in capsys.readouterr().out
    with pytest.raises(UsageError):
        report.render("pdf")


def test_print_says_it_in_a_few_lines():
    text = str(rldoctor.diagnose(RUNS / "healthy"))
    assert text.startswith("rldoctor diagnose: healthy (")
    assert len(text.splitlines()) <= 22
    one = str(rldoctor.diagnose(SICK / SICK_RUN)).splitlines()
    assert len(one) == 2
    assert one[1].startswith("sick  ")
    assert "The learning rate is too high (" in one[1]


def test_several_runs_may_come_in_a_list(make_by_hand):
    runs = [SICK / SICK_RUN, RUNS / "healthy/cartpole/zoo/as-recorded-20"]
    assert rldoctor.diagnose(runs).subjects == rldoctor.diagnose(*runs).subjects
    with pytest.raises(UsageError, match="3 is not a path"):
        rldoctor.diagnose(3)
    good, bad = make_by_hand("runs/good").directory, make_by_hand("runs/bad").measured(success_rate=0.5)
    assert len(rldoctor.gate([good, bad]).subjects) == 2


def test_a_report_as_a_table():
    report = rldoctor.diagnose(SICK / SICK_RUN, RUNS / "healthy/cartpole/zoo/as-recorded-20")
    frame = report.to_frame()
    assert frame["verdict"].tolist() == ["sick", "healthy"]
    assert frame["cause"].tolist() == ["learning-rate-too-high", "healthy"]
    assert frame["probability"].tolist() == [subject.diagnoses[0].probability for subject in report.subjects]
    assert frame["env"].tolist() == ["FetchReachDense-v4", "CartPole-v1"]
    assert (frame["final_return"] < [0, 1000]).all()
    remarks = report.to_frame("remarks")
    assert set(remarks["subject"]) == set(frame["path"])
    assert "UPD101" in set(remarks["rule"])
    assert report.to_frame("settings").empty
    with pytest.raises(UsageError, match="Did you mean subjects"):
        report.to_frame("subject")


def test_the_curves_of_many_runs_as_one_table(tmp_path):
    frame = rldoctor.read_runs([SICK / SICK_RUN], RUNS / "healthy/cartpole/zoo")
    assert list(frame.columns) == ["run", "framework", "metric", "tag", "step", "value"]
    assert str(SICK / SICK_RUN) in set(frame["run"])
    last = frame[frame["metric"] == "episode_return"].groupby("run", observed=True)["value"].last()
    report = rldoctor.diagnose(SICK / SICK_RUN, RUNS / "healthy/cartpole/zoo")
    assert {run.path: run.final_return for run in report.subjects} == last.to_dict()
    with pytest.raises(CannotJudge, match="no run below"):
        rldoctor.read_runs(tmp_path)


def test_the_older_names_of_options_are_known():
    named = rldoctor.diagnose(SICK / SICK_RUN, names="sb3", floor=-9.0)
    assert named.subjects == rldoctor.diagnose(SICK / SICK_RUN, framework="sb3", baseline_return=-9.0).subjects


SCRIPT = """
import sys
import rldoctor
report = rldoctor.diagnose({runs!r})
print(report.verdict, len(report.subjects), sorted(set(sys.modules) & {{"torch", "gymnasium", "stable_baselines3"}}))
import rldoctor.diagnosis, rldoctor.gate, rldoctor.preflight
assert all(callable(getattr(rldoctor, name)) for name in ("diagnose", "gate", "preflight", "DoctorCallback"))
assert not hasattr(rldoctor, "nonsense")
assert set(rldoctor.__all__) <= set(dir(rldoctor))
assert "pandas" not in sys.modules
sys.exit(report.exit_code)
"""


def test_a_script_of_ones_own():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(runs=str(SICK))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("sick ")
    assert done.stdout.rstrip().endswith("[]")


TYPED = """
import rldoctor
report: rldoctor.Report = rldoctor.diagnose("runs", fail_on="suspect")
code: int = rldoctor.gate("runs", require={"success_rate": 0.9}, aggregate="iqm").exit_code
rldoctor.preflight("CartPole-v1").subjects[0].verdict is rldoctor.Verdict.HEALTHY
rldoctor.gate("runs", aggregate="median")
"""


@pytest.mark.slow
def test_the_functions_are_typed_for_those_who_call_them(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(TYPED)
    # What mypy has kept of the project serves here too.
    command = [sys.executable, "-m", "mypy", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if "script.py" in line]
    assert len(lines) == 1, done.stdout
    assert 'script.py:6: error: Argument "aggregate" to "gate"' in lines[0]
