"""What a configuration and its rules name must exist."""

from __future__ import annotations

import re

import pytest

from rldoctor import datafile
from rldoctor.config import Config
from rldoctor.errors import UsageError
from rldoctor.preflight.checks import all_checks
from rldoctor.preflight.selectors import require_known
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.selection import CHECKS, SIGNS


def test_the_shipped_diagnoses_name_checks_that_exist():
    named = {code for rule in load_rulebook().diagnoses.values() for code in rule.confirmed_by}
    assert len(named) > 10
    assert named <= {check.code for check in all_checks()}


def test_a_diagnosis_of_the_project_names_checks_that_exist(tmp_path):
    text = (datafile.folder("checks") / "diagnoses" / "goal-not-observed.toml").read_text()
    text = re.sub("(?m)^(hallmarks|excluded_by) = .*\n", "", text.replace('"goal-not-observed"', '"own-goal"'))
    for code in ("ENV206", "ENV299"):
        own = tmp_path / code / "diagnoses" / "own-goal.toml"
        own.parent.mkdir(parents=True)
        own.write_text(text.replace('"ENV206"', f'"{code}"'))
    config = Config(rules=(tmp_path / "ENV206",))
    assert require_known(config) is config
    with pytest.raises(UsageError, match=r"own-goal\.toml: confirmed_by names 'ENV299'.*ENV\d"):
        require_known(Config(rules=(tmp_path / "ENV299",)))


def test_names_of_signs_are_whole_and_of_checks_may_be_prefixes():
    signs = load_rulebook().signs.values()
    assert SIGNS.known(signs, ["UPD1", "upd101", "return-improves", "return", ""]) == [
        "UPD1",
        "upd101",
        "return-improves",
    ]
    assert CHECKS.known(all_checks(), ["ENV", "gpu", "throughput", "thruput", ""]) == ["ENV", "gpu", "throughput"]
