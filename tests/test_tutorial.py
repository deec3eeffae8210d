"""The tutorial and the guides, typed as they stand, on the real thing: about two minutes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def blocks(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def typed(tmp_path):
    """Type all blocks of a document into one shell, which ends at the first command that fails."""

    def typed(*names):
        script = "\n".join(block for name in names for block in blocks(name))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=tmp_path, env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return typed


def test_the_tutorial_and_what_it_leads_to(typed, tmp_path):
    assert len(blocks("tutorial.md")) == 9
    done = typed("tutorial.md", "how-to/own-environment.md", "how-to/ci.md")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    # What the text says of each step.
    assert "worst of 2 runs" in done.stdout
    assert "IQM of 2 runs" in done.stdout
    # Of the ablation's six trainings two were there already.
    assert "2 are finished and not repeated, 4 to do." in done.stdout
    assert "learning-rate-too-high" in done.stdout
    assert "exit code 1" in done.stdout
    assert done.stdout.count("loss of success rate, at least") >= 1
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
