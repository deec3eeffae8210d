#!/usr/bin/env bash
# Package:   rliable 1.2.0 with scipy 1.17.1, arch 7.2.0 and pandas 2.3.3 (with pandas 3, arch cannot be imported)
# Behaviour: aggregate_iqm is scipy's trim_mean with a share of 0.25, which cuts a whole number of scores at each end, rounded down: none
#            of three, one of four to seven. What is kept is the middle half for multiples of four alone.
# Guess:     "performance on middle 50% of combined runs", "robust to outlier scores"; for a number of scores that does not
#            divide by four the outer ones count in part, as for quartiles.
# Seen:      one task. Scores 0, 0 and 100: 33.3, which is the mean; by parts it is 16.7. With a fourth score of 0 it is 0. The middle
#            100 % of 3 scores are kept, 60 % of 5, 67 % of 6, 71 % of 7, 60 % of 10. An interval over three seeds, too, is that of the mean.
# Hurts:     whoever compares algorithms on one task with three seeds, the usual number, and trusts the interquartile mean to hold a
#            lucky seed back: it does nothing. An algorithm with four seeds beside one with three is measured otherwise.
# Source:    https://github.com/google-research/rliable/blob/master/rliable/metrics.py (aggregate_iqm)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q rliable==1.2.0 arch==7.2.0 pandas==2.3.3 scipy==1.17.1 numpy==2.4.6
cd "$here" && "$here/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from rliable.library import get_interval_estimates
from rliable.metrics import aggregate_iqm, aggregate_mean

print(*(f"{name} {version(name)}" for name in ("rliable", "scipy", "numpy")), sep=", ")


def by_parts(scores):
    """Return the mean of the middle half, in which the scores at its borders count in part."""
    ordered, borders = np.sort(scores), np.linspace(0, 1, len(scores) + 1)
    parts = np.clip(borders[1:], 0.25, 0.75) - np.clip(borders[:-1], 0.25, 0.75)
    return ordered @ parts / 0.5


for scores in ([0, 0, 100], [0, 0, 0, 100], [50, 60, 100], [0, 0, 60, 80, 100]):
    column = np.array(scores, float)[:, None]
    told = aggregate_iqm(column)
    print(f"{scores}: interquartile mean {told:.1f}, mean {aggregate_mean(column):.1f}, by parts {by_parts(scores):.1f}")
    assert len(scores) != 3 or np.isclose(told, np.mean(scores)), "the behaviour has changed"
    assert len(scores) != 4 or np.isclose(told, by_parts(scores)), "the behaviour has changed"
assert np.isclose(by_parts([0, 0, 100]), 100 / 6)

kept = {}
for count in range(2, 13):
    # The share of scores that move the statistic when they alone change, at their places in the order.
    alone = [aggregate_iqm(np.arange(count)[:, None] + 0.1 * (np.arange(count) == k)[:, None]) for k in range(count)]
    kept[count] = np.mean(~np.isclose(alone, aggregate_iqm(np.arange(count)[:, None])))
print("share of scores that count:", ", ".join(f"{share:.0%} of {count}" for count, share in kept.items()))
assert kept[3] == 1 and np.isclose(kept[7], 5 / 7) and kept[4] == kept[8] == kept[12] == 0.5, "the behaviour has changed"

intervals = []
for metric in (aggregate_iqm, aggregate_mean):
    np.random.seed(0)
    _, found = get_interval_estimates({"agent": np.array([[0.0], [0.0], [100.0]])}, lambda one: np.array([metric(one)]), reps=2000)
    intervals.append(found["agent"].ravel())
    print(f"interval of {metric.__name__} over three seeds: {intervals[-1].round(1)}")
assert np.array_equal(*intervals), "the behaviour has changed"
PY
