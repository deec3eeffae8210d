"""What a user does wrong: one clear sentence, the right exit code, nothing written, no traceback."""

from __future__ import annotations

import importlib.util
import json
import os
from importlib import import_module

import pytest

from rldoctor.cli.app import COMMANDS, run
from rldoctor.cli.options import pairs, words

# arguments, what the sentence must hold
WRONG = [
    (["train", "--env", "FetchReachDens-v4"], "FetchReachDense-v4"),
    (["train", "--env", "no_such_module:Reach-v0"], "There is no module 'no_such_module'"),
    (["train", "--env", ""], "--env must not be empty"),
    (["train", "--reference", "quik"], "no reference called 'quik'"),
    (["train", "--steps", "-5"], "--steps '-5' must be at least 1."),
    (["train", "--steps", "0"], "--steps '0' must be at least 1."),
    (["train", "--steps", "many"], "--steps 'many' must be a whole number."),
    (["train", "--set", "learning_rate=fast"], "learning_rate = 'fast' must be a number."),
    (["train", "--set", "learnin_rate=1"], "Did you mean learning_rate"),
    (["train", "--set", "learning_rate"], "has no '='"),
    (["train", "--set", "batch_size=1000000"], "larger than one rollout"),
    (["train", "--seed", "-1"], "--seed '-1' must be at least 0."),
    (["train", "--runs", "file"], "is a file"),
    (["train", "--out", "file"], "is a file"),
    (["train", "--runs", "file/deeper"], "is a file"),
    (["train", "--resume", "nowhere"], "no file or directory nowhere"),
    (["train", "--resume", "file"], "file is a file"),
    (["train", "--resume", "folder", "--steps", "5"], "total_steps=5 would change"),
    (["train", "--resume", "folder", "--set", "gamma=0.5"], "gamma=0.5 would change"),
    (["train", "--resume", "folder", "--env", "CartPole-v1"], "env=CartPole-v1 would change"),
    (["train", "--resume", "folder", "--engine", "envpool"], "Leave --engine out"),
    (["train", "--engine", "steam"], "--engine 'steam' is not one of 'gymnasium', 'envpool'."),
    (["train", "--engine", "envpool", "--env", "CartPole-v1"], "no environment that is known to match CartPole-v1."),
    (
        ["checkup", "--engine", "envpool", "--set", "env=CartPole-v1"],
        "no environment that is known to match CartPole-v1.",
    ),
    (["evaluate", "nowhere"], "no file or directory nowhere"),
    (["evaluate", "file"], "file is a file"),
    (["evaluate", "folder", "--episodes", "0"], "--episodes '0' must be at least 1."),
    (["gate", "nowhere"], "no file or directory nowhere"),
    (["gate", "file"], "file is a file"),
    (["gate", "a" * 5000], "File name too long"),
    (["gate", "folder", "--reference", "quik"], "no reference called 'quik'"),
    (["gate", "folder", "--format", "xml"], "'xml'"),
    (["gate"], "Missing argument"),
    (["gate", "--frob"], "No such option: --frob."),
    (["gate", "--fromat", "json"], "Did you mean --format?"),
    (["gate", "folder", "--margin", "3"], "--margin '3' must be at most 1."),
    (["gate", "folder", "-o", "folder"], "--output 'folder' is a directory: name a file for the report."),
    (["gate", "folder", "--baseline"], "See: rldoctor gate --help"),
    (["rules", "extra"], "Unexpected argument: extra."),
    (["diagnose", "folder", "--env", ""], "--env must not be empty."),
    (["diagnose", "folder", "--fail-on", "never"], "--fail-on 'never' is not one of 'sick', 'suspect'."),
    (["checkup", "--set", "total_steps=0"], "must be a whole number of at least 1."),
    (["checkup", "--set", "env=FetchReachDens-v4"], "FetchReachDense-v4"),
    (["checkup", "--reference", "quik"], "no reference called 'quik'"),
    (["checkup", "--require", "succes_rate=0.5"], "Did you mean success_rate"),
    (["preflight", "--env", "FetchReachDens-v4"], "FetchReachDense-v4"),
    (["preflight", "--select", "ENV999"], "ENV999"),
    (["record", "quik"], "no reference called 'quik'"),
    (["record", "quick", "--seeds", "few"], "--seeds 'few' is not a list of whole numbers."),
    (["explain", "no-such-thing-at-all"], "Nothing is called"),
    (["explain", "val116x"], "Did you mean VAL116"),
    (["frobnicate"], "No such command 'frobnicate'."),
    (["diagnos"], "Did you mean 'diagnose'?"),
]
IDS = [" ".join(arguments)[:60] for arguments, _ in WRONG]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with one file and one empty folder, which must look the same afterwards."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    yield tmp_path
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=IDS)
def test_one_clear_sentence(place, capsys, arguments, said):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert "bug in rldoctor" not in err
    assert "Value error" not in err and "Input should" not in err
    problem, *cure = err.strip().splitlines()
    assert problem.startswith("error: ")
    assert problem.endswith(".") and problem.count(". ") == 0
    assert "See: rldoctor" in err or "pytest" not in err
    assert [line.startswith("  fix: ") for line in cure] in ([], [True])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        row
        for row in WRONG
        if row[0][0] in ("gate", "checkup", "preflight") and not {"xml", "-o", "--baseline"} & {*row[0]}
    ],
)
def test_the_same_in_json(place, capsys, arguments, said):
    assert run([*arguments, "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert err == ""
    report = json.loads(out)
    assert report["rldoctor_report"] == 1
    assert report["command"] == arguments[0]
    assert report["exit_code"] == 2
    assert report["verdict"] == "unjudged"
    assert report["subjects"] == []
    assert report["error"]["kind"].endswith("Error")
    assert said in report["error"]["problem"] + report["error"]["cure"]


def test_json_can_be_asked_for_in_one_word(place, capsys):
    assert run(["gate", "nowhere", "--format=json"]) == 2
    assert json.loads(capsys.readouterr().out)["exit_code"] == 2


def test_no_data_is_exit_3_and_never_green(place, capsys):
    assert run(["gate", "folder"]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "has no run.json" in out
    assert "Name a run of rldoctor train: other runs have none." in out
    assert "rldoctor evaluate" not in out
    assert run(["evaluate", "folder"]) == 3
    assert "has no run.json" in capsys.readouterr().err
    assert run(["train", "--resume", "folder"]) == 3
    assert "has no run.json" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_run_directory_that_may_not_be_read(place, capsys):
    (place / "folder").chmod(0o000)
    for command in (["gate", "folder"], ["evaluate", "folder"], ["train", "--resume", "folder"]):
        assert run(command) == 2
        assert "cannot be read" in capsys.readouterr().err
    (place / "folder").chmod(0o700)


def test_a_defect_says_that_it_is_one(place, capsys, monkeypatch):
    def crash(*arguments, **options):
        raise ZeroDivisionError("by\x1b[31m zero")

    monkeypatch.setattr(import_module("rldoctor.gate"), "judge_runs", crash)
    assert run(["gate", "folder"]) == 4
    err = capsys.readouterr().err
    assert "rldoctor itself failed with ZeroDivisionError: by" in err
    assert "bug in rldoctor" in err
    assert "\x1b" not in err
    assert run(["gate", "folder", "--format", "json"]) == 4
    report = json.loads(capsys.readouterr().out)
    assert (report["exit_code"], report["verdict"]) == (4, "unjudged")
    monkeypatch.setenv("RLDOCTOR_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run(["gate", "folder"])


def test_ctrl_c_is_130(place, monkeypatch):
    def press(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("rldoctor.gate"), "judge_runs", press)
    assert run(["gate", "folder"]) == 130


@pytest.mark.parametrize("package", ["torch", "gymnasium", "stable_baselines3", "mujoco"])
@pytest.mark.parametrize(
    "arguments",
    [["train"], ["evaluate", "folder"], ["checkup"], ["preflight"], ["record", "quick"]],
    ids=lambda a: a[0],
)
def test_without_the_training_packages(place, capsys, monkeypatch, package, arguments):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == package else find(name, *rest))
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert f"rldoctor {arguments[0]} needs the package {package}, which is not installed" in err
    assert "pip install" in err
    assert "[train]" in err


def test_what_needs_no_training_packages_works_without(place, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None)
    assert run(["gate", "folder"]) == 3
    assert run(["rules"]) == 0
    assert run(["about"]) == 0


def test_no_command_shows_the_help(capsys):
    assert run([]) == 2
    out, err = capsys.readouterr()
    assert all(word in out for word in COMMANDS)
    assert err == ""


def test_a_pair_may_hold_a_list():
    assert pairs(["net_arch=[64,64]"]) == ("net_arch=[64,64]",)
    assert pairs(["net_arch=64,64, gamma=0.9", "n_steps = 5"]) == ("net_arch=64,64", "gamma=0.9", "n_steps = 5")
    assert pairs(None) == pairs([""]) == ()
    assert words(["ENV,SYS101", " UPD "]) == ("ENV", "SYS101", "UPD")
