"""Healthy trainings with recipes of their own on every environment of the laboratory, as far as they learned."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.laboratory import kept, recipes
from benchmarks.laboratory.environments import WORLDS
from benchmarks.laboratory.harm import Training, judged, lines, outcome
from benchmarks.laboratory.interface import SETTINGS, Recipe
from benchmarks.laboratory.kept import SHARES, Kept
from benchmarks.laboratory.train import train

# Trainings of each environment, of which most learn.
EACH = 8


def healthy_trainings(folder: Path, seed: int = 7) -> list[Kept]:
    """Return the trainings that learned, those that ``folder`` keeps and those that it lacks: three minutes for all."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Kept] = []
    for name in sorted(recipes.GOOD):
        path = folder / f"{name}.npz"
        if not path.is_file():
            kept.write(path, list(_trained(name, seed)))
            print(name, flush=True)
        found += _learned(kept.read(path))
    return found


def _trained(name: str, seed: int) -> Iterator[Kept]:
    source = random.Random(f"healthy-{seed}-{name}")
    shapes = recipes.draw_shapes(name, source)
    drawn = [recipes.draw(name, shapes, source) for _ in range(EACH)]
    recipe = Recipe.of(shapes, EACH, **{key: torch.tensor([one[key] for one in drawn]) for key in SETTINGS})
    for trained in train(WORLDS[name](EACH, shapes.n_envs), recipe, seed=seed):
        steps, episodes = shapes.total_steps, trained.episodes
        results = {
            key: [outcome(episodes.steps, values, share * steps) for share in SHARES]
            for key, values in (("returns", episodes.returns), ("successes", episodes.successes))
        }
        # Without its recipe, as any other training.
        yield Kept(replace(trained.run, record={}), {"environment": name, "steps": steps, **results})


def _learned(trainings: list[Kept]) -> list[Kept]:
    outcomes = [
        Training(one.label["environment"], one.label["steps"], True, one.label["returns"], one.label["successes"])
        for one in trainings
    ]
    line = lines(outcomes)
    return [
        one
        for one, training in zip(trainings, outcomes, strict=True)
        if judged(training, line[training.environment])[0]
    ]
