"""Train with and without faults, and keep what was logged: python -m benchmarks.off_policy.record OUT [--seed 0]

Each batch trains one recipe with some faults and some healthy variations side by side, and is kept as it ends: the command
may be stopped and given again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.off_policy.recipes import RECIPES, VARIANTS

# Trainings of one batch, and the share of them that is healthy.
SIZE, HEALTHY = 24, 0.25
# Costs eight times the updates of the others: in some of the batches only, and then in several trainings.
COSTLY = "updates-many"


def batches(seed: int) -> Iterator[tuple[int, Any, list[tuple[str, str, dict[str, float]]]]]:
    """Yield batches without end: a recipe, and for each training fault, severity and changed settings."""
    from benchmarks.off_policy.faults import FAULTS

    random = np.random.default_rng(seed)
    waiting: dict[str, list[tuple[str, str]]] = {}
    number = 0
    while True:
        for recipe in (RECIPES[i] for i in random.permutation(len(RECIPES))):
            chosen: list[tuple[str, str, dict[str, float]]] = []
            variants = VARIANTS[recipe.algorithm]
            for _ in range(round(HEALTHY * SIZE)):
                chosen.append(("", "", dict(variants[int(random.integers(len(variants)))])))
            queue = waiting.setdefault(recipe.name, [])
            costly = number % 4 == 3
            while len(chosen) < SIZE:
                if not queue:
                    pairs = [(f.name, s) for f in FAULTS if f.fits(recipe) for s in f.severities]
                    queue += [pairs[i] for i in random.permutation(len(pairs))]
                fault, severity = queue.pop()
                if fault != COSTLY:
                    chosen.append((fault, severity, {}))
                elif costly:
                    chosen += [(fault, severity, {}), (fault, severity, {})]
            yield number, recipe, chosen[:SIZE]
            number += 1


def record(number: int, recipe: Any, chosen: list[tuple[str, str, dict[str, float]]], seed: int, out: Path) -> str:
    """Train one batch and keep it; return a line about it."""
    import torch
    from msgspec import structs  # noqa: F401  # as the rulebook does

    from benchmarks.off_policy.faults import BY_NAME
    from benchmarks.off_policy.train import train

    torch.set_num_threads(1)
    # Weights that have died down to denormal numbers would cost a hundred times as much.
    torch.set_flush_denormal(True)
    place = out / f"batch-{seed}-{number}.npz"
    if place.exists():
        return f"{place.name}: there"
    begun = time.process_time()
    from dataclasses import replace

    knobs = [
        BY_NAME[fault].applied(severity, recipe.knobs, recipe) if fault else replace(recipe.knobs, **changed)
        for fault, severity, changed in chosen
    ]
    arrays: dict[str, Any] = {}
    lines = []
    for i, ((fault, severity, changed), result) in enumerate(
        zip(chosen, train(recipe, knobs, seed * 10_000 + number), strict=True)
    ):
        episodes = np.array(result.episodes or [(0, np.nan, np.nan)], np.float64)
        late = episodes[episodes[:, 0] > 0.8 * recipe.steps]
        label = {
            "recipe": recipe.name,
            "algorithm": recipe.algorithm,
            "fault": fault,
            "severity": severity,
            "changed": changed,
            "seed": seed,
            "failed": result.failed,
            "steps": recipe.steps,
            "knobs": dict(vars(knobs[i])),
            "late": [float(np.mean(late[:, c])) if len(late) else float("nan") for c in (1, 2)],
            "first": float(np.mean(episodes[:10, 1])),
            "evaluated": list(result.evaluated),
        }
        arrays[f"{i}|label"] = np.array(json.dumps(label))
        for tag, (steps, values) in result.scalars.items():
            arrays[f"{i}|{tag.replace('/', '|')}"] = np.array([steps, values], np.float32)
        lines.append(
            f"  {fault or 'healthy'} {severity} late {label['late'][0]:.1f} evaluated {result.evaluated[0]:.1f}"
        )
    temporary = place.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    temporary.rename(place)
    return f"{place.name} {recipe.name}: {time.process_time() - begun:.0f} s of CPU\n" + "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batches", type=int, default=10_000)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for number, recipe, faults in batches(chosen.seed):
        if number >= chosen.batches:
            break
        print(record(number, recipe, faults, chosen.seed, chosen.out), flush=True)


if __name__ == "__main__":
    main()
