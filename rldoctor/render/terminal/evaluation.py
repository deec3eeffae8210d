"""An evaluation as a small table: the policy beside the two baselines, on the same episodes."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from rldoctor.model import Json
from rldoctor.render.wording import number

_ROWS = (
    ("success rate", "success_rate", ""),
    ("mean return", "return_mean", ""),
    ("final distance", "final_distance_mean", "m"),
    ("episodes", "n_episodes", ""),
)


def table(evaluation: Mapping[str, Json]) -> Table:
    """Return the table of an ``evaluation.json``; numbers that the environment does not have are dashes."""
    policies = {"policy": evaluation.get("aggregate"), **_mapping(evaluation.get("baselines"))}
    result = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    result.add_column("deterministic evaluation", style="bold")
    for name in policies:
        result.add_column(name.replace("_", " "), justify="right")
    for title, key, unit in _ROWS:
        cells = [_mapping(numbers).get(key) for numbers in policies.values()]
        if any(cell is not None for cell in cells):
            result.add_row(title, *(number(float(str(c)), unit) if c is not None else "-" for c in cells))
    return result


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
