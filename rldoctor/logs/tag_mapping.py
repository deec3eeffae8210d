"""The tags of a framework: what it calls each metric, with which sign and scale."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rldoctor.model import Aggregation

STEP_AXES = ("env_steps", "frames", "iterations", "updates", "episodes")
# What a canonical metric is called.
METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a tag holds.

    Attributes:
        metric: Canonical name.
        factor: ``metric = factor * logged value``: sign and scale.
        aggregation: What the value is taken over.
        axis: What the steps of this tag count, where that is not the framework's ``step_axis``; they are stretched to
            the length of the run.
        unused: A value, NaN possibly, that stands for "not measured" where the tag holds no other.
    """

    metric: str
    factor: float = 1.0
    aggregation: Aggregation = Aggregation.MEAN
    axis: str = ""
    unused: float | None = None


@dataclass(frozen=True)
class TagMapping:
    """The tags of one framework.

    Attributes:
        framework: Key of the file, such as ``sb3``.
        title: The framework's name in words.
        step_axis: What its steps count, one of ``STEP_AXES``.
        source: Where the meanings are documented.
        supplement: These tags stand beside those of any framework and never tell which one it is.
        told_by: Tags of which at least one must be there for the framework to be recognised; others, such as
            ``train/loss``, are used by everybody.
        steps_from: Tags that hold the number of environment steps, for a framework whose step axis counts something
            else; the first that is logged is used.
        algorithms: Algorithm to tags of which one tells it; the first algorithm that is told counts. One without tags
            is what the framework trains with where no tag tells otherwise.
        tags: Tag to meaning. Where two tags mean one metric, the one that stands first in the file wins. ``*`` stands
            for one part of a tag between slashes, such as the id of a policy.
        prefixes: Prefix to meaning; the metric is what follows the prefix.
    """

    framework: str
    title: str
    step_axis: str
    source: str
    supplement: bool = False
    told_by: tuple[str, ...] = ()
    steps_from: tuple[str, ...] = ()
    algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, Meaning] = field(default_factory=dict)
    prefixes: Mapping[str, Meaning] = field(default_factory=dict)

    def meaning(self, tag: str) -> Meaning | None:
        """Return what ``tag`` holds, None for a tag that this framework does not log."""
        place = self.place(tag)
        if place is not None:
            return self.tags[place]
        for prefix, meaning in self.prefixes.items():
            metric = tag[len(prefix) :]
            if tag.startswith(prefix) and METRIC_NAME.fullmatch(metric):
                return Meaning(metric, meaning.factor, meaning.aggregation)
        return None

    def place(self, tag: str) -> str | None:
        """Return the key of ``tags`` under which ``tag`` stands."""
        if tag in self.tags:
            return tag
        return next((key for key, pattern in self._patterns if pattern.fullmatch(tag)), None)

    def wants(self, tag: str) -> bool:
        """Tell whether a tag is worth reading: it has a meaning, counts environment steps, or tells the algorithm."""
        telling = any(tag in tags for tags in self.algorithms.values())
        return telling or tag in self.steps_from or self.meaning(tag) is not None

    def tells(self, tags: Collection[str]) -> bool:
        """Tell whether ``tags`` hold one of this framework's own words."""
        return not self.told_by or any(told in tags or any(map(_fits(told), tags)) for told in self.told_by)

    def algorithm(self, tags: Collection[str]) -> str:
        """Return the algorithm that ``tags`` tell, empty where they do not."""
        for algorithm, telling in self.algorithms.items():
            if not telling or any(tag in tags or any(map(_fits(tag), tags)) for tag in telling):
                return algorithm
        return ""

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple((key, _pattern(key)) for key in self.tags if "*" in key)


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, key.split("*"))))


def _fits(key: str) -> Callable[[str], bool]:
    """Return what tells whether a tag fits a key with ``*``; nothing fits one without, which is asked for directly."""
    if "*" not in key:
        return lambda tag: False
    pattern = _pattern(key)
    return lambda tag: pattern.fullmatch(tag) is not None
