"""What the zero-action and the random policy score here.

What it does: plays the same episodes (seeds 0 to 19, fewer where the environment is slow) with the zero-action and
with the random policy.

Why it matters: a return means nothing by itself. On FetchReachDense-v4 the criterion "mean return above -10" is
passed by a policy that does nothing (-7.0) and by a random one (-9.7). The gate asks for more than these.

What to do: nothing; the numbers are kept for the gate.
"""

from __future__ import annotations

from typing import Any

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext

EPISODES = 20
# A slow environment with long episodes plays fewer of them, and one that is slower still none: a preflight should take
# seconds. FetchReach's 2,000 steps take 1.1 s; FrankaKitchen's 11,200 would take half a minute.
_SECONDS = 10.0
# Of what is left of the budget, so that an estimate that is a little low does not spend it in vain.
_SHARE = 0.7


def episodes_for(length: float, steps_per_second: float, seconds: float = _SECONDS) -> int:
    """Return how many episodes each policy plays in ``seconds``, for a length in steps and a measured speed."""
    return min(EPISODES, int(seconds * steps_per_second / (2 * length)))


def _length(context: PreflightContext) -> float:
    """Return how long an episode is expected to be, in steps."""
    batch = context.batch
    if len(batch.ends) == len(batch.starts):
        return max(length for length, _, _ in batch.ends)
    if context.horizon is None and not batch.ends:
        raise Skipped("no episode ended, so there is no return")
    return context.horizon or 2 * max(length for length, _, _ in batch.ends)


@check("ENV601", "baseline-policies", Group.BASELINES, requires=("ENV102",), faults=("baseline-succeeds",))
def run(context: PreflightContext) -> CheckFindings:
    """Play the zero-action and the random policy."""
    from rldoctor.environments.baselines import measure_baselines
    from rldoctor.preflight.metered import Kept

    if "baselines" not in context.measured:
        speed = 1.0 / max(context.budget.step_seconds, 1e-6)
        half, left = max(_SECONDS, 0.5 * context.budget.seconds), _SHARE * context.budget.remaining
        count = episodes_for(_length(context), speed, min(half, left))
        if count < 1:
            # Skipped, not left open: these are numbers to compare with, and nothing is judged without them.
            raise Skipped("not run: budget")
        env = Kept(context.spare)
        context.measured["baselines"] = measure_baselines(lambda: env, range(count))
    baselines: Any = {name.replace("_", "-"): found for name, found in context.measured["baselines"].items()}  # type: ignore[union-attr]
    for name, aggregate in baselines.items():
        rate = aggregate.get("success_rate")
        if rate is not None and rate > 0.5:
            yield warning(
                "baseline-succeeds",
                f"The {name} policy already succeeds in {rate:.0%} of the episodes.",
                "Look for goals at the start position, or a success flag that is always set.",
                observed=rate,
            )
    return "return: " + ", ".join(f"{name} {aggregate['return_mean']:.1f}" for name, aggregate in baselines.items())
