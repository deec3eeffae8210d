#!/usr/bin/env bash
# Package:   rliable 1.2.0 with arch 7.2.0 and pandas 2.3.3 (with pandas 3, which pip chooses today, arch cannot be imported)
# Behaviour: random_state of get_interval_estimates and of both bootstrap classes is stored and never read: indices are drawn with
#            numpy's global generator, so the intervals differ from call to call, and the caller's generator is moved on.
# Guess:     "If specified, ensures reproducibility in uncertainty estimates."
# Seen:      ten runs on three tasks, two calls with random_state=RandomState(7): two intervals. np.random.seed(7) before each call,
#            with other random states: one interval.
# Hurts:     intervals in a paper cannot be computed again from the code that states their seed; a training that evaluates itself
#            so draws other numbers after each evaluation.
# Source:    https://github.com/google-research/rliable/blob/master/rliable/library.py (update_indices)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q rliable==1.2.0 arch==7.2.0 pandas==2.3.3 scipy==1.17.1 numpy==2.4.6
cd "$here" && "$here/venv/bin/python" -W ignore - <<'PY'
import numpy as np
from rliable.library import get_interval_estimates
from rliable.metrics import aggregate_iqm

scores = np.random.default_rng(0).normal(size=(10, 3))


def interval(random_state):
    state = np.random.RandomState(random_state)
    _, found = get_interval_estimates({"agent": scores}, lambda one: np.array([aggregate_iqm(one)]), reps=500, random_state=state)
    return found["agent"].ravel()


told = [interval(7) for _ in range(2)]
print("random_state 7, twice:", *(one.round(4) for one in told))
seeded = []
for random_state in (7, 8):
    np.random.seed(7)
    seeded.append(interval(random_state))
print("np.random.seed(7), random_state 7 and 8:", *(one.round(4) for one in seeded))
assert not np.array_equal(*told) and np.array_equal(*seeded), "the behaviour has changed"
PY
