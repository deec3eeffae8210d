"""What doing nothing and acting at random score here.

What it does: plays the same episodes (seeds 0 to 19, fewer where the environment is slow) with the zero-action and with
the random policy.

Why it matters: a return means nothing by itself. On FetchReachDense-v4 the criterion "mean return above -10" is
passed by a policy that does nothing (-7.0) and by a random one (-9.7). The gate asks for more than these.

What to do: nothing; the numbers are kept for the gate.
"""

from __future__ import annotations

from typing import Any

from rldoctor.environments.baselines import measure_baselines
from rldoctor.preflight.check import CheckFindings, Group, check, warning
from rldoctor.preflight.context import PreflightContext

EPISODES = 20
# A slow environment with long episodes plays fewer of them, though never under five: a preflight is a matter of
# seconds. FetchReach's 2,000 steps take 1.1 s; FrankaKitchen's 11,200 would take half a minute.
_SECONDS = 10.0
_FEWEST = 5


def episodes_for(horizon: int | None, steps_per_second: float) -> int:
    """Return how many episodes each policy plays, for a time limit in steps and a measured speed."""
    affordable = _SECONDS * steps_per_second / (2 * (horizon or 10_000))
    return min(EPISODES, max(_FEWEST, int(affordable)))


@check("ENV601", "baseline-policies", Group.BASELINES, after=("ENV102",), faults=("baseline-succeeds",))
def examine(patient: PreflightContext) -> CheckFindings:
    """Play the zero-action and the random policy."""
    if "baselines" not in patient.measured:
        # 2,000 steps/s is FetchReach; only an environment whose speed was not asked for is taken for it.
        rate = float(patient.measured.get("steps_per_second") or 2_000)  # type: ignore[arg-type]
        patient.measured["baselines"] = measure_baselines(patient.make, range(episodes_for(patient.horizon, rate)))
    baselines: Any = patient.measured["baselines"]
    for name, aggregate in baselines.items():
        rate = aggregate.get("success_rate")
        if rate is not None and rate > 0.5:
            message = f"The {name.replace('_', '-')} policy already succeeds in {rate:.0%} of the episodes."
            yield warning(
                "baseline-succeeds",
                message,
                "Look for goals at the start position, or a success flag that is always up.",
                observed=rate,
            )
    words = [f"{name.replace('_', '-')} {aggregate['return_mean']:.1f}" for name, aggregate in baselines.items()]
    return "return: " + ", ".join(words)
