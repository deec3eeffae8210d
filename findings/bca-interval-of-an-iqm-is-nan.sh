#!/usr/bin/env bash
# Package:   scipy 1.17.1, stats.bootstrap (its default method, BCa)
# Behaviour: if leaving out any one seed leaves the statistic as it is, the acceleration is 0/0 and the whole interval is
#            (nan, nan). For an interquartile mean of success rates this is the normal case: the seeds that
#            differ are the ones that it trims.
# Guess:     BCa fails on data without spread only; these data have spread, and resampled statistics differ.
# Seen:      success of 10 seeds, eight at 1.0, one at 0.3, one at 0.2: interquartile mean 1.0, BCa (nan, nan), percentile
#            (0.65, 1.0), mean with BCa (0.56, 1.0). The warning blames "degenerate" data.
# Hurts:     reports over seeds by the recommended statistic: the better the algorithm does, the likelier its interval
#            is missing; comparisons "low > other's high" with nan are False without a word.
# Source:    https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.bootstrap.html
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q scipy==1.17.1 numpy==2.4.6
"$here/venv/bin/python" -W ignore - <<'PY'
import numpy as np
from scipy.stats import bootstrap, trim_mean


def iqm(scores, axis):
    return trim_mean(scores, 0.25, axis=axis)


def interval(statistic, method):
    found = bootstrap((success,), statistic, method=method, rng=0)
    low, high = found.confidence_interval
    spread = np.ptp(found.bootstrap_distribution)
    print(f"{statistic.__name__}, {method}: ({low:.2f}, {high:.2f}); spread of the resampled values {spread:.2f}")
    return low, high


success = np.array([1.0, 1.0, 0.3, 1.0, 1.0, 0.2, 1.0, 1.0, 1.0, 1.0])
print("interquartile mean:", iqm(success, 0), "mean:", success.mean())
assert np.isnan(interval(iqm, "BCa")).all(), "the behaviour has changed"
assert np.isfinite(interval(iqm, "percentile")).all(), "the behaviour has changed"
assert np.isfinite(interval(np.mean, "BCa")).all(), "the behaviour has changed"
PY
