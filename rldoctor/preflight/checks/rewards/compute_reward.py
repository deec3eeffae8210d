"""``compute_reward`` agrees with the reward of ``step``, for one goal and for many.

What it does: recomputes the rewards of random episodes with the environment's ``compute_reward``, one by one and all at
once.

Why it matters: hindsight replay (HER) computes rewards for other goals this way, thousands at once. If it differs from
what ``step`` returned, one of the two is not the task.

What to do: let ``step`` call ``compute_reward``, and write it with NumPy operations over the last axis.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray, IntArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, one_line, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.tap import steps_inside

# Correlation from which one reward is the other in other units, or shifted: ours; two that agree but for noise of a
# tenth of their spread stand at 0.995.
_ALIKE = 0.98
_LATEST = 50
# Steps of the policy in which those of the environment are counted.
_COUNTED = 3


@check(
    "ENV403",
    "compute-reward",
    requires=("ENV201", "ENV202", "ENV206"),
    faults=("reward-differs-from-compute-reward", "compute-reward-not-vectorised"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Recompute the rewards."""
    compute, batch = context.compute_reward, context.batch
    if compute is None or not context.has_goals:
        raise Skipped("no compute_reward")
    achieved, desired = batch.observations["achieved_goal"], batch.observations["desired_goal"]
    infos = np.array(batch.infos, dtype=object)
    single = np.array([float(compute(a, d, i)) for a, d, i in zip(achieved, desired, batch.infos, strict=True)])
    gap = np.abs(single - batch.rewards)
    # 1e-5 of the rewards' size: float32 against float64.
    near = 1e-5 * max(1.0, float(np.abs(single).max()))
    if gap.max() > near:
        count = int((gap > near).sum())
        aspect, words = _difference(batch.rewards, single, batch.episode)
        if aspect == "unrelated" and (inner := steps_inside(context.env, _COUNTED)) > 1:
            aspect, words = "summed", f": each step is {inner} of the environment, whose rewards are added"
        yield error(
            "reward-differs-from-compute-reward",
            f"In {count} of {len(gap)} steps the reward differs from compute_reward, by up to {gap.max():.3g}{words}.",
            "Let step return compute_reward(achieved_goal, desired_goal, info), and look for wrappers of the reward.",
            aspect=aspect,
            observed=float(gap.max()),
            expected=0.0,
        )
    fault = ""
    try:
        many = np.asarray(compute(achieved, desired, infos), dtype=float)
        if many.shape != single.shape:
            fault = f"returned shape {many.shape} for {len(single)} goals"
        elif not np.allclose(many, single, rtol=1e-5, atol=near):
            fault = f"differs from the single rewards by up to {np.abs(many - single).max():.3g}"
    except Exception as problem:
        fault = f"raised {one_line(problem)}"
    if fault:
        message = f"compute_reward on {len(single)} goals at once {fault}."
        remedy = "Compute over the last axis: np.linalg.norm(a - g, axis=-1)."
        yield warning("compute-reward-not-vectorised", message, remedy)
    return f"{len(single)} rewards recomputed"


def _difference(rewards: FloatArray, computed: FloatArray, episode: IntArray) -> tuple[str, str]:
    """Return how the rewards of steps, ``(n,)``, differ from the computed ones: as a key, and in words."""
    if np.ptp(computed) == 0 or np.ptp(rewards) == 0:
        return "constant", ""
    if len(np.unique(rewards)) <= 2 < len(np.unique(computed)):
        return "coarse", ": it has two values only"
    alike = float(np.corrcoef(rewards, computed)[0, 1])
    if abs(alike) >= _ALIKE:
        factor = alike * float(rewards.std() / computed.std())
        if factor < 0:
            return "negated", f": it is {factor:.3g} times that"
        return "larger" if factor > 1 else "smaller", f": it is {factor:.3g} times that"
    for late in range(1, min(_LATEST, len(rewards) - 2)):
        same = episode[late:] == episode[:-late]
        if _alike(rewards[late:][same], computed[:-late][same], late):
            return "late", f": it comes {late} steps late"
        if _alike(rewards[:-late][same], computed[late:][same], late):
            return "early", f": the observation comes {late} steps late"
    return "unrelated", ""


def _alike(rewards: FloatArray, computed: FloatArray, late: int) -> bool:
    """Return whether two rewards, ``late`` steps apart, are the same in other units; not from fewer steps than that."""
    if len(rewards) <= late or np.ptp(rewards) == 0 or np.ptp(computed) == 0:
        return False
    return bool(np.corrcoef(rewards, computed)[0, 1] >= _ALIKE)
