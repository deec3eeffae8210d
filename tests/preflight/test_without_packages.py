"""Checks are explained, listed and selected on a machine without the packages that they run on."""

from __future__ import annotations

import subprocess
import sys

from rldoctor.preflight.checks import all_checks

BLOCKED = (
    *("envpool", "gymnasium", "gymnasium_robotics", "mujoco", "packaging", "psutil"),
    *("ray", "stable_baselines3", "torch"),
)
SCRIPT = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Block())
from rldoctor.config import Config
from rldoctor.explain.pages import catalogue, library, look_up
from rldoctor.preflight.checks import all_checks
from rldoctor.preflight.selectors import require_known

for check in all_checks():
    assert look_up(check.code).title == look_up(check.name).title == check.title
assert len(catalogue()["preflight checks"]) == len(library()["preflight checks"]) == len(all_checks())
assert "ENV206 goal-observed" in dict(look_up("goal-not-observed").sections)["Confirmed by"]
require_known(Config(select=("gpu",), ignore={{"ENV5": "no training here"}}))
print(len(all_checks()))
"""


def test_checks_are_explained_without_the_packages_that_they_run_on():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == f"{len(all_checks())}\n", done.stderr
