from __future__ import annotations

import inspect

import numpy as np
import pytest

from rldoctor import references
from rldoctor.cli.checkup import checkup
from rldoctor.errors import UsageError

RECIPE = 'name = "mine"\nenv = "CartPole-v1"\ntotal_steps = 1000\nn_envs = 1\n'
CURVES = "# where from\nmetric,step,low,median,high\nstd,10,1,2,3\nstd,20,0.5,1.5,2.5\nloss,10,-1,0,1\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / references.RECIPE_FILE).write_text(RECIPE)
    return tmp_path


@pytest.mark.parametrize("name", references.names())
def test_every_shipped_reference_loads(name):
    reference = references.load(name)
    assert reference.recipe.name == name
    assert reference.recipe.title
    assert reference.recipe.source
    assert reference.recipe.criteria
    for band in reference.bands.values():
        assert len(band.steps)
        assert (np.diff(band.steps) > 0).all()
        assert (band.low <= band.median).all()
        assert (band.median <= band.high).all()


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("smoke", "fetch_reach_dense/smoke"),
        ("quick", "fetch_reach_dense/quick"),
        ("chapter", "fetch_reach_dense/chapter"),
        ("fetch_reach_dense/quick", "fetch_reach_dense/quick"),
        ("cartpole/zoo", "cartpole/zoo"),
    ],
)
def test_names_and_short_names(word, name):
    assert references.load_recipe(word).name == name


def test_a_name_that_several_share_is_refused():
    shared = [name for name in references.names() if name.endswith("/zoo")]
    assert len(shared) > 1
    with pytest.raises(UsageError) as raised:
        references.load_recipe("zoo")
    assert "several" in raised.value.problem
    assert all(name in raised.value.cure for name in shared)


def test_an_unknown_name_offers_near_ones():
    with pytest.raises(UsageError, match=r"'cartpole/zo'.*Did you mean cartpole/zoo"):
        references.load_recipe("cartpole/zo")


def test_the_quick_reference_has_bands_of_its_main_metrics():
    bands = references.load("quick").bands
    assert {"episode_return", "success_rate", "approx_kl", "entropy", "explained_variance", "value_loss"} <= set(bands)
    assert bands["episode_return"].low[-1] > -4


def test_the_reference_of_the_checkup_is_shorter_and_as_good():
    smoke, quick = references.load("smoke"), references.load("quick")
    assert inspect.signature(checkup).parameters["reference"].default == "smoke"
    assert smoke.recipe.criteria == quick.recipe.criteria
    assert 2 * smoke.recipe.total_steps <= quick.recipe.total_steps
    assert smoke.healthy_seeds >= 10
    assert smoke.failed_seeds == 0
    assert smoke.bands.keys() >= quick.bands.keys()


def test_a_folder_and_a_file_by_path(folder):
    assert references.load_recipe(str(folder)).name == "mine"
    assert references.load_recipe(str(folder / references.RECIPE_FILE)).name == "mine"
    (folder / "other.toml").write_text(RECIPE.replace("mine", "other"))
    assert references.load_recipe(str(folder / "other.toml")).name == "other"
    assert references.load(str(folder)).bands == {}


def test_bands_are_read(folder):
    (folder / references.CURVES_FILE).write_text(CURVES)
    bands = references.load(str(folder)).bands
    assert set(bands) == {"std", "loss"}
    std = bands["std"]
    assert (std.steps.tolist(), std.low.tolist(), std.median.tolist(), std.high.tolist()) == (
        [10, 20],
        [1, 0.5],
        [2, 1.5],
        [3, 2.5],
    )


@pytest.mark.parametrize(
    "content",
    [
        b"metric,step,low,median\nstd,10,1,2\n",
        b"metric,step,low,median,high\nstd,10,1,2\n",
        b"metric,step,low,median,high\nstd,ten,1,2,3\n",
        b"metric,step,low,median,high\nstd,10,1,2,high\n",
        b"\xff\xfe",
    ],
)
def test_bad_curves(folder, content):
    path = folder / references.CURVES_FILE
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"curves\.csv cannot be read"):
        references.read_bands(path)


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", RECIPE.replace("1000", "-1").encode(), b""])
def test_bad_recipes(folder, content):
    (folder / references.RECIPE_FILE).write_bytes(content)
    with pytest.raises(UsageError, match=r"recipe\.toml"):
        references.load_recipe(str(folder))


@pytest.mark.parametrize(
    ("comment", "healthy", "failed"),
    [
        ("of 19 healthy runs.\n# Left out, since they do not pass the recipe's criteria: seeds 4, 14.", 19, 2),
        ("x: median of 3 good runs at each step.", 3, 0),
        ("by hand", 0, 0),
    ],
)
def test_the_seeds_are_counted_from_the_comments(folder, comment, healthy, failed):
    (folder / references.CURVES_FILE).write_text(f"# {comment}\n{CURVES}")
    reference = references._reference.__wrapped__(folder)
    assert (reference.healthy_seeds, reference.failed_seeds) == (healthy, failed)
