"""The wrapper in which a fault enters is named, wherever in the stack it stands."""

from __future__ import annotations

import pytest

from rldoctor.preflight.runner import run_preflight
from tests.examination import stacks

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
