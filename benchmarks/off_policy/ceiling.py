"""Whether signs combined in any other way would tell more of off-policy logs: python -m benchmarks.off_policy.ceiling

Gradient-boosted trees, which may combine signs in any way, on the same trainings left out as in benchmarks.off_policy.table,
beside the additive log-odds. Writes the last section of docs/accuracy-off-policy.md. Needs scikit-learn
(pip install 'rldoctor-kit[laboratory]'). One minute on one core.
"""

from __future__ import annotations

import os
from collections import Counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.off_policy.kept import trainings
from benchmarks.off_policy.table import CEILING, DOCUMENT, FOLDS, folds_of
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.rulebook import Case, Rulebook, load_rulebook
from rldoctor.rulebook.observe import observe_all

VIEWS = {"plain": (False, False), "DoctorCallback": (True, False)}
FEWEST, PAIRS = 4, 8


def _strengths(book: Rulebook, codes: dict[str, int]) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Return the strengths of signs of each training in each view, -1 where not measured, and which row is which."""
    rows, of = [], []
    for number, kept in enumerate(trainings()):
        for view, (doctor, evaluated) in VIEWS.items():
            row = np.full(len(codes), -1.0)
            for item in observe_all(book, Case(kept.view(doctor, evaluated)))[0]:
                row[codes[item.sign.code]] = item.strength
            rows.append(row)
            of.append((number, view))
    return np.array(rows), of


def main() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    book, kept = load_rulebook(), trainings()
    x, of = _strengths(book, {code: place for place, code in enumerate(book.signs)})
    fold = np.array([folds_of(kept)[id(kept[number])] for number, _ in of])
    harmed = np.array([kept[number].harmed for number, _ in of])
    well = np.array([not kept[number].fault and kept[number].learned for number, _ in of])
    label = np.array([kept[n].right[0] if harmed[i] else HEALTHY for i, (n, _) in enumerate(of)])
    taught = harmed | well
    faults = Counter(kept[n].fault for i, (n, _) in enumerate(of) if taught[i])
    weight = np.array([1.0 / max(faults[kept[n].fault], 1) ** 0.5 for n, _ in of])
    trees = np.full(len(of), "", dtype=object)
    for number in range(FOLDS):
        teaches, there = taught & (fold != number), taught & (fold == number)
        model = HistGradientBoostingClassifier(
            max_iter=60,
            learning_rate=0.12,
            max_leaf_nodes=12,
            min_samples_leaf=4,
            l2_regularization=3.0,
            random_state=0,
        )
        model.fit(x[teaches], label[teaches], sample_weight=weight[teaches])
        share = model.predict_proba(x[there])
        share[:, list(model.classes_).index(HEALTHY)] = -1.0
        # Of a harmed training the likeliest cause, whether or not health is likelier.
        trees[there] = model.classes_[share.argmax(axis=1)]
    lines = ["| logs | likeliest cause right, by trees |", "|---|---|"]
    confused: Counter[tuple[str, str]] = Counter()
    for view in VIEWS:
        rows = [i for i, (_, which) in enumerate(of) if which == view and harmed[i]]
        right = [trees[i] in kept[of[i][0]].right for i in rows]
        lines.append(f"| {view} | {np.mean(right):.0%} of {len(rows)} |")
        if view == "plain":
            wrong = (i for i, hit in zip(rows, right, strict=True) if not hit)
            confused.update((min(a, b), max(a, b)) for i in wrong for a, b in [(str(label[i]), str(trees[i]))])
    alike = ", ".join(
        f"{one} and {other} ({count})" for (one, other), count in confused.most_common(PAIRS) if count >= FEWEST
    )
    text = (
        f"{CEILING}\n\nGradient-boosted trees, which may combine signs in any way, on the same trainings left out. Whether health is\n"
        "likelier is not asked of them. Where they are right no more often than `cause first` above, this way of combining\n"
        "signs gains nothing with as many trainings as there are. Reproduce with\n"
        "`python -m benchmarks.off_policy.ceiling`.\n\n" + "\n".join(lines) + "\n\n"
        f"Causes that the trees confuse most often in plain logs, with how often: {alike}.\n"
    )
    before = DOCUMENT.read_text("utf-8").partition(CEILING)[0].rstrip()
    DOCUMENT.write_text(f"{before}\n\n{text}", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
