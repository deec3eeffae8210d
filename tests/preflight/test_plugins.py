"""Checks that another package brings: a real distribution on the path, found by its entry points."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rldoctor.config import Config
from rldoctor.explain import pages
from rldoctor.model import Outcome, Verdict
from rldoctor.preflight.checks import all_checks
from rldoctor.preflight.plugins import load_plugins, plugin_docs
from rldoctor.preflight.runner import available_checks, run_preflight

GOOD = '''"""The gripper is closed at the start.

What it does: asks the environment.
"""

import numpy as np

from rldoctor.preflight.check import Group, check, warning


@check("OWN101", "gripper-closed", Group.ENVIRONMENT, faults=("gripper-open",), requires=("ENV102",))
def run(context):
    """Ask the environment."""
    yield warning("gripper-open", f"The gripper of {context.env_id} is open.", "Close it.", width=np.float32(0.5))
    return "looked"
'''
RAISES = '''"""It raises."""

from rldoctor.preflight import check as base


@base.check(code="OWN102", name="raising", group=base.Group.MACHINE, faults=())
def run(context):
    """Raise."""
    if context:
        raise SystemExit("no robot here")
    yield
'''
FOREIGN = RAISES.replace("OWN102", "ENV999").replace("raising", "foreign")
LONELY = RAISES.replace("OWN102", "OWN103").replace("raising", "lonely").replace("s=()", 's=(), requires=("OWN9",)')
BROKEN = "import a_package_that_nobody_has\n"
STRANGE = (
    RAISES.replace("OWN102", "OWN104")
    .replace('name="raising"', 'name="strange"')
    .replace('raise SystemExit("no robot here")', "yield 'a word'")
)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution of the given modules, as pip leaves it behind; it is gone after the test."""

    def install(**modules):
        site = tmp_path / "site packages"
        package = site / "robot_checks"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise RuntimeError('nobody may import this to read a page')\n")
        entries = []
        for name, source in modules.items():
            # Modules of their own: those of the package above can be read and not be imported.
            (site / f"robot_{name}.py").write_text(source)
            entries.append(f"{name} = robot_{name}")
        about = site / "robot_checks-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: robot-checks\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text("\n".join(["[rldoctor.checks]", *entries, ""]))
        monkeypatch.syspath_prepend(str(site))
        load_plugins.cache_clear()
        return site

    yield install
    load_plugins.cache_clear()
    for name in [name for name in sys.modules if name.startswith("robot_")]:
        del sys.modules[name]


def check_of(result, code):
    return next(check for check in result.checks if check.code == code)


def test_without_such_a_package_nothing_is_said():
    result = run_preflight("CartPole-v1", select=["SYS401"])
    assert check_of(result, "SYS401").outcome is Outcome.SKIPPED
    assert available_checks() == all_checks()
    assert plugin_docs() == ()


def test_an_own_check_runs_among_the_others(install):
    install(gripper=GOOD)
    result = run_preflight("CartPole-v1", select=["OWN", "SYS401"])
    # It brings the checks that it follows.
    assert [e.code for e in result.checks] == ["SYS401", "ENV101", "ENV102", "OWN101"]
    assert check_of(result, "SYS401").outcome is Outcome.PASSED
    [finding] = [finding for finding in result.findings if finding.code == "OWN101"]
    assert finding.message == "The gripper of CartPole-v1 is open."
    assert finding.evidence == {"width": 0.5}
    assert json.dumps(finding.evidence)
    assert result.verdict is Verdict.SUSPECT


def test_a_check_that_raises_is_a_finding_and_hides_nothing(install):
    install(gripper=GOOD, raising=RAISES, strange=STRANGE)
    result = run_preflight("CartPole-v1", select=["OWN"])
    crashed = {finding.code: finding for finding in result.findings if finding.name == "check-crashed"}
    assert "SystemExit: no robot here" in crashed["OWN102"].message
    assert "robot-checks 1.2 (robot_raising)" in crashed["OWN102"].remedy
    assert "which is no finding" in crashed["OWN104"].message
    assert "OWN101" in {finding.code for finding in result.findings}
    assert result.verdict is Verdict.SICK


def test_what_cannot_be_used_is_named(install):
    install(broken=BROKEN, foreign=FOREIGN, lonely=LONELY, empty="")
    result = run_preflight("CartPole-v1", select=["SYS401"])
    messages = " ".join(finding.message for finding in result.findings)
    assert "a_package_that_nobody_has" in messages
    assert "ENV999 foreign of robot-checks 1.2 (robot_foreign) is not used: its code must be a family" in messages
    assert "OWN103 lonely" in messages
    assert "it declares no check" in messages
    assert result.verdict is Verdict.SICK
    assert available_checks() == all_checks()


def test_a_code_is_used_once(install):
    install(gripper=GOOD, gripper2=GOOD)
    own, [refused] = load_plugins()
    assert [check.code for check in own] == ["OWN101"]
    assert "that of OWN101" in refused.reason


def test_pages_are_read_without_importing_anything(install):
    site = install(gripper=GOOD, broken=BROKEN, raising=RAISES)
    (site / "robot_checks" / "deep.py").write_text(GOOD.replace("OWN101", "OWN105"))
    entries = site / "robot_checks-1.2.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text() + "deep = robot_checks.deep:run\nlost = robot_nowhere\n")
    docs = {check.code: check for check in plugin_docs()}
    assert docs["OWN101"].title == "The gripper is closed at the start."
    assert docs["OWN105"].origin == "robot-checks 1.2 (robot_checks.deep:run)"
    assert docs["OWN102"].name == "raising"
    assert docs["lost"].title == docs["broken"].title == "its source cannot be read"
    assert not [name for name in sys.modules if name.startswith("robot_")]
    page = pages.look_up("gripper-closed")
    assert dict(page.sections)["Provided by"].startswith("robot-checks 1.2")
    assert "[robot-checks 1.2 (robot_gripper)]" in pages.catalogue()["preflight checks"]["OWN101"]


def test_a_configuration_ignores_an_own_check_with_a_reason(install):
    install(gripper=GOOD)
    config = Config(ignore={"OWN101": "our gripper has no sensor", "OWN": "less close"})
    result = run_preflight("CartPole-v1", select=["OWN", "ENV101"], config=config)
    assert [(s.code, s.reason) for s in result.suppressed] == [("OWN101", "our gripper has no sensor")]
    assert "OWN101" not in {e.code for e in result.checks}
    # Named in full on the command line it runs all the same.
    asked = run_preflight("CartPole-v1", select=["OWN101"], config=config)
    assert check_of(asked, "OWN101").outcome is Outcome.FIRED
    assert asked.suppressed == ()


@pytest.mark.slow
def test_the_command_sees_an_installed_package(install, tmp_path):
    site = install(gripper=GOOD, broken=BROKEN)
    root = Path(__file__).parents[2]
    command = "preflight --env CartPole-v1 --select OWN,SYS401 --format json --isolated"
    done = subprocess.run(
        [sys.executable, "-m", "rldoctor", *shlex.split(command)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(root)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    codes = {finding["code"] for finding in json.loads(done.stdout)["subjects"][0]["findings"]}
    assert {"OWN101", "SYS401"} <= codes
