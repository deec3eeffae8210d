"""Stable-Baselines3's own ``check_env`` has no complaint.

What it does: runs ``stable_baselines3.common.env_checker.check_env`` and collects what it warns of and what it raises.

Why it matters: it knows what SB3's algorithms cannot work with: nested dictionaries, Tuple spaces, images of the wrong
dtype, rewards that are no numbers.

What to do: follow the complaint. It stops at the first rule that is broken.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import gymnasium

from rldoctor.preflight.check import CheckFindings, Group, check, warning
from rldoctor.preflight.checks.interface.gymnasium_check import complaints_of
from rldoctor.preflight.context import PreflightContext


class _WithComputeReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Hands ``compute_reward`` through: SB3 asks the outermost wrapper for it, and Gymnasium 1 no longer forwards."""

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        return self.env.unwrapped.compute_reward(achieved_goal, desired_goal, info)  # type: ignore[attr-defined]


@check("ENV104", "stable-baselines-check", Group.ENVIRONMENT, after=("ENV102",), faults=("stable-baselines-complaint",))
def examine(patient: PreflightContext) -> CheckFindings:
    """Run SB3's check_env."""
    from stable_baselines3.common.env_checker import check_env

    env = _WithComputeReward(patient.make()) if patient.compute_reward else patient.make()
    # It prints to tell that it found a goal environment.
    with contextlib.redirect_stdout(io.StringIO()):
        complaints = complaints_of(lambda: check_env(env, warn=True, skip_render_check=True))
    for text in complaints:
        remedy = "Follow the explanation: https://stable-baselines3.readthedocs.io/en/master/guide/custom_env.html"
        yield warning("stable-baselines-complaint", f"Stable-Baselines3's check_env: {text}", remedy)
    return "no complaint" if not complaints else ""
