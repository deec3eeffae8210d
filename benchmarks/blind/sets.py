"""Which blind trainings are made: each healthy run and each pair of a task and a fault, with its seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.blind.faults import FAULTS, Broken
from benchmarks.blind.tasks import TASKS, Task


@dataclass(frozen=True)
class Planned:
    """A training that is to be made."""

    task: str
    fault: str
    seed: int
    algorithm: str = "ppo"
    csv: bool = False

    @property
    def name(self) -> str:
        return f"{self.task}/{self.algorithm}-{self.fault}-{self.seed}"

    @property
    def of_task(self) -> Task:
        return TASKS[self.task]

    @property
    def broken(self) -> Broken:
        return FAULTS[self.fault]


def _planned(pairs: Mapping[str, Sequence[str]], seed: int, healthy: int) -> list[Planned]:
    """Return the trainings of each task: ``healthy`` healthy ones and its faults. Every fourth logs as CSV."""
    found = []
    for task, faults in pairs.items():
        names = [*["healthy"] * healthy, *faults]
        for place, name in enumerate(names):
            algorithm, _, fault = name.rpartition(" ")
            own = seed + place if fault == "healthy" else seed + 10 + place
            found.append(Planned(task, fault, own, algorithm or "ppo", csv=len(found) % 4 == 3))
    return found


FIRST = {
    "point-goal": ("goal-hidden", "actions-flipped", "reward-large", "observations-unscaled", "learning-rate-raised"),
    "tanks": (
        "critic-frozen",
        "reward-noise",
        "gamma-zero",
        "actions-delayed",
        "exploration-dead",
        "a2c healthy",
        "a2c learning-rate-high",
    ),
    "warehouse": ("statistics-frozen", "reward-small", "reward-random", "learning-rate-high"),
    "advertisements": ("learning-rate-high", "reward-noise", "observations-noisy", "advantage-sign"),
    "balls": ("gamma-zero", "policy-frozen", "stale-data", "reward-constant", "a2c healthy", "a2c advantage-sign"),
    "mini-grid": ("entropy-bonus", "clip-range-low", "observations-shuffled", "advantages-shuffled"),
    "mountain-car-shaped": ("learning-rate-low", "reward-sign", "observations-frozen", "epochs-many"),
}
SECOND = {
    "chase": ("healthy", "gamma-zero", "observations-noisy", "advantage-sign"),
    "point-goal": ("advantage-sign", "actions-tiny", "gradient-clipped"),
    "tanks": ("reward-sign", "observations-frozen"),
    "warehouse": ("actions-ignored", "entropy-bonus"),
    "advertisements": ("reward-random",),
    "balls": ("observations-shuffled", "reward-small"),
    "mini-grid": ("learning-rate-high", "critic-not-trained"),
    "mountain-car-shaped": ("actions-flipped",),
}
SETS = {"first": _planned(FIRST, 0, 2), "second": _planned(SECOND, 40, 1)}
