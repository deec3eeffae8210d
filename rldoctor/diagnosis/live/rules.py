"""When and how firmly a training that runs is judged: ``checks/live.toml``."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from msgspec import Meta

from rldoctor import datafile
from rldoctor.datafile import Positive, Table

Share = Annotated[float, Meta(gt=0, le=1)]


class Warn(Table, frozen=True):
    """When a run is warned about; ``checks/live.toml`` says what the keys mean."""

    examinations: Positive
    probability: Share
    clear: Share


class Sick(Table, frozen=True):
    """When a run is called sick."""

    examinations: Positive
    probability: Share
    signs: Positive
    more_for_one_sign: Positive
    errors: Positive


class Late(Table, frozen=True, rename={"begins": "from"}):
    """Signs that healthy runs show until they begin to learn, some of them in trainings of one kind of method alone."""

    begins: Share
    signs: frozenset[str]
    on_policy: frozenset[str]
    off_policy: frozenset[str]

    def still(self, share: float | None, family: str = "") -> frozenset[str]:
        """Return the signs that say nothing by themselves after a share of the plan.

        Args:
            share: ``None`` where the plan is unknown.
            family: Of the algorithm, as ``checks/algorithms.toml`` has it: empty for PPO and its kin.
        """
        if share is not None and share >= self.begins:
            return frozenset()
        return self.signs | (self.off_policy if family else self.on_policy)


class LiveRules(Table, frozen=True):
    """``checks/live.toml``."""

    early_every: Share
    early_until: Share
    late_every: Share
    points_growth: Annotated[float, Meta(gt=1, le=10)]
    fewest_points: Positive
    strong: Share
    warn: Warn
    sick: Sick
    withdraw: Positive
    never_stops: tuple[str, ...]
    late: Late


@cache
def live_rules() -> LiveRules:
    """Return the shipped rules.

    Raises:
        UsageError: The file is not valid.
    """
    return datafile.load(datafile.folder("checks") / "live.toml", LiveRules)
