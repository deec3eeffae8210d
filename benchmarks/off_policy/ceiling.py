"""Whether anything else in off-policy logs would tell more: python -m benchmarks.off_policy.ceiling

Trees, which may combine signs in any way and also see the curves themselves, on the same trainings left out as in
benchmarks.off_policy.table, beside the additive log-odds. Writes the last section of docs/accuracy-off-policy.md. Needs
scikit-learn (pip install 'rldoctor-kit[laboratory]'). Three minutes on one core.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.off_policy.kept import Kept, View, trainings
from benchmarks.off_policy.table import CEILING, DOCUMENT, folds_of, tasks_of
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.model import FloatArray, Run
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.observe import observe_all

VIEWS = {"plain": View(), "DoctorCallback": View(doctor=True)}
ALGORITHMS = ("SAC", "TD3", "DDPG", "DQN")
FEWEST, PAIRS = 5, 8
# Of the healthy trainings, the share that may be called ill where it is asked how many harmed ones are found.
FALSE_ALARMS = 0.02
WINDOWS = ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 0.85), (0.85, 1.0))
_MISSING, _TINY = -20.0, 1e-12
TREES = 300


@dataclass(frozen=True)
class _Seen:
    """What trees see of the trainings in one view, and what is true of them."""

    kept: Sequence[Kept]
    signs: Sequence[Mapping[str, float]]
    curves: Sequence[Mapping[str, float]]


def _seen(book: Rulebook, kept: Sequence[Kept], view: View) -> _Seen:
    signs, curves = [], []
    for item in kept:
        run = item.view(view)
        signs.append(
            {found.sign.code: found.strength for found in observe_all(book, Case(run))[0]}
            | {"algorithm": float(ALGORITHMS.index(item.label["algorithm"]))}
        )
        curves.append(_levels(run))
    return _Seen(kept, signs, curves)


def _levels(run: Run) -> dict[str, float]:
    """Return size, sign and roughness of each curve in five parts of a run, and sizes over those of the rewards."""
    last, found = max(run.last_step, 1), {}
    returns, lengths = run.curves["episode_return"].finite(), run.curves["episode_length"].finite()
    steps = np.maximum(np.interp(returns.steps, lengths.steps, lengths.values), 1.0)
    rewards = np.abs(returns.values) / steps
    size = max(float(np.quantile(rewards, 0.9)), _TINY) if len(rewards) else 1.0
    found["reward"] = np.log10(size)
    scale = {"critic_loss": size**2, "loss": size**2, "actor_loss": size, "episode_return": size}
    for name, whole in run.curves.items():
        curve = whole.finite()
        for place, (begun, ended) in enumerate(WINDOWS):
            values = curve.values[(curve.steps >= begun * last) & (curve.steps <= ended * last)]
            if not len(values):
                continue
            level = float(np.median(values)) / max(scale.get(name, 1.0), _TINY)
            found[f"{name} {place}"] = np.log10(abs(level) + _TINY)
            found[f"{name} {place} sign"] = float(np.sign(level))
            if len(values) > 2:
                steps_up = float(np.median(np.abs(np.diff(values)))) / max(scale.get(name, 1.0), _TINY)
                found[f"{name} {place} rough"] = np.log10(steps_up + _TINY) - np.log10(abs(level) + _TINY)
    updates = run.curves.get("learning_rate")
    if updates is not None and len(updates):
        found["begun"] = float(updates.steps[0]) / last
        found["rows"] = len(updates) / max(1, int((returns.steps >= updates.steps[0]).sum()))
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _matrix(rows: Sequence[Mapping[str, float]]) -> FloatArray:
    names = sorted({name for row in rows for name in row})
    return np.array([[row.get(name, _MISSING) for name in names] for row in rows])


def _judged(seen: _Seen, x: FloatArray, fold: Mapping[int, int]) -> tuple[list[list[str]], FloatArray]:
    """Return the causes of each training, likeliest first, by trees that have not seen its fold; and odds of health."""
    from sklearn.ensemble import ExtraTreesClassifier

    kept = seen.kept
    label = np.array([item.right[0] if item.harmed else HEALTHY for item in kept])
    counts = Counter(item.fault for item in kept)
    weight = np.array([counts[item.fault] ** -0.5 for item in kept])
    of = np.array([fold[id(item)] for item in kept])
    causes: list[list[str]] = [[] for _ in kept]
    health = np.zeros(len(kept))
    for number in np.unique(of):
        teaches, there = of != number, np.flatnonzero(of == number)
        trees = ExtraTreesClassifier(TREES, min_samples_leaf=2, max_features=0.3, random_state=0)
        trees.fit(x[teaches], label[teaches], sample_weight=weight[teaches])
        share = trees.predict_proba(x[there])
        healthy = list(trees.classes_).index(HEALTHY)
        health[there] = share[:, healthy]
        share[:, healthy] = -1.0
        for row, place in zip(share, there.tolist(), strict=True):
            causes[place] = [str(trees.classes_[i]) for i in np.argsort(-row)]
    return causes, health


def _share(hits: Iterable[bool]) -> str:
    return f"{np.mean(list(hits)):.0%}"


def main() -> None:
    book = load_rulebook()
    kept = [item for item in trainings() if item.harmed or (not item.fault and item.learned)]
    harmed = [place for place, item in enumerate(kept) if item.harmed]
    well = [place for place, item in enumerate(kept) if not item.harmed]
    lines = ["| logs | trees see | left out | found | cause first | among three |", "|---|---|---|---|---|---|"]
    confused: Counter[tuple[str, str]] = Counter()
    for name, view in VIEWS.items():
        seen = _seen(book, kept, view)
        both = [{**signs, **curves} for signs, curves in zip(seen.signs, seen.curves, strict=True)]
        for what, rows in {"signs": seen.signs, "signs and curves": both}.items():
            x = _matrix(rows)
            for out, fold in {"a quarter": folds_of(kept), "the task": tasks_of(kept)}.items():
                causes, health = _judged(seen, x, fold)
                limit = float(np.quantile(health[well], FALSE_ALARMS))
                right = [[cause in kept[i].right for cause in causes[i]] for i in harmed]
                cells = (
                    _share(health[i] < limit for i in harmed),
                    _share(row[0] for row in right),
                    _share(any(row[:3]) for row in right),
                )
                lines.append(f"| {name} | {what} | {out} | " + " | ".join(cells) + " |")
                if view == VIEWS["plain"] and rows is both and out == "a quarter":
                    wrong = (
                        (kept[i].right[0], causes[i][0]) for i, row in zip(harmed, right, strict=True) if not row[0]
                    )
                    confused.update((min(pair), max(pair)) for pair in wrong)
    alike = ", ".join(
        f"{one} and {other} ({count})" for (one, other), count in confused.most_common(PAIRS) if count >= FEWEST
    )
    text = (
        f"{CEILING}\n\n{len(harmed)} harmed and {len(well)} healthy trainings, judged by trees (extremely randomised, {TREES} of them) that may\n"
        "combine signs in any way, and that see the curves themselves too: size, sign and roughness of each in five parts of the run.\n"
        f"`Found` is at the odds of health that call {FALSE_ALARMS:.0%} of healthy trainings ill. What trees find beyond the tables above\n"
        "with a quarter left out but not with the task left out is how these tasks look, and no help to strangers. Reproduce\n"
        "with `python -m benchmarks.off_policy.ceiling`.\n\n" + "\n".join(lines) + "\n\n"
        f"Causes that trees which see everything confuse most often in plain logs, with how often: {alike}.\n"
    )
    before = DOCUMENT.read_text("utf-8").partition(CEILING)[0].rstrip()
    DOCUMENT.write_text(f"{before}\n\n{text}", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
