"""Commands from end to end on the real environment."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rldoctor import run_directory
from rldoctor.cli.app import run
from rldoctor.references import find_folder

RUN = "runs/fetch_reach_dense/quick/seed-0"


@pytest.fixture
def said(capsys):
    """Return what was printed since the last question, in one line."""

    def said():
        captured = capsys.readouterr()
        return " ".join((captured.out + captured.err).split())

    return said


@pytest.mark.parametrize("settings", ["learning_rate=0,total_steps=512"])
def test_train_evaluate_gate_on_a_policy_that_did_not_learn(place, said, settings):
    assert run(["train", "--reference", "quick", "--set", settings]) == 0
    text = said()
    assert f"{RUN}: finished at 512 steps" in text
    assert f"rldoctor evaluate {RUN}" in text
    assert run(["gate", RUN]) == 3
    assert "no evaluation.json" in said()
    assert run(["evaluate", RUN, "--episodes", "10"]) == 0
    text = said()
    assert "zero action" in text
    assert f"Next: rldoctor gate {RUN}" in text
    assert run(["gate", RUN]) == 1
    text = said()
    for words in (
        "success rate is",
        "must be more than 0.9",
        "final distance is",
        "must be less than 0.02 m",
        "return above the zero-action policy is",
        "must be more than 3: missed by",
    ):
        assert words in text
    easy = "success_rate=-1,return_mean=-99,final_distance_mean=9,return_over_zero_action=-99,return_over_random=-99"
    assert run(["gate", RUN, "--require", easy]) == 0
    record = json.loads((place / RUN / run_directory.RUN_FILE).read_text())
    assert record["recipe"]["overrides"] == {"learning_rate": 0.0, "total_steps": 512}
    assert run(["train", "--reference", "quick", "--set", settings]) == 0
    assert f"{RUN}-2: finished" in said()


def test_a_run_on_another_environment_is_filed_under_that(place, said):
    assert run(["train", "--reference", "cartpole/zoo", "--env", "Acrobot-v1", "--steps", "256"]) == 0
    assert "runs/Acrobot-v1/seed-0: finished" in said()
    assert (place / "runs/Acrobot-v1/seed-0" / run_directory.POLICY_FILE).is_file()
    assert run(["evaluate", "runs/Acrobot-v1/seed-0", "--episodes", "2", "--format", "json"]) == 0


def test_evaluate_in_json_is_what_is_written(trained, capsys):
    assert run(["evaluate", str(trained), "--episodes", "2", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((trained / run_directory.EVALUATION_FILE).read_text())
    assert shown["aggregate"]["n_episodes"] == 2


def test_gate_on_several_runs_takes_the_worst(hand_made, make_by_hand, tmp_path, capsys):
    failing = make_by_hand("failing").measured(success_rate=0.0)
    empty = tmp_path / "empty"
    empty.mkdir()
    passing = str(hand_made.directory)
    for directories, code, verdict in (
        ([passing], 0, "healthy"),
        ([passing, str(failing)], 1, "sick"),
        ([passing, str(empty)], 3, "unjudged"),
        ([str(failing), str(empty)], 1, "sick"),
    ):
        assert run(["gate", *directories, "--format", "json"]) == code
        report = json.loads(capsys.readouterr().out)
        assert (report["exit_code"], report["verdict"]) == (code, verdict)
        assert [subject["path"] for subject in report["subjects"]] == directories


def test_about_names_versions_and_no_host(capsys):
    import socket

    assert run(["about", "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["torch"]
    assert run(["about"]) == 0
    out = capsys.readouterr().out
    assert f"torch                {facts['versions']['torch']}" in out
    assert socket.gethostname() not in out.split()


def checkup(place, *arguments):
    """Run a checkup as a user does, in a process of its own."""
    command = [sys.executable, "-m", "rldoctor", "checkup", *arguments]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=500, check=False)


@pytest.mark.slow
def test_a_checkup_that_fails(tmp_path):
    recipe = find_folder("quick") / "recipe.toml"
    small = recipe.read_text().replace("evaluation_episodes = 100", "evaluation_episodes = 10")
    (tmp_path / "small.toml").write_text(small)
    done = checkup(tmp_path, "--reference", "small.toml", "--set", "total_steps=2048", "--format", "json")
    assert done.returncode == 1, done.stdout + done.stderr
    directory = tmp_path / RUN
    report = json.loads(done.stdout)
    assert report["exit_code"] == 1
    assert report["verdict"] == "sick"
    kinds = {subject["kind"]: subject for subject in report["subjects"]}
    # Suspect where the machine is so busy that the environment counts as slow.
    assert kinds["environment"]["verdict"] in ("healthy", "suspect")
    assert kinds["evaluation"]["verdict"] == "sick"
    assert "2,048 steps of training" in kinds["evaluation"]["summary"]
    assert json.loads((directory / "report.json").read_text()) == report
    evaluation = json.loads((directory / run_directory.EVALUATION_FILE).read_text())
    assert evaluation["aggregate"]["n_episodes"] == 10
    text = " ".join((directory / "report.txt").read_text().split())
    assert "Verdict: SICK" in text
    assert "must be more than 0.9" in text
    assert not list(tmp_path.rglob("*.tmp"))


SICK_REACH = """
import gymnasium, gymnasium_robotics

gymnasium.register_envs(gymnasium_robotics)


class Constant(gymnasium.RewardWrapper):
    def reward(self, reward):
        return 0.0


gymnasium.register("SickReach-v0", lambda **kw: Constant(gymnasium.make("FetchReachDense-v4", **kw)))
"""


@pytest.mark.slow
def test_a_checkup_on_a_broken_environment_ends_with_preflight_and_leaves_nothing(tmp_path):
    (tmp_path / "sick_reach.py").write_text(SICK_REACH)
    # More steps than anybody would wait for: preflight must end the training beside it.
    endless = ("--set", "total_steps=100000000")
    done = checkup(tmp_path, "--set", "env=sick_reach:SickReach-v0", *endless, "--format", "json")
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert [subject["kind"] for subject in report["subjects"]] == ["environment"]
    assert report["verdict"] == "sick"
    assert not [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]


def test_arguments_of_an_environment_need_the_environment(place, said):
    assert run(["diagnose", str(place), "--env-kwargs", "size=3"]) == 2
    assert "--env-kwargs and --max-episode-steps need --env." in said()
