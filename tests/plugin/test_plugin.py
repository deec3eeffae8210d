"""The pytest plugin, on a small project as somebody would write it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def project(folder, text):
    (folder / "test_project.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "rldoctor.pytest_plugin", "-q", "-p", "no:cacheprovider"]
    # Where the entry point is installed it is the same plugin.
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run([*command, "."], cwd=folder, env=env, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_a_missing_evaluation_and_a_faulty_algorithm_fail_the_test(tmp_path):
    said = project(
        tmp_path,
        """
def train(env, steps, seed):
    env.reset(seed=seed)
    for _ in range(steps):
        env.step(0)
        env.reset()
    return lambda obs: 0

def test_algorithm(assert_probes_pass):
    assert_probes_pass(train, select=["action-matters"])

def test_release(assert_gate, tmp_path):
    assert_gate(tmp_path)
""",
    )
    assert "2 failed" in said, said
    assert "Most likely part: update-sign" in said
    assert "Traceback" not in said


def test_tests_that_use_the_fixtures_are_marked(tmp_path, pytestconfig):
    text = "def test_a(assert_gate):\n    pass\ndef test_b():\n    pass\n"
    (tmp_path / "test_marked.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "rldoctor.pytest_plugin", "-q", "-m", "not rldoctor", "--co", "."]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False).stdout
    assert "1/2 tests collected" in said, said


@pytest.mark.slow
def test_the_project_of_the_documentation_passes(tmp_path):
    """The example of docs/how-to/pytest.md, literally; its function is one that knows the answers."""
    page = (ROOT / "docs" / "how-to" / "pytest.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "my_algo.py").write_text(
        (ROOT / "benchmarks" / "algorithms" / "dqn.py").read_text("utf-8"), encoding="utf-8"
    )
    said = project(tmp_path, example.replace('algorithm="ppo"', 'algorithm="dqn", select=["both-matter"]'))
    assert "2 passed" in said, said
    assert "1 skipped" in said
