"""action.yml and the examples for CI systems: valid by the systems' own schemas, and run as the systems would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
RUNS = ROOT / "tests" / "runs"
# The rldoctor that these tests test, for scripts that call it by name.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def load(name):
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", "docs/ci/github-workflow.yml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.gitlab-ci", "docs/ci/gitlab-ci.yml"),
    ],
)
def test_the_systems_own_schemas_accept_it(schema, file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_gives_the_action_inputs_that_it_has():
    inputs = load("action.yml")["inputs"]
    jobs = load("docs/ci/github-workflow.yml")["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"] if "rldoctor" in step["uses"]]
    assert len(steps) == 3
    assert all(set(step["with"]) <= set(inputs) for step in steps)


def test_no_input_becomes_text_of_a_script():
    for step in load("action.yml")["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


@pytest.fixture
def act(tmp_path):
    """Run the action's step that examines, with the variables and files that GitHub gives it."""
    (step,) = [step for step in load("action.yml")["runs"]["steps"] if step.get("id") == "examine"]

    def act(**inputs):
        names = {"COMMAND": "command", "RUNS": "runs", "ARGUMENTS": "arguments"}
        given = {name: str(load("action.yml")["inputs"][key]["default"]) for name, key in names.items()}
        output, summary = tmp_path / "output", tmp_path / "summary"
        for file in (output, summary):
            file.write_text("")
        env = {**os.environ, **given, **inputs, "PATH": PATH, "RUNNER_TEMP": str(tmp_path)}
        env |= {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        # As GitHub does for "shell: bash".
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done, dict(line.split("=", 1) for line in output.read_text().splitlines()), summary.read_text()

    return act


def test_the_action_fails_on_a_sick_run(act):
    sick = RUNS / "sick" / "learning-rate-too-high"
    done, outputs, summary = act(COMMAND="diagnose", RUNS=f"{sick}\n")
    assert done.returncode == 1, done.stderr
    assert (outputs["verdict"], outputs["exit-code"]) == ("sick", "1")
    assert "::error title=learning-rate-too-high" in done.stdout
    assert "learning rate is too high" in summary
    report = Path(outputs["report"])
    assert json.loads((report / "report.json").read_text())["verdict"] == "sick"
    assert "<html" in (report / "report.html").read_text()


@pytest.mark.slow
def test_the_action_passes_on_healthy_runs_and_takes_arguments(act):
    done, outputs, _ = act(COMMAND="diagnose", RUNS=f"{RUNS / 'healthy'}", ARGUMENTS="--fail-on=suspect\n\n--verbose\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outputs["verdict"] == "healthy"


@pytest.mark.slow
def test_the_action_never_passes_on_nothing(act, tmp_path):
    (tmp_path / "empty").mkdir()
    done, outputs, _ = act(COMMAND="gate", RUNS="empty")
    assert done.returncode == 3
    assert outputs["verdict"] == "unjudged"
    done, outputs, _ = act(COMMAND="diagnose", RUNS="nowhere")
    assert done.returncode == 2
    assert outputs["verdict"] == "unjudged"


@pytest.mark.slow
def test_the_action_takes_names_literally(act, tmp_path):
    evil = tmp_path / "$(touch owned); --help"
    shutil.copytree(RUNS / "sick" / "learning-rate-too-high", evil)
    done, outputs, _ = act(COMMAND="diagnose", RUNS=evil.name)
    assert outputs["verdict"] == "sick", done.stderr
    assert not (tmp_path / "owned").exists()
    done, outputs, _ = act(COMMAND="diagnose; touch owned", RUNS="x")
    assert done.returncode == 2
    assert not (tmp_path / "owned").exists()


@pytest.mark.slow
def test_the_script_for_any_system(tmp_path):
    script = [
        str(ROOT / "docs" / "ci" / "any-ci.sh"),
        str(RUNS / "sick" / "learning-rate-too-high"),
        str(tmp_path / "r"),
    ]
    done = subprocess.run(script, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "SICK" in done.stdout
    assert {file.name for file in (tmp_path / "r").iterdir()} == {
        *("report.json", "report.xml", "report.sarif", "report.md", "report.html", "report.csv"),
    }  # fmt: skip


@pytest.mark.slow
def test_gitlabs_script(tmp_path):
    shutil.copytree(RUNS / "sick" / "learning-rate-too-high", tmp_path / "runs")
    job = load("docs/ci/gitlab-ci.yml")["rldoctor"]
    # All but getting and installing what is installed already.
    script = "\n".join(line for line in job["script"] if not line.startswith(("git", "python -m pip")))
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    for file in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]):
        assert (tmp_path / file).is_file()


@pytest.mark.slow
def test_the_example_for_a_test_suite(tmp_path, make_by_hand):
    run = make_by_hand("project/runs/seed-0").directory
    for file in next((RUNS / "healthy").rglob("events.out.tfevents.*")).parent.iterdir():
        if file.name != "run.json":
            shutil.copy(file, run)
    project = tmp_path / "project"
    shutil.copy(ROOT / "docs" / "ci" / "test_training.py", project)

    def play():
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly"]
        return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    done = play()
    assert "2 passed" in done.stdout, done.stdout
    make_by_hand("project/runs/seed-1").measured(success_rate=0.1, return_mean=-20)
    done = play()
    assert done.returncode == 1
    assert "success rate" in done.stdout


def test_the_dockerfile_copies_what_the_wheel_is_built_from():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY (.*) /src/\S*$", text, re.MULTILINE) for word in line.split()}
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {*project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"], project["project"]["readme"]}
    assert needed | {*project["project"]["license-files"], "pyproject.toml", "constraints.txt"} == copied
