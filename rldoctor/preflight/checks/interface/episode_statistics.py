"""Monitor sees whole episodes, and goal environments report ``is_success``.

What it does: plays random episodes inside SB3's Monitor, as training does, and compares its statistics with the
rewards that were seen. In a goal environment it looks for ``info["is_success"]``.

Why it matters: ``rollout/ep_rew_mean`` and ``rollout/success_rate`` are made from these. Without them a training says
nothing about whether the policy gets better.

What to do: put Monitor outermost, and let a goal environment put ``is_success`` into every ``info``.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, check, warning
from rldoctor.preflight.context import PreflightContext


@check(
    "ENV109",
    "episode-statistics",
    Group.ENVIRONMENT,
    after=("ENV102",),
    faults=("episode-statistics-missing", "episode-statistics-wrong", "success-signal-missing"),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Compare Monitor's statistics with the rewards seen."""
    batch = patient.batch
    if patient.has_goals and not any("is_success" in info for info in batch.infos):
        message = f'None of {len(batch.infos)} steps reported info["is_success"], so no success rate can be logged.'
        remedy = 'Put info["is_success"] into what step returns.'
        if any("success" in info for info in batch.infos):
            remedy = 'Copy info["success"] to info["is_success"], the name that Stable-Baselines3 looks for.'
        yield warning("success-signal-missing", message, remedy)
    finished = [info for info in batch.infos if "episode" in info]
    if len(finished) < len(batch.ends):
        message = f"Monitor recorded {len(finished)} of {len(batch.ends)} finished episodes."
        yield warning("episode-statistics-missing", message, "Do not overwrite info['episode'].")
        return ""
    for info in finished:
        place = next(i for i, other in enumerate(batch.infos) if other is info)
        seen = batch.rewards[batch.episode == batch.episode[place]].sum()
        told = float(info["episode"]["r"])
        # Monitor rounds to six decimals.
        if not np.isclose(seen, told, rtol=1e-5, atol=1e-5):
            message = f"Monitor's return is {told:.6g} where the rewards sum to {seen:.6g}."
            yield warning(
                "episode-statistics-wrong",
                message,
                "Do not overwrite info['episode'].",
                observed=told,
                expected=float(seen),
            )
            break
    return f"{len(finished)} episodes recorded"
