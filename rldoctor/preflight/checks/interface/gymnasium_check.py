"""Gymnasium's own ``check_env`` has no complaint.

What it does: runs ``gymnasium.utils.env_checker.check_env`` without its rendering part and collects its warnings and
errors, without those that other checks here measure better. Its advice is a note.

Why it matters: it knows rules that no other check here repeats, such as observations that share memory between steps.

What to do: follow the complaint; it comes with Gymnasium's own explanation. It stops at the first broken rule.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, NotRun, check, note, one_line, warning
from rldoctor.preflight.context import PreflightContext

# Complaints that are not repeated, each with the reason.
_VERIFIED = (
    # A Box without bounds is usual for positions and velocities; whether values are in scale is measured (ENV204).
    "minimum value is -infinity",
    "maximum value is infinity",
    # The wrappers are part of what PPO trains on, so they are examined with the environment.
    "is different from the unwrapped version",
    # Measured and reported by the check of the action space (ENV301).
    "symmetric and normalized",
    "Box action space maximum and minimum",
    "Box action space low value",
    # Measured and reported by the check of the interface (ENV102).
    "The reward returned by",
    "The default seed argument",
    "return_info",
    "`options`",
    "the `seed` function",
    "signal must be a boolean",
    "signal to be a boolean",
    # Measured and reported by the checks of observations (ENV201 to ENV203).
    "observation space",
    "Observation space",
    "It seems a Box",
    "Your observation",
    "your observation",
    "The obs returned by",
    "observation returned by",
    "The first element returned by",
    "Casting input x to numpy array",
    # Measured and reported by the check of rendering (ENV121).
    "render",
    # Measured and reported by the check of rewards (ENV401).
    "in rewards. Originated",
    # NumPy's numbers do as well as Python's; whether the reward is a finite number is measured (ENV102, ENV401).
    "The reward is a NaN value",
    "The reward is an inf value",
    # Repeated plays are compared to the last bit (ENV105, ENV106, ENV111); an environment with a generator of its own
    # that reset seeds is as good as one with np_random.
    "non-deterministic",
    "not equal although similar",
    "Deterministic step",
    "random number generator to have been generated",
    "does not call `super().reset(seed=seed)`",
    "has not been updated after step",
    "not properly been updated after step",
    # Meant for NumPy's booleans, which are as good as Python's; the ends of episodes are looked at (ENV102, ENV108).
    "truncates after 1 step",
    # Whether anything is changed after it was returned is measured (ENV211); to share what never changes is no fault.
    "share an object",
    # Any name of the keyword arguments does; reset is called with a seed (ENV102).
    "does not provide a `seed`",
    # Compared with a tolerance, for single goals and many (ENV403).
    "Vectorized computation of reward differs",
    "was not computed with `compute_reward()`",
    # The learning step fails where it matters (ENV501).
    "The minimal resolution for an image",
)
# Advice rather than rules: worth a note.
_TASTE = (
    "an unconventional shape",
    "is an image but",
    "we recommend using np.float32",
    "No render modes was declared",
)
# Steps and resets that it takes, counted in Gymnasium 1.4.
_CALLS = 20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def complaints_of(check_env: Callable[[], object]) -> list[str]:
    """Return the warnings and the error of ``check_env``, in order, without those that are verified elsewhere."""
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
    return list(dict.fromkeys(t for t in texts + raised if not any(word in t for word in _VERIFIED)))


def findings_of(fault: str, prefix: str, complaints: list[str], remedy: str, named: bool) -> Iterator[Finding]:
    """Yield complaints of another package's checker.

    Args:
        fault: Name of the findings.
        prefix: Who complains.
        complaints: What :func:`complaints_of` returned.
        remedy: What to do.
        named: Whether other checks have found errors: then a complaint is most likely about one of them, and a note.
    """
    for text in complaints:
        found = note if named or any(word in text for word in _TASTE) else warning
        yield found(fault, f"{prefix}: {text}", remedy)


@check(
    "ENV103",
    "gymnasium-check",
    requires=("ENV102", "ENV201", "ENV203", "ENV301"),
    late=2,
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
    remedy = "Follow Gymnasium's explanation: https://gymnasium.farama.org/api/env/"
    yield from findings_of("gymnasium-complaint", "Gymnasium's check_env", complaints, remedy, bool(context.failed))
    return "no complaint" if not complaints else ""
