"""Trainings an hour, the laboratory's beside Stable-Baselines3's: python -m benchmarks.laboratory.speed

The same recipes and steps: SB3 in two processes of one thread, a training after the other, and the laboratory in two
processes of one thread, a batch of trainings in each. Both with and without what DoctorCallback measures, one way after
the other in each round. CPU time is comparable on a busy machine too; what starts once (imports) is left out of both.
Writes docs/laboratory.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.laboratory.interface import Shapes

PROCESSES = 2
BATCH = 64
# Trainings that SB3 makes in each process of a round.
FEW = 2


@dataclass(frozen=True)
class Way:
    """Who trains what.

    Attributes:
        title: Of the recipe.
        twin: Place in ``TWINS``.
        changes: Of its settings; ``shapes`` replaces its shapes.
        laboratory: Or SB3.
        doctor: Whether DoctorCallback's numbers are measured.
    """

    title: str
    twin: int
    changes: dict[str, Any]
    laboratory: bool
    doctor: bool


RECIPES: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("CartPole-v1, 64x64, 10 epochs, minibatches of 64", 0, {"shapes": Shapes(64, 8, 64, (64, 64), 10_240), "n_epochs": 10}),
    ("CartPole-v1, 32x32, 6 epochs, minibatches of 64", 0, {"shapes": Shapes(64, 8, 64, (32, 32), 10_240), "n_epochs": 6}),
    ("Pendulum-v1, 32x32, 8 epochs, minibatches of 64, VecNormalize", 1, {}),
)  # fmt: skip


def work(way: Way) -> tuple[int, float, float]:
    """Train; return trainings, seconds of CPU and seconds."""
    import dataclasses

    import torch

    from benchmarks.laboratory.train import train
    from benchmarks.laboratory.twins import TWINS, train_with_sb3

    torch.set_num_threads(1)
    changes = dict(way.changes)
    twin = TWINS[way.twin]
    twin = dataclasses.replace(twin, shapes=changes.pop("shapes", twin.shapes), settings={**twin.settings, **changes})
    cpu, begun = time.process_time(), time.perf_counter()
    if way.laboratory:
        train(twin.worlds(BATCH), twin.recipe(BATCH), seed=0, doctor=way.doctor)
    else:
        for seed in range(FEW):
            train_with_sb3(twin, seed, doctor=way.doctor)
    return BATCH if way.laboratory else FEW, time.process_time() - cpu, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    load = os.getloadavg()[0]
    ways = [
        Way(*recipe, laboratory, doctor)
        for recipe in RECIPES
        for doctor in (False, True)
        for laboratory in (False, True)
    ]
    found: dict[int, list[tuple[float, float]]] = {i: [] for i in range(len(ways))}
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for _ in range(rounds):
            for i, way in enumerate(ways):
                # As many tasks as processes, and none is taken twice by one of them while the other waits.
                done = pool.map(work, [way] * PROCESSES, chunksize=1)
                trainings = sum(count for count, _, _ in done)
                found[i].append(
                    (sum(cpu for _, cpu, _ in done) / trainings, max(wall for *_, wall in done) / trainings)
                )
    lines = [
        "| recipe | DoctorCallback | SB3: CPU a training | laboratory | times | by the clock |",
        "|---|---|---|---|---|---|",
    ]
    for i in range(0, len(ways), 2):
        theirs, mine = (([statistics.median(column) for column in zip(*found[k], strict=True)]) for k in (i, i + 1))
        word = "yes" if ways[i].doctor else "no"
        lines.append(
            f"| {ways[i].title} | {word} | {theirs[0]:.2f} s | {mine[0]:.3f} s | {theirs[0] / mine[0]:.0f} | {theirs[1] / mine[1]:.0f} |"
        )
    steps = RECIPES[0][2]["shapes"].total_steps
    note = (
        f"\nTrainings of {steps:,} steps, medians of {rounds} rounds, {BATCH} trainings a batch, {PROCESSES} processes; load of the machine at the "
        f"beginning {load:.1f}."
    )  # fmt: skip
    from benchmarks.laboratory.document import write_section

    write_section("speed", "\n".join([*lines, note]))


if __name__ == "__main__":
    main()
