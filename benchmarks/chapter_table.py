"""The chapter's tables of healthy ranges and warning signs (section 3.3), taken literally, for comparison."""

from __future__ import annotations

import numpy as np

from rldoctor import stats
from rldoctor.model import Run


def _values(run: Run, metric: str) -> np.ndarray | None:
    curve = run.curves.get(metric)
    return curve.finite().values if curve is not None and len(curve.finite()) >= 4 else None


def outside_ranges(run: Run) -> bool:
    """Whether any row of "healthy training looks like" is violated."""
    returns, success = _values(run, "episode_return"), _values(run, "success_rate")
    kl, clip = _values(run, "approx_kl"), _values(run, "clip_fraction")
    value, entropy = _values(run, "value_loss"), _values(run, "entropy")
    rising = returns is not None and stats.rank_correlation(np.arange(len(returns)), returns) > 0.5
    return not (
        rising
        and (success is None or success[-1] > 0.95)
        and value is not None
        and value[-1] < value[0]
        and kl is not None
        and np.median(kl) < 0.03
        and clip is not None
        and 0.1 <= np.median(clip) <= 0.3
        and entropy is not None
        and entropy[-1] < entropy[0]
    )


def warnings(run: Run) -> list[str]:
    """Return the causes named by the rows of "warning signs" that apply, in the table's order."""
    returns, kl, clip = _values(run, "episode_return"), _values(run, "approx_kl"), _values(run, "clip_fraction")
    value, entropy = _values(run, "value_loss"), _values(run, "entropy")
    found = []
    if returns is not None:
        quarter = returns[: max(2, len(returns) // 4)]
        if quarter.max() - quarter.min() < 0.1 * max(abs(quarter).max(), 1e-12):
            found.append("environment-misconfigured")
    if value is not None and value.max() > 10 * value[0]:
        found.append("reward-scale-too-large")
    if kl is not None and np.mean(kl > 0.05) > 0.5:
        found.append("learning-rate-too-high")
    if clip is not None and np.median(clip) > 0.9:
        found.append("updates-too-aggressive")
    if entropy is not None and abs(entropy[0]) < 0.1:
        found.append("policy-collapsed")
    return found
