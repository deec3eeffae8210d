"""Off-policy references: recipes that can be trained, with bands of ten seeds of which all passed."""

from __future__ import annotations

import pytest

from rldoctor import references

NAMES = [name for name in references.names() if references.load_recipe(name).is_off_policy]
RECORDED = [name for name in NAMES if references.is_recorded(name)]


def test_there_is_one_of_each_kind() -> None:
    recipes = [references.load_recipe(name) for name in NAMES]
    assert {recipe.algorithm for recipe in recipes} == {"sac", "td3", "dqn"}
    assert any(recipe.setting("her") for recipe in recipes)


@pytest.mark.parametrize("name", RECORDED)
def test_bands_are_of_ten_healthy_seeds(name: str) -> None:
    reference = references.load(name)
    assert (reference.healthy_seeds, reference.failed_seeds) == (10, 0)
    assert "episode_return" in reference.bands
    # The return rises from the first point to the last, for the lowest seeds as well.
    band = reference.bands["episode_return"]
    assert band.low[-1] > band.high[0]
