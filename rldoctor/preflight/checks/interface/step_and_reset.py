"""``reset`` and ``step`` keep to Gymnasium's signature, episode after episode.

What it does: looks at the arguments of ``reset``, calls ``reset`` and ``step`` in three short episodes, looks at what
comes back each time, and plays some whole episodes with random actions. At the end it closes every environment.

Why it matters: ``reset`` returns an observation and an info; ``step`` returns five values: observation, reward,
terminated, truncated, info. Code from before Gymnasium 0.26 returns four, and PPO needs to know whether an episode
terminated or was only cut off, because only in the second case does the value of the last state count.

What to do: return five values; ``done`` becomes ``terminated``, and the time limit becomes ``truncated``.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from rldoctor.environments.naming import where
from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, NotRun, check, error, note, one_line, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.inspection import layers
from rldoctor.preflight.probes.transcript import Call, is_number

_FIVE = (
    "Return observation, reward, terminated, truncated, info: an old done is terminated, the time limit is truncated."
)
_TWO = "Let reset(self, *, seed=None, options=None) return (observation, info)."


@check(
    "ENV102",
    "step-and-reset",
    raw=True,
    requires=("ENV101",),
    faults=(
        "reset-signature-wrong",
        "reset-seed-default",
        "reset-options-missing",
        "return-info-deprecated",
        "seed-method-unused",
        "reset-raises",
        "step-raises",
        "four-value-step",
        "step-signature-wrong",
        "reward-not-scalar",
        "flag-not-boolean",
        "close-raises",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Call reset and step and look at what comes back."""
    if context.undeclared:
        raise NotRun(f"{context.undeclared} failed")
    yield from _arguments(context.env.unwrapped)
    told: set[str] = set()
    for call in context.transcript:
        for finding in _reset_faults(call) if call.method == "reset" else _step_faults(call):
            if finding.name not in told:
                told.add(finding.name)
                yield finding
        if call.error is not None:
            context.told.is_new(call.method, call.error)
    if "reset-options-missing" not in told and not _takes_options(context.env):
        message = "reset does not take options, which Gymnasium's wrappers pass on."
        yield warning("reset-options-missing", message, _TWO)
    if context.unplayable:
        return f"{len(context.transcript)} calls"
    batch = context.batch
    return f"{len(batch.rewards)} random steps over {len(batch.starts)} episodes"


def _arguments(env: Any) -> Iterator[Finding]:
    """Look at the arguments of ``reset`` and at what Gymnasium has given up."""
    if callable(getattr(env, "seed", None)):
        message = "The environment has a method seed, which nobody calls any more."
        yield note("seed-method-unused", message, "Seed in reset(seed=...): call super().reset(seed=seed).")
    try:
        arguments = inspect.signature(env.reset).parameters
    except (TypeError, ValueError):
        return
    if "return_info" in arguments:
        message = "reset takes return_info, which Gymnasium has given up: reset always returns (observation, info)."
        yield warning("return-info-deprecated", message, _TWO)
    default = arguments["seed"].default if "seed" in arguments else None
    if default is not None and default is not inspect.Parameter.empty:
        message = f"reset has seed={default!r} by default, so every reset without a seed starts the same episode."
        yield warning("reset-seed-default", message, "Make the default None.", observed=repr(default))


def _takes_options(env: Any) -> bool:
    for layer in layers(env):
        with contextlib.suppress(TypeError, ValueError):
            arguments = inspect.signature(layer.reset).parameters
            if "options" not in arguments and all(a.kind is not a.VAR_KEYWORD for a in arguments.values()):
                return False
    return True


def _raised(call: Call) -> Finding:
    problem = call.error
    assert problem is not None
    message = f"{call.when} raised {one_line(problem)}{where(problem)}."
    return error(f"{call.method}-raises", message, f"Fix the environment's {call.method}.")


def _reset_faults(call: Call) -> Iterator[Finding]:
    problem, result = call.error, call.result
    if isinstance(problem, TypeError) and "unexpected keyword argument 'seed'" in str(problem):
        message = "reset takes no seed, so that no episode can be repeated and training cannot begin."
        yield error("reset-signature-wrong", message, _TWO)
    elif isinstance(problem, TypeError) and "unexpected keyword argument 'options'" in str(problem):
        message = "reset takes no options, which every wrapper of Gymnasium passes on: no episode can begin."
        yield error("reset-options-missing", message, _TWO)
    elif isinstance(problem, TypeError) and "reset()" in str(problem):
        yield error("reset-signature-wrong", f"{call.when} raised {one_line(problem)}.", _TWO)
    elif problem is not None:
        yield _raised(call)
    elif not call.is_whole:
        yield error("reset-signature-wrong", f"reset returned {_kind(result)}, not (observation, info).", _TWO)
    elif not isinstance(result[1], dict):
        message = f"The info of reset is of type {type(result[1]).__name__}, not a dictionary."
        yield error("reset-signature-wrong", message, _TWO)


def _step_faults(call: Call) -> Iterator[Finding]:
    result = call.result
    if call.error is not None:
        yield _raised(call)
        return
    if not call.is_whole:
        yield error(
            "four-value-step" if isinstance(result, tuple) and len(result) == 4 else "step-signature-wrong",
            f"step returned {_kind(result)}; five are expected: observation, reward, terminated, truncated, info.",
            _FIVE,
            observed=len(result) if isinstance(result, tuple) else type(result).__name__,
            expected=5,
        )
        return
    _, reward, terminated, truncated, info = result
    wrong = []
    if not is_number(reward):
        if np.size(reward) == 1 and np.asarray(reward).dtype.kind in "biuf":
            message = f"The reward is an array of shape {np.shape(reward)}, not a number."
            yield error("reward-not-scalar", message, "Return float(reward).", observed=list(np.shape(reward)))
        else:
            shape = f" of shape {np.shape(reward)}" if isinstance(reward, (np.ndarray, list, tuple)) else ""
            wrong.append(f"reward is of type {type(reward).__name__}{shape}, not a number")
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        if isinstance(flag, (bool, np.bool_)):
            continue
        if is_number(flag) and float(flag) in (0.0, 1.0):
            message = f"{name} is {flag!r} of type {type(flag).__name__}, not True or False."
            yield warning("flag-not-boolean", message, f"Return bool({name}).", observed=type(flag).__name__)
        else:
            wrong.append(f"{name} is {flag!r:.40} of type {type(flag).__name__}, not True or False")
    if not isinstance(info, dict):
        wrong.append(f"info is of type {type(info).__name__}, not a dictionary")
    if wrong:
        remedy = "Return a number, two booleans and a dictionary after the observation."
        yield error("step-signature-wrong", f"What step returned is wrong: {'; '.join(wrong)}.", remedy)


def _kind(result: Any) -> str:
    return f"{len(result)} values" if isinstance(result, tuple) else f"one {type(result).__name__}"
