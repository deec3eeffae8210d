"""Every sign is tried on its own examples: some must make it fire, some must leave it silent."""

from __future__ import annotations

import pytest

from rldoctor.rulebook import Sign, load_rulebook
from rldoctor.rulebook.examples import case_of
from rldoctor.rulebook.observe import Evidence, observe
from rldoctor.rulebook.schema import Example

BOOK = load_rulebook()
EXAMPLES = [
    pytest.param(sign, example, id=f"{sign.code}-{'fires' if example.fires else 'silent'}-{example.why[:30]}")
    for sign in BOOK.signs.values()
    for example in sign.examples
]


@pytest.mark.parametrize(("sign", "example"), EXAMPLES)
def test_example(sign: Sign, example: Example) -> None:
    result = observe(sign, case_of(example))
    fires = isinstance(result, Evidence) and result.fires
    assert fires is example.fires, f"{sign.file.name}: {example.why}: {result}"


@pytest.mark.parametrize("sign", BOOK.signs.values(), ids=list(BOOK.signs))
def test_what_a_sign_says_is_filled_in(sign: Sign) -> None:
    example = next(example for example in sign.examples if example.fires)
    result = observe(sign, case_of(example))
    assert isinstance(result, Evidence)
    seen = result.measured
    words = sign.message.format(
        observed=seen.observed,
        expected=seen.expected,
        first_step=seen.first_step,
        last_step=seen.last_step,
        text="x",
        subject=seen.subject,
    )
    assert "{" not in words
    assert words.endswith(".")


def test_every_sign_weighs_in_some_diagnosis() -> None:
    used = {code for rule in BOOK.diagnoses.values() for code in (*rule.weights, *rule.hallmarks)}
    used |= {code for family in BOOK.weights_of.values() for weights in family.values() for code in weights}
    assert set(BOOK.signs) - used == set()


def test_weights_point_where_they_are_said_to() -> None:
    """Signs of health are evidence for it, no others are."""
    families = [family["healthy"].items() for family in BOOK.weights_of.values()]
    for code, weight in [*BOOK.diagnoses["healthy"].weights.items(), *(item for family in families for item in family)]:
        if code == "bias":
            continue
        of_health = BOOK.signs[code].of_health if code in BOOK.signs else "healthy" in BOOK.witnesses[code].supports
        assert (weight > 0) == of_health, code
