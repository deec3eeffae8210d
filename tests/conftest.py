"""Real runs that many tests look at: each is trained once in a test session, on the real environment."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from msgspec import structs

from rldoctor import run_directory
from rldoctor.recipe import Recipe
from rldoctor.references import load_recipe

# What the workers of pytest inherit, and the hundreds of processes that tests start. Each of two workers has a core:
# PyTorch's threads would take each other's, which doubles the time. And where the environment forbids Python to keep
# what it compiles, every process would compile all of rldoctor again.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same inputs on every machine; a search for new ones is a command of its own.
# And no limit of time: machines may be busy.
hypothesis.settings.register_profile(
    "fixed", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("fixed")

# 12 rollouts of 128 steps, each with 2 epochs of 2 minibatches: about a second of real training.
SMALL = ("n_envs=2", "n_steps=64", "batch_size=64", "n_epochs=2", "total_steps=1536")

# No connection of Chromium's own, so that every request that is seen is the page's.
_CHROMIUM = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1200,1000"),
)


@pytest.fixture(scope="session")
def small() -> Recipe:
    """The quick recipe made small; its learning rate falls linearly."""
    return structs.replace(load_recipe("quick").with_overrides(SMALL), evaluation_episodes=20)


@pytest.fixture(scope="session")
def train_into(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Train a recipe into a new directory and return that."""

    def train_into(recipe: Recipe, seed: int = 0, **arguments: Any) -> Path:
        from rldoctor.training.train import train

        directory = tmp_path_factory.mktemp("run")
        train(recipe, directory, seed, **arguments)
        return directory

    return train_into


@pytest.fixture(scope="session")
def trained_once(small: Recipe, train_into: Callable[..., Path]) -> Path:
    """A finished run of the small recipe with seed 0. Look, do not touch."""
    return train_into(small, 0, command=["rldoctor", "train"])


@pytest.fixture(scope="session")
def evaluated_once(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with its evaluation of 20 episodes. Look, do not touch."""
    from rldoctor.training.evaluate import evaluate

    directory = Path(shutil.copytree(trained_once, tmp_path_factory.mktemp("evaluated") / "run"))
    evaluate(directory)
    return directory


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of the finished run to change."""
    return Path(shutil.copytree(trained_once, tmp_path / "run"))


class HandMadeRun:
    """A run directory as far as the gate looks at it, without a training: change ``evaluation``, then ``write``."""

    def __init__(self, directory: Path, recipe: Recipe) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.record: dict[str, Any] = {"rldoctor_run": 1, "status": "finished", "recipe": recipe.to_json()}
        policy = directory / run_directory.POLICY_FILE
        policy.write_bytes(b"weights")
        self.evaluation: dict[str, Any] = {
            "rldoctor_evaluation": 1,
            "env": recipe.env,
            "aggregate": {
                "success_rate": 1.0,
                "return_mean": -0.9,
                "final_distance_mean": 0.01,
                "return_over_zero_action": 6.1,
                "return_over_random": 8.8,
                "n_episodes": 2,
            },
            "baselines": {},
            "episodes": [{"seed": 0}, {"seed": 1}],
            "policy": {"file": policy.name, "sha256": run_directory.file_hash(policy)},
        }
        self.write()

    def write(self) -> Path:
        (self.directory / run_directory.RUN_FILE).write_text(json.dumps(self.record))
        (self.directory / run_directory.EVALUATION_FILE).write_text(json.dumps(self.evaluation))
        return self.directory

    def measured(self, **numbers: Any) -> Path:
        self.evaluation["aggregate"].update(numbers)
        return self.write()


@pytest.fixture
def make_by_hand(tmp_path: Path) -> Callable[[str], HandMadeRun]:
    """Make a run of the quick recipe whose evaluation passes every criterion."""
    return lambda name: HandMadeRun(tmp_path / name, load_recipe("quick"))


@pytest.fixture
def hand_made(make_by_hand: Callable[[str], HandMadeRun]) -> HandMadeRun:
    """One such run."""
    return make_by_hand("hand-made")


@pytest.fixture(scope="module")
def chromium():
    """A real browser for pages: headless Chromium (Debian's chromium and chromium-driver)."""
    webdriver = pytest.importorskip("selenium.webdriver")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("needs chromium and chromedriver (Debian: apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in _CHROMIUM:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()
