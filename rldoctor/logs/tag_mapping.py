"""Tag mappings: what a framework calls each metric, with which sign and scale; ``checks/tags/*.toml``."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from rldoctor import datafile
from rldoctor.datafile import Table, Text
from rldoctor.errors import UsageError
from rldoctor.model import Aggregation

StepAxis = Literal["env_steps", "frames", "iterations", "updates", "episodes"]
_METRIC_NAME = re.compile(r"[a-z][a-z0-9_]*")
# Tags of which a mapping remembers what it says; a hostile file may hold many more.
_MOST_REMEMBERED = 4096
# A family of metrics: whatever the environment calls its parts is the name of one. The curve is "term/feet_air_time".
Family = Literal["term", "termination", "curriculum", "measure", "loss"]


class _Scale(Table, frozen=True):
    """How a logged value becomes a metric.

    Attributes:
        sign: ``metric = sign * scale * logged value``.
        scale: As above.
        aggregation: What the value is taken over.
        axis: What the steps of this tag count, where that is not the framework's ``step_axis``; they are stretched to
            the length of the run.
        unused: A value, NaN possibly, that stands for "not measured" where the tag holds no other; NaN does so before
            the first number as well, as in the rows before the first update.
        note: For readers of the file.
    """

    aggregation: Aggregation
    sign: Literal[1, -1] = 1
    scale: Annotated[float, Meta(gt=0, le=1e308)] = 1.0
    axis: StepAxis | None = None
    unused: float | None = None
    note: str = ""

    @property
    def factor(self) -> float:
        """``metric = factor * logged value``."""
        return self.sign * self.scale


class Meaning(_Scale, frozen=True, kw_only=True):
    """What a tag holds: a metric, by its canonical name.

    Attributes:
        metric: The metric.
        otherwise: The metric that the tag holds where one that stands before it in the file gives ``metric``: a return
            with a penalty in it is ``shaped_return`` where the raw one is logged.
        beside: Another tag to the metric that the tag holds where that one is logged too.
    """

    metric: str
    otherwise: str = ""
    beside: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a metric whose name no rule could use."""
        others = [("beside", name) for name in self.beside.values()]
        for key, name in (("metric", self.metric), ("otherwise", self.otherwise or self.metric), *others):
            if not _METRIC_NAME.fullmatch(name.partition("/")[0]):
                raise ValueError(f"{key} = {name!r} must be a name of lower-case letters, digits and _")


class FamilyPattern(_Scale, frozen=True, kw_only=True):
    """What the tags of a pattern hold: a metric of a family, which is called what stands at the ``*``.

    Attributes:
        family: ``term`` of the reward, reason of a ``termination``, level of a ``curriculum``, any other ``measure`` of
            the task, or a ``loss`` of any name.
        suite: The collection of environments that logs such tags, a key of ``suites`` in ``checks/advice.toml``.
    """

    family: Family
    suite: str = ""


class _About(NamedTuple):
    """What a mapping says of one tag, as the methods of the same names return it."""

    place: str | None
    meaning: Meaning | None
    ignored: bool
    wanted: bool
    suite: str


