"""The tables of docs/laboratory.md: python -m benchmarks.laboratory.tables [laboratory.parquet]

With the file of a generation, the tables also say how the trainings went.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.laboratory import recipes
from benchmarks.laboratory.document import write_section
from benchmarks.laboratory.environments import WORLDS, World
from benchmarks.laboratory.faults import ALL
from benchmarks.laboratory.harm import RELIABLE

Rows = list[Mapping[str, Any]]


def trainings(path: Path) -> tuple[Rows, dict[str, dict[str, Any]]]:
    """Return one row a training, and where harm begins on each environment, from the file of a generation."""
    import pyarrow.parquet

    names = ["environment", "steps", "faults", "severities", "learned", "harmed", "view", "share"]
    table = pyarrow.parquet.read_table(path, columns=names)
    lines = json.loads((pyarrow.parquet.read_schema(path).metadata or {})[b"lines"])
    return [row for row in table.to_pylist() if row["view"] == "plain" and row["share"] == 1.0], lines


def environments(rows: Rows, lines: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of environments."""
    head = ["environment", "observation, action", "steps of an episode", "success", "ends early", "steps of a training"]
    found = []
    for name in sorted(recipes.GOOD):
        world, good = WORLDS[name], recipes.GOOD[name]
        cells = [
            name,
            f"{world.observation_size}, {_actions(world)}",
            f"{world.horizon}",
            _yes(world.has_success),
            _yes(world.ends),
            " or ".join(f"{steps:,}" for steps in good.steps),
        ]
        if rows:
            here = [row for row in rows if row["environment"] == name]
            healthy = [row for row in here if not row["faults"]]
            learned = sum(row["learned"] or False for row in healthy)
            line = lines.get(name)
            cells += [
                f"{len(here)}",
                f"{learned} of {len(healthy)}",
                "success" if line and line["by_success"] else "return",
                f"{line['start']:.3g}, {line['best']:.3g}" if line else "",
                f"{line['harmed']['0']:.3g}" if line and line["share_learned"] >= RELIABLE else "not judged",
            ]
        found.append(cells)
    if rows:
        head += ["trainings", "healthy that learned", "judged by", "at first, best", "harmed below"]
    return _table(head, found)


def _actions(world: type[World]) -> str:
    return f"one of {world.action_size}" if world.discrete else f"{world.action_size} continuous"


def recipe_table() -> str:
    """Return the table of recipes."""
    found = []
    for name in sorted(recipes.GOOD):
        good = recipes.GOOD[name]
        found.append(
            [
                name,
                f"{max(good.rate / good.spread, 1e-4):.1e} to {min(good.rate * good.spread, 3e-3):.1e}",
                f"{1 - (1 - good.gamma) * 1.7:.3g} to {1 - (1 - good.gamma) / 1.7:.3g}",
                f"{good.gae_lambda[0]} to {good.gae_lambda[1]}",
                f"{good.epochs[0]} to {good.epochs[1]}",
                ", ".join(map(str, good.envs)),
                ", ".join(map(str, good.rollout)),
                f"{good.normal_observation:.0%}, {good.normal_reward:.0%}",
            ]
        )
    head = ["environment", "learning_rate", "gamma", "gae_lambda", "n_epochs", "n_envs", "rollout"]
    return _table([*head, "normalised: observations, rewards"], found)


def fault_table(rows: Rows) -> str:
    """Return the table of faults."""
    alone = defaultdict(list)
    for row in rows:
        if len(row["faults"]) == 1:
            alone[row["faults"][0]].append(row)
    found = []
    for fault in ALL.values():
        low, high = fault.knob.low, min(fault.knob.high, fault.knob.most)
        cells = [
            fault.group,
            f"{fault.name}",
            fault.breaks,
            "" if low == high else f"{low:g} to {high:g}",
            ", ".join(fault.right) or "none: PPO copes",
            fault.source,
        ]
        if rows:
            made = alone[fault.name]
            cells += [f"{len(made)}", f"{sum(row['harmed'] or False for row in made) / len(made):.0%}" if made else ""]
        found.append(cells)
    head = ["group", "fault", "what is broken", "strength", "right diagnoses", "described by"]
    return _table([*head, *(["trainings", "harmed"] if rows else [])], found)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main() -> None:
    rows, lines = trainings(Path(sys.argv[1])) if len(sys.argv) > 1 else ([], {})
    write_section("environments", environments(rows, lines))
    write_section("recipes", recipe_table())
    write_section("faults", fault_table(rows))


if __name__ == "__main__":
    main()
