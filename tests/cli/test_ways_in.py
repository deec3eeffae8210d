"""Ways in: the agent's skill, help, patterns, completion, and the distribution as a stranger installs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from rldoctor import datafile
from rldoctor.cli.app import run

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "tests" / "runs"
SICK = RUNS / "sick" / "learning-rate-too-high" / "cartpole-learning-rate-high-extreme-100"
GOOD = min((RUNS / "healthy" / "cartpole" / "zoo").iterdir())


def skill():
    return (datafile.folder("checks") / "skill.md").read_text("utf-8")


def test_the_skill_is_printed_and_has_what_agents_look_for(capsys):
    assert run(["skill"]) == 0
    printed = capsys.readouterr().out
    assert printed == skill()
    assert re.match(r"---\nname: [a-z-]+\ndescription: .{20,1000}\n---\n", printed)


@pytest.mark.slow
def test_the_skill_followed_literally(tmp_path, monkeypatch):
    """Every command runs as it stands, and every key that the text sends an agent to is in the report."""
    monkeypatch.chdir(tmp_path)
    values = {"ENV": "CartPole-v1", "RUN": str(SICK), "GOOD": str(GOOD)}
    codes = {}
    for line in re.findall(r"^rldoctor (.*)$", skill(), re.MULTILINE):
        words = [re.sub(r'"\$(\w+)"', lambda name: values[name[1]], word) for word in line.split()]
        codes[words[0]] = run(words)
    assert codes == {"preflight": 0, "diagnose": 1, "explain": 0, "compare": 1, "treat": 0, "gate": 3, "probe": 0}
    reports = {name: json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in
               ("preflight", "diagnosis", "comparison", "plan", "gate")}  # fmt: skip
    cause = reports["diagnosis"]["subjects"][0]["diagnoses"][0]
    assert cause["name"] == "learning-rate-too-high"
    assert {"probability", "remedy", "for", "next_test"} <= set(cause)
    assert {"differs", "name"} <= set(reports["comparison"]["subjects"][0]["setting_pairs"][0])
    assert "partings" in reports["comparison"]["subjects"][0]
    assert {"remedies", "instructions"} <= set(reports["plan"]["subjects"][0]["treatment"])
    assert {"criteria", "findings"} <= set(reports["gate"]["subjects"][0])


def test_help_and_version(capsys):
    assert run(["-V"]) == 0
    assert capsys.readouterr().out.startswith("rldoctor ")
    assert run(["help"]) == 0
    assert "preflight" in capsys.readouterr().out
    assert run(["help", "diagnose"]) == 0
    assert "rldoctor diagnose" in capsys.readouterr().out
    assert run(["help", "faults", "list"]) == 0
    assert run(["help", "nothing"]) == 2


def test_a_glob_that_no_shell_has_expanded(capsys):
    """As on Windows, or quoted."""
    assert run(["diagnose", str(SICK.parent / "cartpole-*-extreme-10*"), "--quiet"]) == 1
    assert "2 sick" in capsys.readouterr().out
    assert run(["diagnose", str(SICK.parent / "nothing-*")]) == 2
    assert "nothing-*" in capsys.readouterr().err


def test_both_names_of_the_command_are_the_same():
    import tomllib

    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert scripts["rldoctor"] == scripts["rldoctor-kit"]


@pytest.mark.slow
def test_completion_of_a_shell():
    env = {**os.environ, "_RLDOCTOR_COMPLETE": "complete_bash", "COMP_WORDS": "rldoctor dia", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", "import sys; sys.argv = ['rldoctor']; from rldoctor.cli.app import main; main()"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["diagnose"], done.stderr


@pytest.mark.slow
def test_the_distributions_work_in_a_clean_environment(tmp_path):
    """The sdist, the wheel that is built from it, and both names of the command where nothing else is installed."""
    build = [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,), (sdist,) = tmp_path.glob("rldoctor_kit-*.whl"), tmp_path.glob("rldoctor_kit-*.tar.gz")
    with zipfile.ZipFile(wheel) as packed, tarfile.open(sdist) as source:
        in_wheel, in_sdist = packed.namelist(), {name.partition("/")[2] for name in source.getnames()}
    assert not [name for name in in_wheel if name.startswith(("tests/", "docs/"))]
    shipped = {"rldoctor": "rldoctor", **{name: f"rldoctor/_shipped/{name}" for name in ("checks", "reference_curves")}}
    for folder, place in shipped.items():
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        missing = {f"{place}/{path.relative_to(ROOT / folder).as_posix()}" for path in files} - set(in_wheel)
        assert not missing
        assert {path.relative_to(ROOT).as_posix() for path in files} <= in_sdist
    venv.create(tmp_path / "clean", with_pip=True)
    folder = tmp_path / "clean" / ("Scripts" if os.name == "nt" else "bin")
    install = [str(folder / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-compile"]
    subprocess.run([*install, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)

    def output(name, *arguments, code=0):
        command = [str(folder / name), *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout

    assert "Commands" in output("rldoctor", "--help")
    for name in ("rldoctor", "rldoctor-kit"):
        assert "learning-rate-too-high" in output(name, "diagnose", str(SICK), "--quiet", code=1)
    rules = output("rldoctor", "rules", "--format", "md", "--isolated")
    assert rules == (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
