#!/usr/bin/env bash
# Package:   rliable 1.2.0 with arch 7.2.0 and pandas 2.3.3 (with pandas 3, which pip chooses today, arch cannot be imported)
# Behaviour: for scores of runs x tasks x checkpoints, get_interval_estimates draws other runs for each checkpoint. A resampled "run"
#            is made of pieces of all runs, so that what is good or bad about a run averages out over time.
# Guess:     the bootstrap draws runs, as its documentation says, and a run keeps its curve: the interval of the mean over
#            checkpoints (area under the curve, the last ten evaluations) is the same as that of each run's mean.
# Seen:      10 runs whose levels have a spread of 1, 100 checkpoints, mean over all: the 95 % interval is 0.09 wide, and 0.91 where
#            the checkpoints were averaged before; sixty repetitions with 25 checkpoints: the true mean is within the interval in
#            at most 40 %, against 85 % and more. A statistic of one checkpoint at a time has the right interval.
# Hurts:     whoever compares areas under curves, or means over the last evaluations, with the library that is recommended for honest
#            intervals: with 100 checkpoints they are ten times too narrow, and seeds look like proofs.
# Source:    https://github.com/google-research/rliable/blob/master/rliable/library.py (update_indices: np.random.choice(runs,
#            shape of the scores)); get_interval_estimates names "a 3D matrix containing evaluation scores at multiple points"
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q rliable==1.2.0 arch==7.2.0 pandas==2.3.3 scipy==1.17.1 numpy==2.4.6
cd "$here" && "$here/venv/bin/python" -W ignore - <<'PY'
import numpy as np
from rliable.library import get_interval_estimates

RUNS = 10


def trained(random, checkpoints):
    """Runs x 1 task x checkpoints: each run has a level of its own, and little noise around it."""
    return random.normal(size=(RUNS, 1, 1)) + 0.1 * random.normal(size=(RUNS, 1, checkpoints))


def interval(scores, repetitions):
    _, found = get_interval_estimates({"agent": scores}, lambda one: np.array([one.mean()]), reps=repetitions)
    return found["agent"].ravel()


np.random.seed(0)
random = np.random.default_rng(0)
scores = trained(random, 100)
curves, means = interval(scores, 2000), interval(scores.mean(axis=2), 2000)
print(f"mean over 100 checkpoints of 10 runs, 95 % interval: {curves.round(2)}; of the runs' own means: {means.round(2)}")
assert np.ptp(means) > 6 * np.ptp(curves), "the behaviour has changed"
held = np.zeros(2)
for _ in range(60):
    scores = trained(random, 25)
    for index, one in enumerate((scores, scores.mean(axis=2))):
        low, high = interval(one, 200)
        held[index] += low < 0 < high
print(f"the true mean, 0, is within {held[0]:.0f} of 60 intervals of curves, and {held[1]:.0f} of 60 of means")
assert held[0] <= 30 and held[1] >= 48, "the behaviour has changed"
last = [interval(one, 2000) for one in (scores[:, :, -1:], scores[:, :, -1])]
print("last checkpoint alone, as curves and as means:", *(one.round(2) for one in last))
assert abs(np.ptp(last[0]) / np.ptp(last[1]) - 1) < 0.2, "the behaviour has changed"
PY
