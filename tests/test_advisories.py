"""Known defects of versions: they fire where they matter, and nowhere else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gymnasium
import pytest

import rldoctor
from benchmarks.advisories import PROBES
from rldoctor import advisories, datafile
from rldoctor.advisories import Advisory, Subject, find_advisories, shipped_advisories
from rldoctor.environments import registry
from rldoctor.errors import UsageError
from rldoctor.model import Severity
from rldoctor.preflight.checks.machine.package_versions import subject_of
from rldoctor.preflight.context import PreflightContext

FETCH = Subject("FetchReachDense-v4", ["gymnasium_robotics.envs.fetch.reach"], "mujoco")
CARTPOLE = Subject("CartPole-v1", ["gymnasium.envs.classic_control.cartpole"])
CUBE = Subject("dm_control/cartpole-balance-v0", ["shimmy.dm_control_compatibility"], "mujoco")
TOO_NEW = {"mujoco": "4.0.1", "gymnasium-robotics": "1.4.2"}
GOOD = {
    "name": "n",
    "packages": {"a": ">=1"},
    "severity": "note",
    "applies": {"frameworks": ["sb3"]},
    "wrong": "w",
    "cure": "c",
    "source": "s",
    "verified": "v",
    "fires": [{"a": "1"}],
    "silent": [{"a": "0.9"}],
}


def found(versions, subject):
    return list(find_advisories(versions.get, subject))


@pytest.mark.parametrize("advisory", shipped_advisories(), ids=lambda advisory: advisory.name)
def test_every_advisory_fits_its_own_versions_and_no_others(advisory):
    for versions in advisory.fires:
        assert advisory.fits(versions.get), versions
    for versions in advisory.silent:
        assert not advisory.fits(versions.get), versions
    assert advisory.verified.partition(":")[0] in ("measured", "installed", "read")


def test_every_probe_measures_an_advisory():
    measured = {one.name for one in shipped_advisories() if one.verified.startswith("measured")}
    assert measured >= set(PROBES)


def test_names_are_unique():
    names = [advisory.name for advisory in shipped_advisories()]
    assert len(set(names)) == len(names) >= 20


@pytest.mark.parametrize("mujoco", ["3.12", "3.12.0", "3.13.1", "3.17", "4.0.1", "4.0.1rc1"])
def test_mujoco_too_new_is_named_with_both_versions_and_the_cure(mujoco):
    (finding,) = found({"mujoco": mujoco, "gymnasium-robotics": "1.4.2"}, FETCH)
    assert finding.severity is Severity.ERROR
    assert finding.name == "versions-broken-together"
    assert f"mujoco {mujoco}" in finding.message
    assert "gymnasium-robotics 1.4.2" in finding.message
    assert "python -m pip install 'mujoco<3.12'" in finding.remedy
    assert "mujoco-core mujoco-studio" in finding.remedy


@pytest.mark.parametrize("mujoco", ["3.3.7", "3.6", "3.10.0", "3.11.0", None, "not a version"])
def test_mujoco_that_works_or_is_missing_is_silent(mujoco):
    assert found({"mujoco": mujoco, "gymnasium-robotics": "1.4.2"}, FETCH) == []


def test_environments_that_do_not_use_them_get_a_note_without_advice():
    (finding,) = found(TOO_NEW, CARTPOLE)
    assert (finding.severity, finding.remedy) == (Severity.NOTE, "")


def test_dm_control_is_not_advised_an_older_mujoco():
    installed = {**TOO_NEW, "mujoco": "3.17.0", "dm-control": "1.0.50"}
    assert all("3.12" not in finding.remedy for finding in found(installed, CUBE))
    (finding,) = [one for one in found(installed, FETCH) if one.severity is Severity.ERROR]
    assert "separate virtual environment" in finding.remedy


def test_a_defect_of_the_simulator_matters_where_it_is_used():
    (finding,) = found({"mujoco": "4.0.0"}, FETCH)
    assert finding.name == "version-advisory"
    assert "wrong accelerations" in finding.message
    assert found({"mujoco": "4.0.0"}, CARTPOLE) == []
    assert [one.severity for one in found({"mujoco": "4.0.0"}, Subject("Ant-v5", metrics=()))] == [Severity.WARNING]


def test_an_environment_shows_its_wrappers_bases_and_simulator():
    class Mine(gymnasium.Env):
        model = None

    made = gymnasium.wrappers.NormalizeReward(registry.make("CartPole-v1"))
    context = PreflightContext("CartPole-v1")
    context.env = made
    subject = subject_of(context)
    made.close()
    assert {"NormalizeReward", "TimeLimit"} <= set(subject.wrappers)
    assert "gymnasium.envs.classic_control.cartpole" in subject.modules
    assert subject.simulator == ""
    (finding,) = found({"gymnasium": "1.4.0"}, subject)
    assert finding.evidence["advisory"] == "normalize-reward-goes-on-after-truncation"
    assert found({"gymnasium": "1.4.0"}, CARTPOLE) == []


def test_gymnax_is_named_where_its_wrapper_for_gymnasium_is_used():
    wrapped = Subject("", ["gymnax.wrappers.gym"])
    (finding,) = found({"gymnax": "1.0.1"}, wrapped)
    assert "final_observation" in finding.remedy
    assert found({"gymnax": "1.0.1"}, CARTPOLE) == []


def test_robosuite_is_named_where_it_is_used_and_by_what_it_breaks_with():
    wrapped = Subject("", ["robosuite.wrappers.gym_wrapper"], "mujoco")

    def names(mujoco, subject):
        return [one.evidence["advisory"] for one in found({"robosuite": "1.5.2", "mujoco": mujoco}, subject)]

    assert names("3.9.0", wrapped) == ["robosuite-horizon-is-a-termination"]
    assert names("3.10.0", wrapped) == ["mujoco-too-new-for-robosuite", "robosuite-horizon-is-a-termination"]
    assert names("3.9.0", CARTPOLE) == []


def test_defects_of_training_libraries_matter_for_their_own_logs():
    versions = {"agilerl": "2.58.0", "torchrl": "0.14.1"}

    def names(**what):
        return [one.evidence["advisory"] for one in found(versions, Subject(metrics=(), **what))]

    assert names(framework="agilerl", algorithm="ppo") == ["agilerl-ppo-cuts-returns-early"]
    assert names(framework="torchrl", algorithm="sac") == ["vecnorm-learns-in-eval-mode"]
    assert names(framework="agilerl", algorithm="dqn") == names(framework="sb3", algorithm="ppo") == []


def test_only_the_sparse_ant_maze_never_rewards():
    versions = {"gymnasium-robotics": "1.4.2"}
    names = [one.evidence["advisory"] for one in found(versions, Subject("AntMaze_UMaze-v3"))]
    assert names == ["ant-maze-v3-never-rewards"]
    assert found(versions, Subject("AntMaze_UMazeDense-v3")) == []


def test_a_folder_counts_for_an_environment_and_not_for_a_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found({"mlflow": "3.17.2"}, CARTPOLE) == []
    (tmp_path / "mlruns").mkdir()
    assert [one.evidence["advisory"] for one in found({"mlflow": "3.17.2"}, CARTPOLE)] == ["mlflow-refuses-folders"]
    assert found({"mlflow": "3.17.2"}, Subject(framework="sb3", metrics=())) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"packages": {"a": "newest"}}, "packages = {'a': 'newest'} must be version specifiers"),
        ({"packages": {}}, "packages = {}"),
        ({"wrong": 3}, "wrong = 3"),
        ({"cures": ""}, "unknown key 'cures'"),
        ({"applies": {}}, "applies must say where it matters"),
        ({"applies": {"env": "x"}}, "unknown key 'applies.env'"),
    ],
)
def test_advisories_are_refused_by_file_and_key(changed, words):
    assert datafile.check(GOOD, Advisory, "advisories.toml").name == "n"
    with pytest.raises(UsageError) as refused:
        datafile.check({**GOOD, **changed}, Advisory, "advisories.toml")
    assert words in str(refused.value)


@pytest.fixture
def cleanrl_run(tmp_path):
    return Path(shutil.copytree("tests/logs/data/wandb/direct", tmp_path / "run"))


def advised(folder):
    (subject,) = rldoctor.diagnose(folder).subjects
    return {one.evidence["advisory"]: one for one in subject.findings if one.code == advisories.CODE}


def test_a_diagnosis_reads_the_versions_of_weights_and_biases(cleanrl_run):
    assert advised(cleanrl_run) == {}
    (cleanrl_run / "files").mkdir()
    (cleanrl_run / "files/requirements.txt").write_text(
        "Gymnasium==1.2.3\n-e git+x\nnumpy==2.1.0 ; python_version>'3'\n"
    )
    found = advised(cleanrl_run)
    assert set(found) == {"episode-statistics-lose-the-first-reward", "vector-normalize-reward-counts-resets"}
    assert all(one.severity is Severity.NOTE for one in found.values())
    (cleanrl_run / "files/requirements.txt").write_text("gymnasium==1.4.0\n")
    assert advised(cleanrl_run) == {}


def test_a_diagnosis_reads_the_versions_of_run_json(tmp_path):
    run = Path(shutil.copytree(next(Path("tests/runs/healthy").rglob("run.json")).parent, tmp_path / "run"))
    record = json.loads((run / "run.json").read_text())
    record["recipe"]["env"], record["versions"] = "Ant-v5", {"mujoco": "4.0.0"}
    (run / "run.json").write_text(json.dumps(record))
    assert set(advised(run)) == {"mujoco-4.0.0-wrong-accelerations"}
    record["versions"] = {"mujoco": "3.11.0"}
    (run / "run.json").write_text(json.dumps(record))
    assert advised(run) == {}


def test_a_configuration_can_ignore_it(cleanrl_run, tmp_path):
    (cleanrl_run / "files").mkdir()
    (cleanrl_run / "files/requirements.txt").write_text("gymnasium==1.2.3\n")
    (tmp_path / "rldoctor.toml").write_text('[ignore]\nSYS101 = "known"\n')
    (subject,) = rldoctor.diagnose(cleanrl_run, config=tmp_path / "rldoctor.toml").subjects
    assert not [one for one in subject.findings if one.code == advisories.CODE]
