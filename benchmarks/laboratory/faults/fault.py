"""What a fault of the laboratory is: a knob whose strength is drawn, and the numbers that it puts in."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.laboratory import interface
from benchmarks.laboratory.environments.world import World
from benchmarks.laboratory.knobs import KNOBS

# What is done to the curves of a finished training: only the first share of the steps is left; the first share is that
# of another training; the step axis begins again at this share.
LOGS: dict[str, float] = {"log_killed": 1.0, "log_mixed": 0.0, "log_reset": 0.0}
# Every number that a fault may put in, and its value where nothing is changed.
NEUTRAL: dict[str, float] = {**KNOBS, **dict.fromkeys(interface.FAULTS, 0.0), **LOGS}


@dataclass(frozen=True)
class Site:
    """Where a fault is put in: the world and the healthy settings of this training, shapes included."""

    world: type[World]
    settings: Mapping[str, float]

    @property
    def continuous(self) -> bool:
        return not self.world.discrete


@dataclass(frozen=True)
class Knob:
    """How strong a fault is, drawn log-uniformly (``log``) or uniformly between two numbers, or whole ones.

    What is drawn above ``most`` counts as ``most``.
    """

    low: float = 1.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    most: float = math.inf

    def draw(self, source: random.Random) -> float:
        """Return a strength."""
        if self.log:
            value = math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = source.uniform(self.low, self.high)
        return min(float(round(value)) if self.whole else value, self.most)


# A probability, or a share of something: from a third to the whole; at least half, and the whole in one of three or so.
PART = Knob(0.3, 1.0)
MOST = Knob(0.5, 1.25, most=1.0)
WHOLE = Knob(1.0, 1.0)

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class LabFault:
    """One way to break a training.

    Attributes:
        name: Kebab-case; that of the fault of ``rldoctor.experiments.faults`` where there is one.
        breaks: What is broken and what the knob means, in a sentence.
        right: Diagnoses that would be right, the best first; empty where PPO copes.
        puts: From the knob and the site to the numbers put in: settings of the recipe, faults of the trainer, knobs of
            the environment, or something done to the logs.
        knob: Its strength.
        only: Where it makes sense.
        always_harms: The training may go well and the user is misled all the same.
        source: Who described it, where it is not one of ours.
        group: Observations, actions, rewards, goals, settings, algorithm, logs.
    """

    name: str
    breaks: str
    right: tuple[str, ...]
    puts: Callable[[float, Site], Numbers]
    knob: Knob = WHOLE
    only: Callable[[Site], bool] = lambda site: True
    always_harms: bool = False
    source: str = ""
    group: str = ""


def puts(name: str, **others: float) -> Callable[[float, Site], Numbers]:
    """Return what puts the knob in as ``name``, and other numbers as they are."""
    return lambda knob, site: {name: knob, **others}


def continuous(site: Site) -> bool:
    """Whether actions are continuous."""
    return site.continuous


def has_goal(site: Site) -> bool:
    """Whether the observation holds a goal."""
    return site.world.desired_goal is not None


def has_success(site: Site) -> bool:
    """Whether the environment tells a success."""
    return site.world.has_success


def long(site: Site) -> bool:
    """Whether episodes are long enough for the future to matter."""
    return site.world.horizon >= 40


def several(site: Site) -> bool:
    """Whether there is another environment to be taken for this one."""
    return site.settings["n_envs"] > 1
