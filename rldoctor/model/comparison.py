"""Two runs compared: the settings that differ, and where their curves part."""

from __future__ import annotations

from dataclasses import dataclass

from rldoctor.model.enums import Json
from rldoctor.model.results import RankedDiagnosis, Result


@dataclass(frozen=True)
class SettingPair:
    """One setting of two runs.

    Attributes:
        name: Of the normal form, or a file's own key.
        good: The value of the first run; ``None`` where it is not known.
        bad: Of the second.
        good_place: Where the first stands, such as ``in run.json, line 14``.
        bad_place: Where the second stands.
        differs: Whether the two are known and differ.
        causes: What such a difference is known to do: names of diagnoses.
        note: What is usual, where the second value is not; empty elsewhere.
    """

    name: str
    good: Json
    bad: Json
    good_place: str = ""
    bad_place: str = ""
    differs: bool = False
    causes: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Parting:
    """A metric in which two runs part by more than seeds of one recipe do.

    Attributes:
        metric: Its canonical name.
        step: From which step on.
        good: Median of the first run from there on.
        bad: Of the second run.
        from_the_start: Whether they differ from their first points on, before anything was learned.
        by_band: Whether the spread of seeds is that of a reference, beside that of the runs themselves.
    """

    metric: str
    step: int
    good: float
    bad: float
    from_the_start: bool = False
    by_band: bool = False


@dataclass(frozen=True)
class ComparisonResult(Result):
    """Two runs compared; ``path`` is that of the second, ``bad``.

    Attributes:
        good: The run that it is compared with.
        setting_pairs: The settings of both in the normal form, those that differ first.
        partings: The metrics that part, the first to part first.
        diagnoses: What the second run suffers from, as far as the difference does not rule it out.
    """

    kind = "comparison"

    good: str = ""
    setting_pairs: tuple[SettingPair, ...] = ()
    partings: tuple[Parting, ...] = ()
    diagnoses: tuple[RankedDiagnosis, ...] = ()

    @property
    def differences(self) -> tuple[SettingPair, ...]:
        """The settings that differ."""
        return tuple(pair for pair in self.setting_pairs if pair.differs)
