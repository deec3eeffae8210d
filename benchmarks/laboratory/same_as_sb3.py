"""Whether the laboratory trains as Stable-Baselines3 does: python -m benchmarks.laboratory.same_as_sb3 [--record]

Three recipes, 50 seeds with each, and every metric that either logs: at six points of the training, a two-sample
Kolmogorov-Smirnov test says whether the seeds of one and of the other come from the same distribution. Writes the table in
docs/laboratory.md. What SB3 logged is kept beside this file; --record trains the seeds that are missing there (15 s of
CPU each), and --control holds every second seed of SB3 against its others instead.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.laboratory.document import write_section
from benchmarks.laboratory.train import train
from benchmarks.laboratory.twins import TWINS, Twin, train_with_sb3
from rldoctor.model import Curve

KEPT = Path(__file__).with_name("sb3_twins.npz")
SEEDS = 50
# Of the dumps of a training.
PHASES = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
# Depends on the clock.
LEFT_OUT = ("throughput",)
# Share of tests that may reject by chance where both are the same.
LEVEL = 0.05

Table = NDArray[np.float64]


def phases(curves: Mapping[str, Curve], steps: Sequence[int]) -> dict[str, Table]:
    """Return each metric at the steps of the phases; NaN where it is not logged."""
    found = {}
    for name, curve in curves.items():
        at = dict(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))
        found[name] = np.array([at.get(step, math.nan) for step in steps])
    return found


def steps_of(twin: Twin) -> list[int]:
    """Return the steps of the phases."""
    rollout = twin.shapes.n_steps * twin.shapes.n_envs
    dumps = twin.shapes.total_steps // rollout
    return [rollout * max(1, round(share * dumps)) for share in PHASES]


def together(runs: Sequence[Mapping[str, Table]]) -> dict[str, Table]:
    """Return metric to phases of all runs, ``(runs, phases)``."""
    names = sorted({name for run in runs for name in run} - set(LEFT_OUT))
    missing = np.full(len(PHASES), math.nan)
    return {name: np.array([run.get(name, missing) for run in runs]) for name in names}


def record(seeds: int) -> None:
    """Train with SB3 the seeds that are not kept yet, and keep what it logged after each."""
    torch.set_num_threads(1)
    runs = {twin.env: _apart(kept(twin)) if KEPT.is_file() else [] for twin in TWINS}
    for seed in range(min(map(len, runs.values())), seeds):
        for twin in TWINS:
            runs[twin.env].append(phases(train_with_sb3(twin, seed), steps_of(twin)))
        tables = {f"{env}/{name}": table for env, some in runs.items() for name, table in together(some).items()}
        np.savez_compressed(KEPT, **{name: table.astype(np.float32) for name, table in tables.items()})  # type: ignore[arg-type]
        print(f"seed {seed}", flush=True)


def _apart(tables: Mapping[str, Table]) -> list[dict[str, Table]]:
    """Return the runs that ``together`` joined."""
    count = min((len(table) for table in tables.values()), default=0)
    return [{name: table[i] for name, table in tables.items()} for i in range(count)]


def kept(twin: Twin) -> dict[str, Table]:
    """Return what SB3 logged."""
    with np.load(KEPT, allow_pickle=False) as found:
        return {
            name.split("/")[1]: found[name].astype(np.float64)
            for name in found.files
            if name.startswith(f"{twin.env}/")
        }


def laboratory(twin: Twin) -> dict[str, Table]:
    """Return what the laboratory logs."""
    trained = train(twin.worlds(SEEDS), twin.recipe(SEEDS), seed=1)
    return together([phases(one.run.curves, steps_of(twin)) for one in trained])


def kolmogorov_smirnov(left: Table, right: Table) -> float:
    """Return the p of the two-sample test; a value that is not logged (NaN) stands below all others.

    The asymptotic distribution with Stephens' correction (Numerical Recipes, 14.3); with ties it errs towards 1.
    """
    left, right = (np.sort(np.where(np.isnan(values), -np.inf, values)) for values in (left, right))
    points = np.concatenate([left, right])
    parts = [np.searchsorted(values, points, side="right") / len(values) for values in (left, right)]
    distance = float(np.abs(parts[0] - parts[1]).max())
    size = math.sqrt(len(left) * len(right) / (len(left) + len(right)))
    scaled = (size + 0.12 + 0.11 / size) * distance
    if scaled < 0.2:
        return 1.0
    terms = [2 * (-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101)]
    return min(1.0, max(0.0, sum(terms)))


def discoveries(p_values: Sequence[float], level: float = LEVEL) -> int:
    """Return how many tests reject at a false discovery rate of ``level`` (Benjamini and Hochberg 1995)."""
    ordered = sorted(p_values)
    passed = [i for i, p in enumerate(ordered, start=1) if p <= level * i / len(ordered)]
    return max(passed, default=0)


def compare(left: Mapping[str, Table], right: Mapping[str, Table]) -> dict[str, list[float]]:
    """Return the p of each metric at each phase; a metric that only one of both logs is 0."""
    found = {}
    for name in sorted({*left, *right}):
        if name not in left or name not in right:
            found[name] = [0.0]
            continue
        pairs = zip(left[name].T, right[name].T, strict=True)
        found[name] = [kolmogorov_smirnov(_rounded(mine), _rounded(theirs)) for mine, theirs in pairs]
    return found


def _rounded(values: Table) -> Table:
    """Return values to five digits, and 0 for what is 0 but for float32 rounding: settings are the same number then."""
    size = 10.0 ** (4 - np.floor(np.log10(np.maximum(np.abs(values), 1e-300))))
    return np.where(np.abs(values) < 2e-6, 0.0, np.round(values * size) / size)


def row(
    name: str, per_env: Sequence[tuple[Mapping[str, Table], Mapping[str, Table], Mapping[str, list[float]]]]
) -> str:
    """Return a line of the table: medians at the end with both, and the smallest p of all phases."""
    cells = [name]
    for mine, theirs, p_values in per_env:
        if name not in p_values:
            cells += ["", ""]
            continue
        ends = [
            float(np.nanmedian(table[name][:, -1])) if np.isfinite(table[name][:, -1]).any() else math.nan
            for table in (theirs, mine)
            if name in table
        ]
        cells += [" / ".join("-" if math.isnan(end) else f"{end:.3g}" for end in ends), f"{min(p_values[name]):.3f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    if options.record:
        record(options.seeds)
    if not KEPT.is_file():
        parser.exit(3, "Nothing of Stable-Baselines3 is recorded yet: add --record.\n")
    columns, all_p, lines = [], [], []
    for twin in TWINS:
        theirs = kept(twin)
        if options.control:
            mine, theirs = ({name: table[part::2] for name, table in theirs.items()} for part in (0, 1))
        else:
            mine = laboratory(twin)
        p_values = compare(mine, theirs)
        columns.append((mine, theirs, p_values))
        flat = [p for some in p_values.values() for p in some]
        all_p += flat
        low = sum(p < LEVEL for p in flat)
        lines.append(
            f"| {twin.env} | {len(p_values)} | {len(flat)} | {low} ({low / len(flat):.1%}) | {min(flat):.4f} | {discoveries(flat)} |"
        )
        for name, some in p_values.items():
            if min(some) < LEVEL / len(some):
                print(twin.env, name, [f"{p:.4f}" for p in some])
    names = sorted({name for _, _, p_values in columns for name in p_values})
    low = sum(p < LEVEL for p in all_p)
    lines.append(
        f"| all | {len(names)} | {len(all_p)} | {low} ({low / len(all_p):.1%}) | {min(all_p):.4f} | {discoveries(all_p)} |"
    )
    summary = [
        "| environment | metrics | tests | p below 0.05 | smallest p | differ (false discovery rate 5 %) |",
        "|---|---|---|---|---|---|",
        *lines,
    ]
    head = "| metric | " + " | ".join(f"{twin.env}: SB3 / laboratory | p" for twin in TWINS) + " |"
    detail = [head, "|---" * (1 + 2 * len(TWINS)) + "|", *(row(name, columns) for name in names)]
    text = "\n".join([*summary, "", *detail])
    if options.control:
        print("\n".join(summary))
        return
    write_section("same as Stable-Baselines3", text)


if __name__ == "__main__":
    main()
