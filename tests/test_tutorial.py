"""The tutorial and the guides, typed as they stand: all of it takes minutes, the steps that train nothing a moment."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rldoctor import run_directory
from tests.commands import command_line

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
RUN = "runs/fetch_reach_dense/smoke/seed-0"


def blocks(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def typed(tmp_path):
    """Type commands into one shell, which ends at the first command that fails."""

    def typed(*commands):
        script = "\n".join(commands)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=tmp_path, env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return typed


@pytest.mark.slow
def test_an_environment_and_a_model_of_ones_own(typed, tmp_path):
    page = (DOCS / "how-to/own-environment.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"`([a-z_]+\.py)`:\n\n```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    assert list(files) == ["my_env.py", "train.py"]
    for name, source in files.items():
        (tmp_path / name).write_text(source)
    commands = blocks("how-to/own-environment.md")
    assert all(f"rldoctor {word}" in str(commands) for word in ("preflight", "diagnose", "evaluate", "gate", "audit"))
    done = typed(*commands)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    # Nothing is wrong with any of it, and every command says so.
    for line in ("preflight, exit code 0", "diagnose, exit code 0", "audit, exit code 0"):
        assert f"Verdict: HEALTHY   rldoctor {line}" in done.stdout
    assert done.stdout.count("Verdict: PASSED") == 3
    assert "Traceback" not in done.stderr
    assert "Adroit" not in done.stderr
    in_python = re.findall(r"^```python\n(import rldoctor\nfrom stable.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "own.py").write_text("from my_env import Docking\n" + in_python[0] + "print(report.exit_code)\n")
    done = typed("python own.py")
    assert done.stdout.strip() == "0", done.stderr[-2000:]


def passed(directory):
    """Check what a checkup that passes leaves in its run directory."""
    evaluation = json.loads((directory / run_directory.EVALUATION_FILE).read_text())
    assert evaluation["aggregate"]["n_episodes"] == len(evaluation["episodes"]) == 100
    assert evaluation["aggregate"]["success_rate"] > 0.9
    assert evaluation["aggregate"]["final_distance_mean"] < 0.02
    report = json.loads((directory / "report.json").read_text())
    assert report["exit_code"] == 0
    (environment,) = [subject for subject in report["subjects"] if subject["kind"] == "environment"]
    assert not [finding for finding in environment["findings"] if finding["severity"] == "error"]


@pytest.mark.slow
def test_the_tutorial_and_what_it_leads_to(typed, tmp_path):
    assert len(blocks("tutorial.md")) == 9
    done = typed(*blocks("tutorial.md"), *blocks("how-to/ci.md"))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    passed(tmp_path / RUN)
    # What the text says of each step.
    assert "worst of 2 runs" in done.stdout
    assert "IQM of 2 runs" in done.stdout
    # Of the ablation's six trainings two were there already.
    assert "2 of them are already finished, 4 to do." in done.stdout
    assert "learning-rate-too-high" in done.stdout
    assert "exit code 1" in done.stdout
    assert done.stdout.count("success rate regression (99% lower bound)") >= 1
    sweeps = tmp_path / "runs/sweeps/fetch_reach_dense/quick"
    assert (sweeps / "clip_range.html").is_file()
    swept = json.loads((sweeps / "clip_range.json").read_text())["subjects"][0]
    assert [setting["name"] for setting in swept["settings"]] == ["clip_range=0.1", "clip_range=0.2", "clip_range=0.4"]
    assert (tmp_path / "reach.png").is_file()
    assert (tmp_path / "junit.xml").is_file()
    report = json.loads((tmp_path / "report.json").read_text())
    verdicts = {subject["path"]: subject["verdict"] for subject in report["subjects"]}
    healthy = [path for path, verdict in verdicts.items() if verdict == "healthy"]
    assert sorted(path.split("/")[-1] for path in healthy) == [*["seed-0"] * 4, *["seed-1"] * 3]
    assert [path for path, verdict in verdicts.items() if verdict == "sick"] == [
        "runs/broken/fetch_reach_dense/quick/seed-0"
    ]


@pytest.mark.slow
def test_the_steps_that_train_nothing(typed, tmp_path):
    shutil.copytree(ROOT / "tests/runs/healthy/fetch_reach_dense/quick/as-recorded-20", tmp_path / RUN)
    shutil.copytree(
        ROOT / "tests/runs/sick/learning-rate-too-high/fetch_reach_dense-learning-rate-high-strong-100",
        tmp_path / "runs/broken",
    )
    lines = "".join(blocks("tutorial.md")).splitlines()
    words = ("rldoctor diagnose", "rldoctor explain")
    done = typed(*(line for line in lines if line.startswith(words)))
    assert done.returncode == 0, done.stderr
    assert "HEALTHY" in done.stdout
    assert "approx_kl" in done.stdout
    assert "learning-rate-too-high" in done.stdout
    assert "exit code 1" in done.stdout
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_document_has_the_options_that_it_is_given(page):
    commands = command_line().commands
    for line in "".join(blocks(page)).replace("\\\n", " ").splitlines():
        for part in re.split(r"\|\||&&|;|[|>]", line):
            words = shlex.split(part, comments=True)
            if words[:1] == ["rldoctor"] and words[1] in commands:
                commands[words[1]].make_context(words[1], words[2:])
