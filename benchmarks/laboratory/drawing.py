"""Which trainings are made: batches of one environment and one shape, healthy ones and broken ones mixed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from benchmarks.laboratory import faults as all_faults
from benchmarks.laboratory import recipes
from benchmarks.laboratory.environments import WORLDS
from benchmarks.laboratory.faults import LOGS, NEUTRAL, LabFault, Site
from benchmarks.laboratory.interface import FAULTS, SETTINGS, Faults, Recipe, Shapes
from benchmarks.laboratory.knobs import KNOBS
from benchmarks.laboratory.tampering import Broken

# Trainings of one batch. The networks of more do not fit into a core's cache, and a batch is what is lost by a kill.
TRAININGS = 64
HEALTHY, TWO_FAULTS = 0.2, 0.1
# Faults of logs are found without weights, and those that PPO copes with are healthy: fewer of them.
RARE = 0.3
# One batch in so many has many epochs, one has tiny minibatches: both cost several times as much.
COSTLY_EVERY = 24
_COSTLY_STEPS, _COSTLY_TRAININGS = 8_000, 64


@dataclass(frozen=True)
class Put:
    """One fault of one training: its name, and how strong it was drawn."""

    name: str
    severity: float


@dataclass(frozen=True)
class Drawn:
    """One training to be made.

    Attributes:
        settings: Of the recipe, faults included.
        faults: None for a healthy training, two at most.
        numbers: What the faults put in beside settings.
    """

    settings: dict[str, float]
    faults: tuple[Put, ...] = ()
    numbers: dict[str, float] | None = None

    @property
    def right(self) -> tuple[str, ...]:
        """The right diagnoses, best first, those of two faults in turn; ``healthy`` where PPO copes."""
        lists = [all_faults.ALL[put.name].right for put in self.faults]
        longest = max(map(len, lists), default=0)
        names = [names[i] for i in range(longest) for names in lists if i < len(names)]
        return tuple(dict.fromkeys(names)) or ("healthy",)

    @property
    def always_harms(self) -> bool:
        """Whether the user is misled however well the training goes."""
        return any(all_faults.ALL[put.name].always_harms for put in self.faults)


@dataclass(frozen=True)
class Batch:
    """Trainings of one environment and one shape."""

    index: int
    seed: int
    world: str
    shapes: Shapes
    trainings: tuple[Drawn, ...]


def draw_batch(index: int, seed: int, trainings: int = TRAININGS, healthy: float = HEALTHY) -> Batch:
    """Return the batch of this index, with this share of healthy trainings: the same for the same seed, whatever else is drawn."""
    source = random.Random(f"{seed}-{index}")
    names = sorted(recipes.GOOD)
    # Each round goes over all environments, in an order of its own.
    random.Random(f"{seed}-round-{index // len(names)}").shuffle(names)
    name = names[index % len(names)]
    shapes = recipes.draw_shapes(name, source)
    kind = index % COSTLY_EVERY
    if kind < 2:
        shapes = replace(shapes, total_steps=_COSTLY_STEPS, net_arch=(32, 32), log_interval=1)
        shapes = replace(shapes, batch_size=source.choice((4, 8)) if kind else 64)
        trainings = min(trainings, _COSTLY_TRAININGS)
    of_shapes = {
        "n_envs": float(shapes.n_envs),
        "n_steps": float(shapes.n_steps),
        "batch_size": float(shapes.batch_size),
        "costly": float(kind == 0),
    }
    drawn = []
    for _ in range(trainings):
        settings = recipes.draw(name, shapes, source)
        if kind == 1:
            settings["n_epochs"] = min(settings["n_epochs"], 5.0)
        site = Site(WORLDS[name], {**settings, **of_shapes})
        drawn.append(_draw(site, settings, source, healthy))
    return Batch(index, seed * 100_003 + index, name, shapes, tuple(drawn))


def _draw(site: Site, settings: dict[str, float], source: random.Random, healthy: float) -> Drawn:
    fitting = [fault for fault in all_faults.ALL.values() if fault.only(site)]
    forced = [fault for fault in fitting if fault.name == "batch-small"]
    if forced:
        return _broken(site, settings, forced, source)
    if source.random() < healthy:
        return Drawn(settings, numbers={})
    weights = [RARE if fault.group == "logs" or not fault.right else 1.0 for fault in fitting]
    weights = [20.0 if fault.name == "epochs-many" else w for fault, w in zip(fitting, weights, strict=True)]
    first = source.choices(fitting, weights)[0]
    if source.random() >= TWO_FAULTS or first.always_harms or not first.right:
        return _broken(site, settings, [first], source)
    others = [fault for fault in fitting if fault.group != first.group and fault.right and not fault.always_harms]
    return _broken(site, settings, [first, source.choice(others)], source)


def _broken(site: Site, settings: dict[str, float], chosen: Sequence[LabFault], source: random.Random) -> Drawn:
    numbers: dict[str, float] = {}
    found: list[Put] = []
    for fault in chosen:
        severity = fault.knob.draw(source)
        put = fault.puts(severity, site)
        # Two faults of one number are one fault.
        if not numbers.keys() & put.keys():
            numbers |= put
            found.append(Put(fault.name, severity))
    if unknown := numbers.keys() - SETTINGS.keys() - NEUTRAL.keys():
        raise KeyError(f"nothing is called {', '.join(sorted(unknown))}")
    changed = {key: _possible(key, value) for key, value in numbers.items() if key in SETTINGS}
    return Drawn(
        {**settings, **changed}, tuple(found), {key: value for key, value in numbers.items() if key in NEUTRAL}
    )


def _possible(key: str, value: float) -> float:
    """Return the setting within what it can be: what is drawn below zero counts as zero, and so on."""
    return min(max(value, 0.0), 1.0) if key in ("gamma", "gae_lambda") else value


def built(batch: Batch) -> tuple[Broken, Recipe, Faults]:
    """Return environment, recipe and faults of the trainer for a batch."""
    n, shapes = len(batch.trainings), batch.shapes
    recipe = Recipe.of(
        shapes, n, **{name: torch.tensor([one.settings[name] for one in batch.trainings]) for name in SETTINGS}
    )

    def column(name: str) -> torch.Tensor:
        return torch.tensor([(one.numbers or {}).get(name, NEUTRAL[name]) for one in batch.trainings])

    knobs = {name: column(name) for name in KNOBS if any(name in (one.numbers or {}) for one in batch.trainings)}
    world = WORLDS[batch.world](n, shapes.n_envs)
    env = Broken(world, knobs, shapes.total_steps // shapes.n_envs)
    return env, recipe, Faults(n, **{name: column(name) for name in FAULTS})


def of_logs(drawn: Drawn) -> dict[str, float]:
    """Return what is done to the logs of a training."""
    return {name: value for name, value in (drawn.numbers or {}).items() if name in LOGS}
