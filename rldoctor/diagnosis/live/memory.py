"""What a training has logged so far, as the run that reading its logs would give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rldoctor.logs.curves import to_curves
from rldoctor.logs.frameworks import identify, shipped_tag_mappings
from rldoctor.logs.series import Series
from rldoctor.model import Json, Run
from rldoctor.model.settings import Settings


class Memory:
    """The scalars of one training, in bounded memory.

    Args:
        framework: What logs, where that is known: a key of ``checks/tags/``.
    """

    def __init__(self, framework: str = "") -> None:
        self._framework = framework
        self._series: dict[str, Series] = {}
        self.added = 0
        """How many points were ever added."""

    def add(self, tag: str, step: int, value: float) -> None:
        """Add a point; a step below the last one of its tag begins that tag anew."""
        self.added += 1
        series = self._series.get(tag)
        if series is None or (len(series) and step < series.steps[-1]):
            series = self._series[tag] = Series()
        series.add(step, value)

    def clear(self) -> None:
        """Forget everything: another training begins."""
        self._series.clear()

    def values(self, tag: str) -> list[float]:
        """Return the values of a tag, none where it was not logged."""
        return self._series[tag].values.tolist() if tag in self._series else []

    def __iter__(self) -> Iterator[str]:
        """Iterate over the tags."""
        return iter(self._series)

    @property
    def points(self) -> int:
        """Points of the longest curve."""
        return max(map(len, self._series.values()), default=0)

    @property
    def step(self) -> int:
        """The last step; 0 before there is any."""
        return max((series.steps[-1] for series in self._series.values() if len(series)), default=0)

    def run(self, path: str, record: Mapping[str, Json] | None = None, settings: Settings | None = None) -> Run:
        """Return the run so far, as reading its logs and the files beside them would."""
        points = {tag: series.points() for tag, series in self._series.items() if len(series)}
        mappings = shipped_tag_mappings()
        named = next((mapping for mapping in mappings if mapping.framework == self._framework), None)
        found = identify(points, mappings, named)
        used = [mapping for mapping in mappings if mapping.supplement or (found and mapping is found.mapping)]
        curves, unknown = to_curves(points, used)
        return Run(
            path,
            found.mapping.framework if found else "",
            curves,
            tuple(unknown),
            record=record or {},
            algorithm=found.mapping.algorithm(points.keys()) if found else "",
            step_axis=found.mapping.step_axis if found else "env_steps",
            settings=settings,
            tags_known=(found.known, found.logged) if found else (0, len(points)),
        )
