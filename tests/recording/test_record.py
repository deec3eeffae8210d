"""Recording a reference from its recipe alone."""

from __future__ import annotations

import pytest

from rldoctor.cli.app import run as command
from rldoctor.references import load
from tests.sweep.conftest import RECIPE


@pytest.fixture
def own_reference(tmp_path):
    folder = tmp_path / "cart"
    folder.mkdir()
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


@pytest.mark.slow
def test_a_reference_is_recorded_and_recorded_again(own_reference, tmp_path, capsys):
    arguments = ["record", str(own_reference), "--seeds", "0-2", "--runs", str(tmp_path / "runs")]
    assert command(arguments) == 0
    said = capsys.readouterr()
    assert said.err.count("  done") == 3
    assert "Written:" in said.out
    bands = load(str(own_reference)).bands
    assert (bands["episode_return"].low <= bands["episode_return"].high).all()
    before = (own_reference / "curves.csv").read_text().splitlines()
    # Finished runs are not repeated, and the same runs make the same bands.
    assert command(arguments) == 0
    assert "done" not in capsys.readouterr().err
    after = (own_reference / "curves.csv").read_text().splitlines()
    assert [line for line in after if line[0] != "#"] == [line for line in before if line[0] != "#"]


@pytest.mark.slow
def test_seeds_that_do_not_pass_are_left_out(own_reference, tmp_path, capsys):
    recipe = own_reference / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("above = 10", "above = 100000"))
    assert command(["record", str(own_reference), "--seeds", "0", "--runs", str(tmp_path / "runs")]) == 2
    said = capsys.readouterr()
    assert "does not pass the recipe's criteria and is left out" in said.out
    assert "0 seeds are too few for a band" in said.err
    assert not (own_reference / "curves.csv").exists()
