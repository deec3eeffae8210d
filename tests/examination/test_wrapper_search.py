"""The wrapper in which a fault enters is named, wherever in the stack it stands."""

from __future__ import annotations

import pytest

from rldoctor.model import Verdict
from rldoctor.preflight.runner import run_preflight
from tests.examination import stacks, vec_stacks

PLACE = stacks.__file__


@pytest.mark.parametrize(
    ("stack", "code", "layer"),
    [
        ("negated_inside", "ENV404", "Negated"),
        ("negated_outside", "ENV404", "Negated"),
        ("frozen_between", "ENV205", "Frozen"),
        ("ignored_outside", "ENV302", "Ignored"),
    ],
)
def test_the_layer_of_a_fault_is_named(stack: str, code: str, layer: str) -> None:
    result = run_preflight(f"{PLACE}:{stack}", select=[code])
    (found,) = [finding for finding in result.findings if finding.code == code and finding.severity != "note"]
    assert f"It is gone without {layer}: the fault is in {layer} (" in found.message
    assert "stacks.py, line " in found.message


def test_a_sound_stack_and_a_bare_environment_name_no_layer() -> None:
    result = run_preflight(f"{PLACE}:line", select=["ENV404", "ENV205", "ENV302"])
    assert not [finding for finding in result.findings if "the fault is in" in finding.message]


@pytest.mark.parametrize(
    ("arguments", "code", "layer"),
    [
        ({"depth": 3, "fault": "VecNegated", "place": 1}, "ENV404", "VecNegated (tests"),
        ({"depth": 2, "fault": "VecFrozen", "place": 1}, "ENV205", "VecFrozen (tests"),
        (None, "ENV404", "Negated (tests"),
    ],
)
def test_wrappers_of_vec_envs_are_layers_too(arguments: dict | None, code: str, layer: str) -> None:
    name = "stacked" if arguments else "fault_inside"
    result = run_preflight(f"{vec_stacks.__file__}:{name}", select=[code], arguments=arguments)
    (found,) = [finding for finding in result.findings if finding.code == code and finding.severity != "note"]
    assert f"the fault is in {layer}" in found.message


def test_a_normalised_vec_env_has_no_findings_of_its_own() -> None:
    chosen = ["ENV117", "ENV203", "ENV205", "ENV302", "ENV401"]
    result = run_preflight(f"{vec_stacks.__file__}:normalized", select=chosen)
    ran = {check.code: check.outcome for check in result.checks}
    assert {code: ran[code] for code in chosen if code != "ENV117"} == dict.fromkeys(chosen[1:], "passed")
    assert not [finding for finding in result.findings if finding.severity != "note"]


@pytest.mark.slow
def test_environments_in_other_processes_are_told_in_a_sentence() -> None:
    result = run_preflight(f"{vec_stacks.__file__}:elsewhere", select=["ENV101"])
    assert result.verdict is Verdict.UNJUDGED
    assert not result.findings
    (missed,) = result.unjudged
    assert "The environments of SubprocVecEnv are in other processes, where no check can look." in missed.reason
    assert "DummyVecEnv" in missed.reason
