"""``reset`` and ``step`` keep to Gymnasium's signature, episode after episode.

What it does: calls ``reset(seed=0)`` and one ``step``, looks at what comes back, then plays some whole episodes with
random actions.

Why it matters: ``reset`` returns an observation and an info; ``step`` returns five values: observation, reward,
terminated, truncated, info. Code from before Gymnasium 0.26 returns four, and PPO needs to know whether an episode
terminated or was only cut off, because only in the second case does the value of the last state count.

What to do: return five values; ``done`` becomes ``terminated``, and the time limit becomes ``truncated``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, check, error, one_line
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw


@check(
    "ENV102",
    "step-and-reset",
    requires=("ENV101",),
    faults=("four-value-step", "step-signature-wrong", "reset-signature-wrong", "step-raises"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Call reset and step and look at what comes back."""
    env = context.env
    try:
        fault = _reset_fault(env.reset(seed=0))
    except Exception as problem:
        fault = f"reset(seed=0) raised {one_line(problem)}"
    if fault:
        remedy = "Let reset(self, *, seed=None, options=None) return (observation, info)."
        yield error("reset-signature-wrong", f"{fault}.", remedy)
        return ""
    action = draw(env.action_space, np.random.default_rng(0))
    try:
        result = env.step(action)
    except Exception as problem:
        # Gymnasium's own wrappers unpack five values and fail on four before anyone can count them.
        try:
            result = env.unwrapped.step(action)
        except Exception:
            result = None
        if not isinstance(result, tuple) or len(result) == 5:
            yield error("step-raises", f"step raised {one_line(problem)}.", "Fix the environment's step.")
            return ""
    finding = _step_fault(result)
    if finding:
        yield finding
        return ""
    try:
        batch = context.batch
    except Exception as problem:
        message = f"Playing random episodes raised {one_line(problem)}."
        yield error("step-raises", message, "Fix the environment's step or reset.")
        return ""
    return f"{len(batch.rewards)} random steps over {len(batch.starts)} episodes"


def _reset_fault(result: Any) -> str:
    if not isinstance(result, tuple) or len(result) != 2:
        return f"reset returned {_kind(result)}, not (observation, info)"
    if not isinstance(result[1], dict):
        return f"the info of reset is of type {type(result[1]).__name__}, not a dictionary"
    return ""


def _step_fault(result: Any) -> Finding | None:
    if not isinstance(result, tuple) or len(result) != 5:
        name = "four-value-step" if isinstance(result, tuple) and len(result) == 4 else "step-signature-wrong"
        return error(
            name,
            f"step returned {_kind(result)}; five are expected: observation, reward, terminated, truncated, info.",
            "Return observation, reward, terminated, truncated, info: an old done is terminated, "
            "the time limit is truncated.",
            observed=len(result) if isinstance(result, tuple) else type(result).__name__,
            expected=5,
        )
    _, reward, terminated, truncated, info = result
    wrong = []
    if not isinstance(reward, (int, float, np.number)) and np.shape(reward) != ():
        wrong.append(f"reward has shape {np.shape(reward)}")
    elif not np.isreal(reward) or isinstance(reward, str):
        wrong.append(f"reward is of type {type(reward).__name__}")
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        if not isinstance(flag, (bool, np.bool_)):
            wrong.append(f"{name} is of type {type(flag).__name__}")
    if not isinstance(info, dict):
        wrong.append(f"info is of type {type(info).__name__}")
    if not wrong:
        return None
    remedy = "Return a number, two booleans and a dictionary after the observation."
    return error("step-signature-wrong", f"What step returned is wrong: {'; '.join(wrong)}.", remedy)


def _kind(result: Any) -> str:
    return f"{len(result)} values" if isinstance(result, tuple) else f"one {type(result).__name__}"
