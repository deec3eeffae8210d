"""Record the runs in tests/runs: python -m benchmarks.record_corpus [--jobs 2] [--only REGEX] [--work DIR]

Trains every fault of the laboratory on three environments, and healthy runs with varied recipes. Trainings are
kept in --work (finished ones are not repeated); event files, run.json and label.json are copied to tests/runs. About
three hours on two cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import TESTS
from rldoctor.experiments.faults import all_faults, find, train_with_fault
from rldoctor.references import load_recipe

CORPUS = TESTS / "runs"
# Fault runs of each environment: the recipe, how many steps of it, and the seeds.
BROKEN = {
    "fetch_reach_dense/quick": (None, (100, 101)),
    "cartpole/zoo": (30_000, (100, 101)),
    "pendulum/zoo": (40_000, (100, 101)),
}
# 102 and 70 to 74 have been used with earlier weights.
FRESH_BROKEN, FRESH_HEALTHY = (103,), range(75, 80)
MILD_TOO = ("learning-rate-high", "learning-rate-low", "reward-times-large", "reward-times-small", "observations-noisy")
# The chapter's own recipe is slow: only some faults with which it still learns, and a few with which it does not.
CHAPTER = ("fetch_reach_dense/chapter", 0)
CHAPTER_FAULTS = {
    150_000: ("learning-rate-high:mild", "entropy-bonus-high:mild", "value-loss-ignored:full"),
    80_000: ("learning-rate-high:strong", "learning-rate-low:zero"),
}
# Healthy runs: recipe, seeds that the bands were not made from, and recipes that differ from the reference's.
HEALTHY = {
    "fetch_reach_dense/quick": {
        "as-recorded": ((), range(20, 32)),
        "batch-256": (("batch_size=256",), range(40, 43)),
        "n-steps-128": (("n_steps=128",), range(43, 46)),
        "constant-rate": (("learning_rate=1e-3", "learning_rate_schedule=constant"), range(46, 49)),
        "clip-0.1": (("clip_range=0.1",), range(49, 52)),
        "clip-0.4": (("clip_range=0.4",), range(52, 55)),
        "net-32": (("net_arch=32 32",), range(55, 58)),
        "gamma-0.9": (("gamma=0.9",), range(58, 61)),
        "epochs-20": (("n_epochs=20",), range(61, 64)),
        "longer": (("total_steps=40000",), range(64, 66)),
    },
    "fetch_reach_dense/chapter": {
        **{
            name: (("total_steps=80000", *settings), (20,))
            for name, settings in {
                "as-recorded": (),
                # To its end, where approx_kl and clip_fraction leave the chapter's ranges.
                "whole": ("total_steps=500000",),
                "clip-0.1": ("clip_range=0.1",),
                "clip-0.4": ("clip_range=0.4",),
                # With 80,000 steps it has not shown yet that it learns.
                "rate-1e-4": ("learning_rate=1e-4", "total_steps=300000"),
                "gamma-0.95": ("gamma=0.95",),
                "net-32": ("net_arch=32 32",),
                "sb3-defaults-8-envs": ("n_steps=2048", "batch_size=64"),
                "sb3-defaults-1-env": ("n_envs=1", "n_steps=2048", "batch_size=64"),
            }.items()
        },
    },
    "cartpole/zoo": {
        "as-recorded": ((), range(20, 24)),
        "constant-rate": (
            ("learning_rate=3e-4", "learning_rate_schedule=constant", "clip_range_schedule=constant"),
            (40, 41),
        ),
        "clip-0.1": (("clip_range=0.1",), (42, 43)),
        "clip-0.4": (("clip_range=0.4",), (44, 45)),
        "sb3-defaults": (
            (
                *("n_envs=1", "n_steps=2048", "batch_size=64", "n_epochs=10", "gae_lambda=0.95", "gamma=0.99"),
                *("learning_rate=3e-4", "learning_rate_schedule=constant", "clip_range_schedule=constant"),
            ),
            (46, 47),
        ),
    },
    "pendulum/zoo": {
        "as-recorded": ((), range(20, 24)),
        "no-sde": (("use_sde=false",), (40, 41)),
        "clip-0.1": (("clip_range=0.1",), (42, 43)),
        "clip-0.4": (("clip_range=0.4",), (44, 45)),
        "net-32": (("net_arch=32 32",), (46, 47)),
    },
}


@dataclass(frozen=True)
class Job:
    """One run to record."""

    place: str
    reference: str
    settings: tuple[str, ...]
    seed: int
    fault: str = ""
    severity: str = ""


def plan(fresh: bool = False) -> list[Job]:
    """Return the runs of the corpus, or (``fresh``) runs with seeds that were not used while writing signs."""
    jobs = []
    for reference, variants in HEALTHY.items():
        for name, (settings, seeds) in variants.items():
            chosen = FRESH_HEALTHY if fresh else seeds
            if not fresh or (reference in BROKEN and name == "as-recorded"):
                jobs += [Job(f"healthy/{reference}/{name}-{seed}", reference, settings, seed) for seed in chosen]
    for reference, (steps, recorded) in BROKEN.items():
        seeds = FRESH_BROKEN if fresh else recorded
        recipe = load_recipe(reference)
        settings = (f"total_steps={steps}",) if steps else ()
        for fault in all_faults():
            if fault.only and recipe.env not in fault.only:
                continue
            group = f"sick/{fault.diagnoses[0]}" if fault.diagnoses else "benign"
            for severity in fault.severities:
                strongest = severity == list(fault.severities)[-1]
                # A second seed, and environments other than FetchReach, get the strongest severity alone, and the
                # others of a few faults whose mild form is what people meet.
                for seed in seeds if strongest else seeds[:1]:
                    if not (strongest or (not fresh and (steps is None or fault.name in MILD_TOO))):
                        continue
                    place = f"{group}/{reference.split('/')[0]}-{fault.name}-{severity}-{seed}"
                    jobs.append(Job(place, reference, settings, seed, fault.name, severity))
    if fresh:
        return jobs
    reference, seed = CHAPTER
    for steps, faults in CHAPTER_FAULTS.items():
        for name, _, severity in (fault.partition(":") for fault in faults):
            place = f"sick/{find(name).diagnoses[0]}/chapter-{name}-{severity}-{seed}"
            jobs.append(Job(place, reference, (f"total_steps={steps}",), seed, name, severity))
    return jobs


def record(job: Job, work: Path) -> str:
    directory = work / job.place
    recorded = directory / "run.json"
    if recorded.is_file() and json.loads(recorded.read_text())["status"] != "running":
        return job.place
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    recipe = load_recipe(job.reference).with_overrides(job.settings)
    train_with_fault(recipe, find(job.fault) if job.fault else None, job.severity, directory, job.seed)
    return job.place


def keep(place: str, work: Path, corpus: Path) -> None:
    target = corpus / place
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for path in (work / place).iterdir():
        if "tfevents" in path.name or path.name in ("run.json", "label.json"):
            shutil.copyfile(path, target / path.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only places in which this regular expression is found")
    parser.add_argument("--work", type=Path, default=Path("runs/corpus"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument(
        "--fresh", type=Path, help="record other seeds of the strongest faults into this folder instead"
    )
    chosen = parser.parse_args()
    jobs = [job for job in plan(chosen.fresh is not None) if re.search(chosen.only, job.place)]
    if chosen.list:
        print("\n".join(job.place for job in jobs))
        return
    context = multiprocessing.get_context("spawn")
    # New processes now and then, because MuJoCo's memory grows; Pool, because ProcessPoolExecutor hangs over that.
    with context.Pool(chosen.jobs, maxtasksperchild=20) as pool:
        for place in pool.imap(partial(record, work=chosen.work), jobs):
            keep(place, chosen.work, chosen.fresh or CORPUS)
            print(place, flush=True)


if __name__ == "__main__":
    main()
