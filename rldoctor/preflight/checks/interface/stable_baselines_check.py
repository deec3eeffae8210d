"""Stable-Baselines3's own ``check_env`` has no complaint.

What it does: runs ``stable_baselines3.common.env_checker.check_env`` and collects its warnings and errors, without
those that other checks here measure better. Its advice is a note.

Why it matters: it knows what SB3's algorithms do not support: nested dictionaries, Tuple spaces, images of the wrong
dtype, rewards that are not numbers.

What to do: follow the complaint. It stops at the first broken rule.
"""

from __future__ import annotations

import contextlib
import io

from rldoctor.preflight.check import CheckFindings, check
from rldoctor.preflight.checks.interface.gymnasium_check import complaints_of, findings_of
from rldoctor.preflight.context import PreflightContext

# Steps and resets that it takes, counted in Stable-Baselines3 2.9.
_CALLS = 20


@check(
    "ENV104",
    "stable-baselines-check",
    requires=("ENV102", "ENV201", "ENV203", "ENV301"),
    late=2,
    heavy=True,
    faults=("stable-baselines-complaint",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Run SB3's check_env."""
    from stable_baselines3.common.env_checker import check_env

    context.budget.require(_CALLS * max(context.budget.step_seconds, context.budget.reset_seconds))
    env = context.spare
    if context.compute_reward:
        # SB3 asks the outermost wrapper for it, and Gymnasium 1 no longer forwards attributes.
        env.compute_reward = env.unwrapped.compute_reward  # type: ignore[attr-defined]
    # It prints that it found a goal environment.
    with contextlib.redirect_stdout(io.StringIO()):
        complaints = complaints_of(lambda: check_env(env, warn=True, skip_render_check=True))
    remedy = "Follow the explanation: https://stable-baselines3.readthedocs.io/en/master/guide/custom_env.html"
    prefix = "Stable-Baselines3's check_env"
    yield from findings_of("stable-baselines-complaint", prefix, complaints, remedy, bool(context.failed))
    return "no complaint" if not complaints else ""
