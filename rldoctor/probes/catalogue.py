"""What is known of the probes as data: ``checks/probes.toml``, and what correct algorithms reached on them."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from msgspec import Meta

from rldoctor import datafile
from rldoctor.datafile import Finite, Positive, Table, Text

FAMILIES = ("ppo", "dqn", "sac")
"""Kinds of algorithm: policy gradient with both kinds of action, value-based, and continuous actor-critic."""
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class ProbeRule(Table, frozen=True):
    """A probe: see the comments in ``checks/probes.toml``."""

    code: Text
    what: Text
    sees: Text
    families: tuple[str, ...] = FAMILIES
    actions: str = ""
    num_envs: Positive = 1


class Part(Table, frozen=True):
    """A part of an implementation that may be faulty, and what is evidence for it."""

    title: Text
    remedy: Text
    weights: dict[str, Finite]
    bias: Finite = 0.0


class Probes(Table, frozen=True):
    """The content of ``checks/probes.toml``."""

    steps: dict[str, Positive]
    gamma: Share
    probe: dict[str, ProbeRule]
    part: dict[str, Part]


class Expected(Table, frozen=True):
    """What correct implementations reached on a probe over seeds, and how far below it is a fault.

    Attributes:
        score: The lowest preference for the right action.
        least_score: Below it a probe fails.
        value_error: The largest error of a value.
        value_tolerance: Above it a probe fails.
        late: The lowest share of right actions in the last quarter of the training.
        least_late: Below it the algorithm still acts at random.
        spread: The lowest spread of actions in the last quarter of a training in which no action is better.
    """

    score: Share = 1.0
    least_score: Share = 0.75
    value_error: Finite = 0.0
    value_tolerance: Finite = 0.3
    late: Share = 1.0
    least_late: Share = 0.6
    spread: Share = 0.5


@cache
def probes() -> Probes:
    """Return the shipped probes and parts.

    Raises:
        UsageError: The file is not valid.
    """
    return datafile.load(datafile.folder("checks") / "probes.toml", Probes)


@cache
def expected(family: str, probe: str) -> Expected:
    """Return what a correct algorithm of a family reaches on a probe."""
    file = datafile.folder("checks") / "probes_expected.toml"
    recorded = datafile.load(file, dict[str, dict[str, Expected]])
    return recorded.get(family, {}).get(probe, Expected())
