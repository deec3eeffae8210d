"""No cost drowns the rest of the reward.

What it does: looks for numbers in ``info`` that add up to the reward, and compares how much each varies under the
random policy.

Why it matters: a cost that varies a thousand times as much as what the task pays is all that a critic and the
advantages see. The policy learns to keep the cost down, mostly by standing still.

What to do: lower the weight of the cost until it varies less than the term of the task.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext

# Ours: Gymnasium's own costs vary at most as much as what they are added to.
_DROWNS = 300.0
_COST = re.compile(
    r"cost|penalty|ctrl|control|energy|effort|torque|power|contact|impact|jerk|smooth|action|accel", re.IGNORECASE
)
_FEWEST, _MOST = 20, 12
_EXACT = 1e-6
# Half-way between a weight and none.
_ONE = 0.05


@check("ENV416", "reward-terms", requires=("ENV102", "ENV401"), late=1, faults=("reward-term-drowned",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare the terms of the reward."""
    batch = context.batch
    if len(batch.rewards) < _FEWEST:
        raise Skipped("too few steps to compare")
    terms = _adding_up(_numbers(batch.infos), batch.rewards)
    if len(terms) < 2:
        raise Skipped("no numbers of info add up to the reward")
    # A fine that comes seldom is no drowning: what lies between the tenths counts.
    costs = {
        name: float(np.diff(np.quantile(values, (0.1, 0.9)))[0])
        for name, values in terms.items()
        if values.max() <= 0 and _COST.search(name)
    }
    rest = {name: float(v.std()) for name, v in terms.items() if not _COST.search(name) and np.ptp(v) > 0}
    if costs and rest:
        cost, task = max(costs, key=costs.__getitem__), max(rest, key=rest.__getitem__)
        if costs[cost] > _DROWNS * rest[task]:
            yield warning(
                "reward-term-drowned",
                f"The reward is the sum of {', '.join(sorted(terms))} of info. {cost} varies by {costs[cost]:.3g}, "
                f"{task} by {rest[task]:.3g}: {costs[cost] / rest[task]:,.0f} times less.",
                f"Lower the weight of {cost} until it varies less than {task}.",
                observed=costs[cost] / rest[task],
                expected=_DROWNS,
            )
    return f"{', '.join(sorted(terms))} add up to the reward"


def _numbers(infos: tuple[Mapping[str, Any], ...]) -> dict[str, FloatArray]:
    """Return what every ``info`` has as a number, by name; those of a dictionary in it, too."""
    rows = [
        {
            name: value
            for key, item in info.items()
            for name, value in (item.items() if isinstance(item, Mapping) else [(key, item)])
            if isinstance(name, str)
            and isinstance(value, (int, float, np.number))
            and not isinstance(value, (bool, np.bool_))
        }
        for info in infos
    ]
    shared = [name for name in rows[0] if all(name in row for row in rows)]
    return {name: np.array([float(row[name]) for row in rows]) for name in shared}


def _adding_up(numbers: dict[str, FloatArray], rewards: FloatArray) -> dict[str, FloatArray]:
    """Return the numbers whose sum, some of them with the other sign, is the reward in every step; none if none are."""
    size = max(float(np.abs(rewards).max()), 1e-12)
    some = {n: v for n, v in numbers.items() if np.ptp(v) > 0 and np.isfinite(v).all()}
    some = {n: v for n, v in some.items() if not np.allclose(v, rewards, rtol=0, atol=_EXACT * size)}
    if not 1 < len(some) <= _MOST or not np.ptp(rewards) > 0:
        return {}
    values = np.column_stack([*some.values()])
    design = np.column_stack([values, np.ones(len(values))])
    scale = np.append(values.std(axis=0), 1.0)
    solution, *_ = np.linalg.lstsq(design / scale, rewards, rcond=None)
    weights = (solution / scale)[:-1]
    whole = np.round(weights)
    near = (np.abs(weights - whole) < _ONE) & (np.abs(whole) == 1)
    rest = rewards - values[:, near] @ whole[near]
    # A constant bonus may be among the terms or not.
    if np.ptp(rest) > _EXACT * max(1.0, float(values[:, near].std(axis=0).min(initial=np.inf)) if near.any() else 1.0):
        return {}
    return {name: whole[i] * some[name] for i, name in enumerate(some) if near[i]}
