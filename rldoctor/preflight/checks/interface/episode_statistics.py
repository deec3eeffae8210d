"""Monitor sees whole episodes, and goal environments report ``is_success``.

What it does: plays random episodes inside SB3's Monitor, as training does, and compares its statistics with the rewards
of the steps. It looks for ``info["is_success"]``, and for a success flag under another name.

Why it matters: ``rollout/ep_rew_mean`` and ``rollout/success_rate`` are computed from these. Without them the logs do
not show whether the policy improves.

What to do: put Monitor outermost, and let a goal environment put ``is_success`` into every ``info``.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.info_names import SUCCESS


@check(
    "ENV109",
    "episode-statistics",
    requires=("ENV102",),
    faults=(
        "episode-statistics-missing",
        "episode-statistics-wrong",
        "success-signal-misnamed",
        "success-signal-missing",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare Monitor's statistics with the rewards of the steps."""
    batch = context.batch
    if not any("is_success" in info for info in batch.infos):
        other = next((name for name in SUCCESS if any(name in info for info in batch.infos)), "")
        if other:
            yield note(
                "success-signal-misnamed",
                f'Success is reported as info["{other}"]; Stable-Baselines3 logs info["is_success"] alone, so there '
                "will be no success rate.",
                f'Copy it in step, or in a wrapper: info["is_success"] = bool(info["{other}"]).',
                observed=other,
                expected="is_success",
            )
        elif context.has_goals:
            message = f'None of {len(batch.infos)} steps reported info["is_success"], so no success rate can be logged.'
            remedy = 'Put info["is_success"] into what step returns.'
            yield warning("success-signal-missing", message, remedy)
    finished = [(place, info) for place, info in enumerate(batch.infos) if "episode" in info]
    remedy = "Do not overwrite info['episode']."
    if len(finished) < len(batch.ends):
        message = f"Monitor recorded {len(finished)} of {len(batch.ends)} finished episodes."
        yield warning("episode-statistics-missing", message, remedy)
        return ""
    for place, info in finished:
        summed = float(batch.rewards[batch.episode == batch.episode[place]].sum())
        recorded = float(info["episode"]["r"])
        # Monitor rounds to six decimals.
        if not np.isclose(summed, recorded, rtol=1e-5, atol=1e-5, equal_nan=True):
            message = f"Monitor's return is {recorded:.6g}, but the rewards sum to {summed:.6g}."
            yield warning("episode-statistics-wrong", message, remedy, observed=recorded, expected=summed)
            break
    return f"{len(finished)} episodes recorded"
