"""What the zero-action and the random policy score here.

What it does: plays the same episodes (seeds 0 to 19, fewer where the environment is slow) with the zero-action and
with the random policy.

Why it matters: a return means nothing by itself. On FetchReachDense-v4 the criterion "mean return above -10" is
passed by a policy that does nothing (-7.0) and by a random one (-9.7). The gate asks for more than these.

What to do: nothing; the numbers are kept for the gate.
"""

from __future__ import annotations

from typing import Any

from rldoctor.preflight.check import CheckFindings, Group, check, warning
from rldoctor.preflight.context import PreflightContext

EPISODES = 20
# A slow environment with long episodes plays fewer of them, though never under five: a preflight should take seconds.
# FetchReach's 2,000 steps take 1.1 s; FrankaKitchen's 11,200 would take half a minute.
_SECONDS = 10.0
_FEWEST = 5


def episodes_for(horizon: int | None, steps_per_second: float) -> int:
    """Return how many episodes each policy plays, for a time limit in steps and a measured speed."""
    affordable = _SECONDS * steps_per_second / (2 * (horizon or 10_000))
    return min(EPISODES, max(_FEWEST, int(affordable)))


@check("ENV601", "baseline-policies", Group.BASELINES, requires=("ENV102",), faults=("baseline-succeeds",))
def run(context: PreflightContext) -> CheckFindings:
    """Play the zero-action and the random policy."""
    from rldoctor.environments.baselines import measure_baselines

    if "baselines" not in context.measured:
        # 2,000 steps/s is FetchReach's speed, assumed where the speed was not measured.
        speed = float(context.measured.get("steps_per_second") or 2_000)  # type: ignore[arg-type]
        context.measured["baselines"] = measure_baselines(context.make, range(episodes_for(context.horizon, speed)))
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
