"""A recipe that was written is the recipe that is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from rldoctor import references
from rldoctor.errors import UsageError
from rldoctor.recipe import write_recipe


@pytest.mark.parametrize("name", references.names())
def test_every_reference_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    recipe = references.load_recipe(name)
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert references.load_recipe(str(tmp_path / "recipe.toml")) == recipe


def test_so_do_changes_lists_and_words_that_toml_would_stumble_over(tmp_path: Path) -> None:
    recipe = references.load_recipe("quick").with_overrides(
        ["net_arch=32 32", "learning_rate=1e-5", "normalize_advantage=false", "target_kl=0.03", "gamma=1"]
    )
    recipe = structs.replace(recipe, title='a "quoted" \\ title\nof two lines\x7f, é 🩺')
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert references.load_recipe(str(tmp_path / "recipe.toml")) == recipe


def test_what_is_none_is_sb3s_default(tmp_path: Path) -> None:
    recipe = references.load_recipe("quick").with_overrides(["target_kl=none"])
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert references.load_recipe(str(tmp_path / "recipe.toml")).setting("target_kl") is None


def test_a_place_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_recipe(references.load_recipe("quick"), tmp_path / "nowhere" / "recipe.toml")
