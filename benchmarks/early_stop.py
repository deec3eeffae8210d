"""When a trial of a treatment is ended as well, on recorded runs: python -m benchmarks.early_stop

Nothing is trained. Each run of tests/runs that a hyperparameter fault harms is taken as the sick run of a treatment; the
recorded healthy runs of the same recipe, and then every harmed run of it, are shown to the watch of a trial as though
they were the trial. A harmed run that the watch ends as well would be a false cure: what a wrong remedy leads to. Pairs of
the same fault are wrong remedies that change nothing. Some two minutes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.corpus import RecordedRun, recorded_runs
from rldoctor import references
from rldoctor.experiments.faults import find
from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.reference_comparison import OUTCOMES, ReferenceComparison, compare_with
from rldoctor.run_record import RunRecord, json_table
from rldoctor.training.training_callback import Silent

# Logs that do not show one whole run.
LOGS = ("two-runs-in-one-directory", "killed-early", "step-axis-reset")
# Faults that falsify the logged return: no remedy of a setting leads to them.
_FALSIFIED = ("reward-", "horizon-")
# Vector steps between two reports of a training to its watch.
_EVERY = 32


@dataclass(frozen=True)
class EarlyStops:
    """What the watch makes of recorded runs.

    Attributes:
        shares: For each sick run the median share of a whole training at which healthy trials are ended as well; 1 for
            one that is not.
        healthy: Of all healthy trials, how many are ended as well, and how many there are.
        harmed: The same of harmed runs: of the settings, of those whose logged return is true, and of all.
    """

    shares: Sequence[float]
    healthy: tuple[int, int]
    harmed: dict[str, tuple[int, int]]


def end_of(comparison: ReferenceComparison, trial: RecordedRun, n_envs: int) -> float | None:
    """Return at which share of a whole training the watch ends a trial as well; ``None`` if it does not."""
    watch = TrialWatch(comparison, Silent(), 10 * comparison.total_steps, stops_behind=False)
    curves = {m: trial.run.curves[m].finite() for m in OUTCOMES if m in trial.run.curves}
    last = min(trial.run.last_step, int(1.03 * comparison.total_steps))
    for steps in range(_EVERY * n_envs, last + 1, _EVERY * n_envs):
        known = {m: c for m, c in curves.items() if len(c) and c.steps[0] <= steps}
        watch.progressed(steps, {m: float(np.interp(steps, c.steps, c.values)) for m, c in known.items()})
        if watch.decision:
            return steps / comparison.total_steps
    return None


def recipe_of(recorded: RecordedRun) -> str:
    return str(json_table(recorded.run.record, "recipe").get("name", ""))


def pairs(sick: RecordedRun, trials: Sequence[RecordedRun]) -> Iterator[tuple[RecordedRun, float | None]]:
    """Show each of ``trials`` to the watch of a treatment of ``sick``."""
    reference = references.load(recipe_of(sick))
    record = RunRecord(sick.run.record)
    comparison = compare_with(sick.run, reference, int(str(record.recipe_table["total_steps"])))
    for trial in trials:
        yield trial, end_of(comparison, trial, reference.recipe.n_envs)


def is_of_the_recipe(recorded: RecordedRun) -> bool:
    return find(recorded.fault).settings is not None and recorded.fault not in LOGS


def measure() -> EarlyStops:
    """Return what the watch makes of the recorded runs."""
    corpus = recorded_runs()
    harmed = [p for p in corpus if p.harmed and p.fault not in LOGS]
    healthy = [p for p in corpus if not p.fault and p.name.split("/")[-1].startswith(("as-recorded", "whole"))]
    shares, good, well, shown = [], Counter[str](), Counter[str](), Counter[str]()
    for sick in filter(is_of_the_recipe, harmed):
        ends = [end for p, end in pairs(sick, [p for p in healthy if recipe_of(p) == recipe_of(sick)])]
        shares.append(float(np.median([1.0 if end is None else end for end in ends])))
        good.update(ended=sum(end is not None for end in ends), shown=len(ends))
        for trial, end in pairs(sick, [p for p in harmed if recipe_of(p) == recipe_of(sick)]):
            true = not trial.fault.startswith(_FALSIFIED)
            for kind in ("settings",) * is_of_the_recipe(trial) + ("true return",) * true + ("all",):
                shown[kind] += 1
                well[kind] += end is not None
    return EarlyStops(shares, (good["ended"], good["shown"]), {kind: (well[kind], shown[kind]) for kind in shown})


def main() -> None:
    found = measure()
    print(f"healthy trials ended as well: {found.healthy[0]} of {found.healthy[1]}")
    print(f"after a share of {np.median(found.shares):.3f} (median over {len(found.shares)} sick runs)")
    for kind, (well, shown) in found.harmed.items():
        print(f"harmed runs ended as well, {kind}: {well} of {shown} ({well / shown:.2%})")


if __name__ == "__main__":
    main()
