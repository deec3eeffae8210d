"""A training of some seconds, to be attacked."""

from __future__ import annotations

from pathlib import Path

from rldoctor.references import load_recipe

SETTINGS = "n_envs=2,n_steps=64,batch_size=64,n_epochs=1,total_steps=256"


def trained(place: Path) -> Path:
    from rldoctor.training.evaluate import evaluate
    from rldoctor.training.train import train

    place.mkdir()
    train(load_recipe("quick").with_overrides(SETTINGS.split(",")), place, 0, threads=1)
    evaluate(place, episodes=2, threads=1)
    return place
