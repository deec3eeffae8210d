"""Preflight checks that tell tied causes apart, on real environments."""

from __future__ import annotations

import gymnasium
import pytest

from rldoctor.experiments.faults import find
from rldoctor.experiments.treatment.confirm import confirmed, run_checks, tied
from rldoctor.model import Instruction
from rldoctor.references import load_recipe

PENDULUM = load_recipe("pendulum/zoo")
REWARD = Instruction("reward-uninformative", 0.5, "Fix the reward.", ("ENV401",))
ACTIONS = Instruction("actions-without-effect", 0.3, "Follow an action.", ("ENV302",))
RARE = Instruction("observations-unscaled", 0.05, "Scale them.", ("ENV204",))
UNTESTABLE = Instruction("plateau-below-target", 0.4, "Compare.")


def test_causes_that_are_nearly_as_likely_are_tied() -> None:
    assert tied((REWARD, ACTIONS, RARE)) == (REWARD, ACTIONS)
    assert tied((REWARD, RARE)) == (REWARD,)
    assert tied((REWARD, UNTESTABLE)) == (REWARD,)
    assert tied(()) == ()


@pytest.mark.parametrize(
    ("fault", "first", "tested"),
    [
        (
            "actions-ignored",
            "actions-without-effect",
            {"actions-without-effect": "fired", "reward-uninformative": "passed"},
        ),
        (
            "reward-constant",
            "reward-uninformative",
            {"actions-without-effect": "passed", "reward-uninformative": "fired"},
        ),
    ],
)
def test_the_check_that_fires_puts_its_cause_first(fault: str, first: str, tested: dict[str, str]) -> None:
    broken = find(fault)
    assert broken.wrap is not None
    wrap = broken.wrap(broken.knob(next(iter(broken.severities))))
    said: list[str] = []
    instructions = run_checks((REWARD, ACTIONS, RARE), (REWARD, ACTIONS), PENDULUM, wrap, said.append)
    assert instructions[0].diagnosis == first
    assert {one.diagnosis: one.tested for one in instructions if one.tested} == tested
    assert confirmed(instructions) == instructions[0]
    assert "ENV302, ENV401" in said[0]


def test_a_sound_environment_confirms_nothing_and_changes_no_order() -> None:
    instructions = run_checks((REWARD, ACTIONS, RARE), (REWARD, ACTIONS), PENDULUM, None, lambda line: None)
    assert [one.diagnosis for one in instructions] == [
        "reward-uninformative",
        "actions-without-effect",
        "observations-unscaled",
    ]
    assert [one.tested for one in instructions] == ["passed", "passed", ""]
    assert confirmed(instructions) is None


def test_an_environment_that_cannot_be_made_confirms_nothing_either() -> None:
    def broken(env: gymnasium.Env) -> gymnasium.Env:  # type: ignore[type-arg]
        raise RuntimeError("no screen")

    instructions = run_checks((REWARD, ACTIONS), (REWARD, ACTIONS), PENDULUM, broken, lambda line: None)
    assert [one.tested for one in instructions] == ["not-run", "not-run"]
    assert confirmed(instructions) is None