class TagMapping(Table, frozen=True, dict=True, eq=False):
    """The tags of one framework.

    Attributes:
        framework: The name of the file, such as ``sb3``.
        title: The framework's name in words.
        step_axis: What its steps count.
        source: Where the meanings are documented.
        supplement: Whether these tags are logged beside those of any framework and never identify one.
        identified_by: Tags of which at least one must be logged for the framework to be recognised; others, such as
            ``train/loss``, are used by everybody.
        steps_from: Tags that hold the number of environment steps, for a framework whose step axis counts something
            else; the first that is logged is used.
        algorithms: Algorithm to tags of which one identifies it; the first that fits counts. One without tags is the
            default.
        tags: Tag to meaning. Where two tags mean one metric, the one that stands first in the file wins. ``*`` stands
            for one part of a tag between slashes, such as the id of a policy.
        prefixes: Prefix to meaning; the metric is what follows the prefix.
        families: Pattern to the family whose members fit it; ``*`` stands for the name of the member, which may have
            slashes. The first that fits counts.
        ignored: Patterns of tags that are known to say nothing of how training goes, such as durations. ``*`` stands
            for anything.
    """

    framework: Text
    title: Text
    step_axis: StepAxis
    source: Text
    supplement: bool = False
    identified_by: tuple[str, ...] = ()
    steps_from: tuple[str, ...] = ()
    algorithms: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    tags: dict[str, Meaning] = msgspec.field(default_factory=dict)
    prefixes: dict[str, _Scale] = msgspec.field(default_factory=dict)
    families: dict[str, FamilyPattern] = msgspec.field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an identifying tag without a meaning."""
        for tag in self.identified_by:
            if tag not in self.tags:
                raise ValueError(f"identified_by has {tag!r}, which is not in [tags]")
        for key in self.families:
            if key.count("*") != 1:
                raise ValueError(f"families has {key!r}, which must have one * where the name stands")

    def meaning(self, tag: str) -> Meaning | None:
        """Return what ``tag`` holds, ``None`` for a tag that this framework does not log."""
        return self._about(tag).meaning

    def ignores(self, tag: str) -> bool:
        """Return whether a tag is known to say nothing of how training goes."""
        return self._about(tag).ignored

    def suite(self, tag: str) -> str:
        """Return which collection of environments logs ``tag``; empty where that is not known."""
        return self._about(tag).suite

    def place(self, tag: str) -> str | None:
        """Return the key of ``tags`` that fits ``tag``."""
        return self._about(tag).place

    def wants(self, tag: str) -> bool:
        """Return whether a tag is used: it has a meaning, counts environment steps, or identifies the algorithm."""
        return self._about(tag).wanted

    def knows(self, tag: str) -> bool:
        """Return whether a tag is used, or known to be of no use."""
        about = self._about(tag)
        return about.wanted or about.ignored

    def _about(self, tag: str) -> _About:
        """Return what this mapping says of a tag; runs log the same few again and again."""
        try:
            return self._remembered[tag]
        except KeyError:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[tag] = self._work_out(tag)
            return found

    def _work_out(self, tag: str) -> _About:
        place = self._place(tag)
        ignored = tag not in self.tags and any(pattern.fits(tag) for pattern in self._ignored)
        meaning = self._meaning(tag, place, ignored)
        identifies = any(tag in tags for tags in self.algorithms.values())
        return _About(
            place,
            meaning,
            ignored,
            identifies or tag in self.steps_from or meaning is not None,
            next((family.suite for pattern, family in self._family_patterns if pattern.named(tag)), ""),
        )

    def _place(self, tag: str) -> str | None:
        if tag in self.tags:
            return tag
        return next((key for key, pattern in self._patterns if pattern.fits_part(tag)), None)

    def _meaning(self, tag: str, place: str | None, ignored: bool) -> Meaning | None:
        if place is not None:
            return self.tags[place]
        for prefix, scale in self.prefixes.items():
            metric = tag[len(prefix) :]
            if tag.startswith(prefix) and _METRIC_NAME.fullmatch(metric):
                return Meaning(metric=metric, **msgspec.structs.asdict(scale))
        if ignored:
            return None
        for pattern, family in self._family_patterns:
            name = pattern.named(tag)
            if name:
                known = msgspec.structs.asdict(family)
                metric = f"{known.pop('family')}/{name}"
                del known["suite"]
                return Meaning(metric=metric, **known)
        return None

    def fits(self, tags: Collection[str]) -> bool:
        """Return whether ``tags`` identify this framework."""
        return not self.identified_by or _any_logged(self.identified_by, tags)

    def algorithm(self, tags: Collection[str]) -> str:
        """Return the algorithm that ``tags`` identify, empty where they do not."""
        fitting = (name for name, own in self.algorithms.items() if not own or _any_logged(own, tags))
        return next(fitting, "")

    @cached_property
    def _remembered(self) -> dict[str, _About]:
        return {}

    @cached_property
    def _patterns(self) -> tuple[tuple[str, _Pattern], ...]:
        return tuple((key, _pattern(key)) for key in self.tags if "*" in key)

    @cached_property
    def _family_patterns(self) -> tuple[tuple[_Pattern, FamilyPattern], ...]:
        return tuple((_pattern(key), family) for key, family in self.families.items())

    @cached_property
    def _ignored(self) -> tuple[_Pattern, ...]:
        return tuple(_pattern(key) for key in self.ignored)


class _Pattern(NamedTuple):
    """The parts of a pattern between its stars. Regular expressions take longer to compile than most runs to read."""

    parts: tuple[str, ...]

    def fits(self, tag: str) -> bool:
        """Return whether ``tag`` is the pattern with anything at the stars."""
        if len(self.parts) == 1:
            return tag == self.parts[0]
        head, *middle, tail = self.parts
        at, end = len(head), len(tag) - len(tail)
        if at > end or not (tag.startswith(head) and tag.endswith(tail)):
            return False
        for part in middle:
            found = tag.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    def named(self, tag: str) -> str:
        """Return what stands at the one star of the pattern; empty where ``tag`` does not fit."""
        return tag[len(self.parts[0]) : len(tag) - len(self.parts[1])] if self.fits(tag) else ""

    def fits_part(self, tag: str) -> bool:
        """Return whether ``tag`` is the pattern with one part of a tag, between slashes, at each star."""
        if len(self.parts) == 2:
            name = self.named(tag)
            return bool(name) and "/" not in name
        return re.fullmatch("[^/]+".join(map(re.escape, self.parts)), tag) is not None


@cache
def _pattern(key: str) -> _Pattern:
    return _Pattern(tuple(key.split("*")))


def _any_logged(keys: Collection[str], tags: Collection[str]) -> bool:
    """Return whether one of ``keys``, which may hold ``*``, is among ``tags``."""
    patterns = [_pattern(key) for key in keys if "*" in key]
    return any(key in tags for key in keys) or any(p.fits_part(tag) for p in patterns for tag in tags)


def load_tag_mapping(path: Path) -> TagMapping:
    """Read one tag mapping.

    Raises:
        UsageError: The file is not TOML, or a key or value is not allowed.
    """
    data = datafile.read_toml(path, "tag mapping")
    mapping = datafile.check(data, TagMapping, str(path), renamed={"told_by": "identified_by"})
    if mapping.framework != path.stem:
        raise UsageError(f"{path}: framework = {mapping.framework!r} must be the name of the file, {path.stem!r}.")
    return mapping
