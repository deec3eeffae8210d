"""A recipe that is trained in a second, for sweeps of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rldoctor.experiments.sweep.plan import make_plan
from rldoctor.experiments.sweep.spec import SweepSpec
from rldoctor.references import load_recipe

RECIPE = """
name = "tests/cart"
env = "CartPole-v1"
total_steps = 2048
n_envs = 2
evaluation_episodes = 5

[hyperparameters]
n_steps = 256
batch_size = 128
n_epochs = 4
learning_rate = 0.001

[criteria]
return_mean = { above = 10 }
"""


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cart") / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def cart(recipe_file):
    return load_recipe(str(recipe_file))


@pytest.fixture
def plan_of(cart, tmp_path):
    """Make a plan of the small recipe: ``plan_of(seeds=(0, 1), vary={...})``."""
    return lambda out=tmp_path, **spec: make_plan(replace(SweepSpec(), **spec), cart, out)
