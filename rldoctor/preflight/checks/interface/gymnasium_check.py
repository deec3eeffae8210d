"""Gymnasium's own ``check_env`` has no complaint.

What it does: runs ``gymnasium.utils.env_checker.check_env`` without its rendering part and collects its warnings and
errors.

Why it matters: it knows rules that no other check here repeats, such as observations that share memory between steps.

What to do: follow the complaint; it comes with Gymnasium's own explanation. It stops at the first broken rule.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from rldoctor.preflight.check import CheckFindings, NotRun, check, one_line, warning
from rldoctor.preflight.context import PreflightContext

# Complaints that are not repeated, each with the reason.
_NOT_REPEATED = (
    # A Box without bounds is usual for positions and velocities; whether values are in scale is measured (ENV204).
    "minimum value is -infinity",
    "maximum value is infinity",
    # The wrappers are part of what PPO trains on, so they are examined with the environment.
    "is different from the unwrapped version",
    # Measured and reported by the check of the action space (ENV301).
    "symmetric and normalized",
    "action space",
    # Measured and reported by the check of the interface (ENV102).
    "The reward returned by",
    "The default seed argument",
    "`return_info`",
    "return_info",
    "`options`",
    "the `seed` function",
    "signal must be a boolean",
    "signal to be a boolean",
    # Measured and reported by the checks of observations (ENV201 to ENV203).
    "observation space",
    "Observation space",
    "It seems a Box",
    "your observation",
    "The obs returned by",
    "observation returned by",
    "The first element returned by",
    "minimal resolution for an image",
    # Measured and reported by the checks of repeatability (ENV105, ENV106).
    "super().reset(seed=seed)",
    "Deterministic step observations",
    "Deterministic step rewards",
    "is not deterministic",
    "are not equivalent for the same seed and action",
    # Measured and reported by the check of rendering (ENV121).
    "render",
    "Casting input x to numpy array",
    # Measured and reported by the check of rewards (ENV401).
    "The reward is a NaN",
    "The reward is an inf",
    "in rewards. Originated",
    # Its own words for an episode of one step, which is sound, and for flags of NumPy, which are flags.
    "something has gone very wrong",
    "has type `numpy.bool",
)
# Steps and resets that it takes, counted in Gymnasium 1.4.
_CALLS = 20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def complaints_of(check_env: Callable[[], object]) -> list[str]:
    """Return the warnings and the error of ``check_env``, in order, without those that other checks look at."""
    raised = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_env()
        except Exception as problem:
            raised.append(one_line(problem))
    warned = [str(entry.message) for entry in caught if not issubclass(entry.category, DeprecationWarning)]
    texts = [" ".join(_COLOUR.sub("", text).removeprefix("WARN: ").split()) for text in warned]
    texts = [text.removeprefix("WARN: ") for text in texts]
    return list(dict.fromkeys(t for t in texts + raised if not any(word in t for word in _NOT_REPEATED)))


@check(
    "ENV103",
    "gymnasium-check",
    requires=("ENV102", "ENV201", "ENV203", "ENV301"),
    late=True,
    faults=("gymnasium-complaint",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Run Gymnasium's check_env."""
    if not isinstance(getattr(context.env.unwrapped, "metadata", None), dict):
        raise NotRun("the environment has no metadata (ENV121)")
    from gymnasium.utils.env_checker import check_env

    context.budget.require(_CALLS * max(context.budget.step_seconds, context.budget.reset_seconds))
    env = context.spare
    complaints = complaints_of(lambda: check_env(env, skip_render_check=True, skip_close_check=True))
    for text in complaints:
        remedy = "Follow Gymnasium's explanation: https://gymnasium.farama.org/api/env/"
        yield warning("gymnasium-complaint", f"Gymnasium's check_env: {text}", remedy)
    return "no complaint" if not complaints else ""
