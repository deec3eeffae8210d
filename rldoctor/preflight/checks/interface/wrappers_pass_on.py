"""Wrappers pass on what they do not declare to change.

What it does: plays random steps and compares the actions, observations and rewards outside of all wrappers with those
of the environment inside. Wrappers of Gymnasium and Stable-Baselines3 alone, and those that declare another space, are
trusted.

Why it matters: a wrapper that delays actions, changes their order or sign, negates the reward or returns old
observations leaves an environment that steps, resets and passes every check of its interface, and cannot be learned.

What to do: look at the wrappers that the finding names.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rldoctor.model import Finding, FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.inspection import user_wrappers
from rldoctor.preflight.probes.tap import Passage, delay, passage, rewards_inside

_STEPS = 45
_LONGEST_DELAY = 40
_TRUSTED = ("gymnasium.", "stable_baselines3.", "rldoctor.preflight.", "shimmy.")
# Rewards that are shaped or scaled still follow the original.
_FOLLOWS = 0.3
# One that is negated is at -1; other terms weaken that.
_NEGATED = -0.7
# A smaller action may be meant; another sign, order or time is not.
_SCALED = "is the given one times"
# Atari's environments repeat a quarter of the actions, on purpose.
_STICKY = 0.3
# Steps whose rewards are compared with their parts; fewer of them that repeat show nothing.
_COMPARED, _FEWEST = 120, 20
# Ours: of a reward that goes on, such as a distance, the last part says as much as the sum (0.95 and more); of coins,
# one step of four says half.
_SAYS = 0.8


@check(
    "ENV117",
    "wrappers-pass-on",
    requires=("ENV202", "ENV401"),
    faults=(
        "action-changed-on-the-way",
        "observation-changed-on-the-way",
        "reward-changed-on-the-way",
        "rewards-between-lost",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare both sides of the wrappers."""
    env = context.env
    kinds = [type(layer) for layer in user_wrappers(env)]
    wrappers = [kind.__name__ for kind in kinds if not kind.__module__.startswith(_TRUSTED)]
    if not wrappers:
        raise Skipped("no wrappers but those of Gymnasium")
    seen = passage(env, context.budget.steps(_STEPS, least=6))
    if seen is None:
        return (yield from _repeated(context, wrappers))
    inner = env.unwrapped
    between = f" (between them: {', '.join(wrappers)})"
    remedy = f"Look at {', '.join(wrappers)}."
    if seen.actions and inner.action_space == env.action_space:
        words = _action_words(*seen.actions)
        if words:
            repeats = _repeats(*seen.actions)
            if repeats:
                words = f"repeats the one before in {repeats:.0%} of the steps in which they differ"
            message = f"The action that reaches {type(inner).__name__} {words}{between}."
            found = warning if words.startswith(_SCALED) and "-" not in words else error
            found = note if 0 < repeats <= _STICKY else found
            yield found("action-changed-on-the-way", message, remedy)
    if seen.observations and inner.observation_space == env.observation_space:
        words = _observation_words(*seen.observations)
        if words:
            message = f"The observation of {type(inner).__name__} {words}{between}."
            yield error("observation-changed-on-the-way", message, remedy)
    yield from _rewards(seen, f"The reward of {type(inner).__name__}", between, remedy)
    return f"{len(seen.rewards[0])} steps through {', '.join(wrappers)}"


def _repeated(context: PreflightContext, wrappers: list[str]) -> CheckFindings:
    """Compare the reward of a step that is several inside with theirs."""
    seen = rewards_inside(context.env, context.budget.steps(_COMPARED, least=_FEWEST))
    several = [(outer, parts) for outer, parts in seen if len(parts) > 1]
    if len(several) < _FEWEST:
        raise Skipped("one step outside is not one step inside")
    outer = np.array([reward for reward, _ in several])
    sums = np.array([sum(parts) for _, parts in several])
    single = {
        "last": np.array([parts[-1] for _, parts in several]),
        "first": np.array([parts[0] for _, parts in several]),
    }
    which = next((word for word, rewards in single.items() if np.allclose(outer, rewards)), "")
    alike = float(np.corrcoef(outer, sums)[0, 1]) if np.ptp(outer) > 0 and np.ptp(sums) > 0 else float(not np.ptp(sums))
    if which and not np.allclose(outer, sums) and alike < _SAYS:
        inner = context.env.unwrapped
        yield warning(
            "rewards-between-lost",
            f"Each step is {max(len(parts) for _, parts in several)} of {type(inner).__name__}, of whose rewards only "
            f"the {which} arrives (correlation {alike:.2f} with their sum; between them: {', '.join(wrappers)}).",
            f"Add the rewards of the steps up in {', '.join(wrappers)}.",
            observed=alike,
            expected=1.0,
        )
    return f"{len(several)} steps of several inside"


def _repeats(outer: FloatArray, inner: FloatArray) -> float:
    """Return in how many steps the last action replaces the given one, as a fraction; 0 where others are taken."""
    given = (inner[1:] == outer[1:]).all(axis=1)
    last = (inner[1:] == inner[:-1]).all(axis=1)
    differing = ~((outer[1:] == inner[:-1]).all(axis=1))
    steady = not np.ptp(inner, axis=0).any()
    return float((~given[differing]).mean()) if (given | last).all() and differing.any() and not steady else 0.0


def _action_words(outer: FloatArray, inner: FloatArray) -> str:
    """Return what happens to actions; empty where nothing does, or where they are only clipped a little."""
    if np.allclose(outer, inner, rtol=1e-4, atol=1e-6) or len(outer) < outer.shape[1] + 3:
        return ""
    late = delay(inner, outer, _LONGEST_DELAY)
    if late:
        return f"comes {late} steps late" if late > 1 else "comes one step late"
    if np.ptp(inner, axis=0).max() == 0:
        return "is always the same"
    design = np.column_stack([outer, np.ones(len(outer))])
    weights, *_ = np.linalg.lstsq(design, inner, rcond=None)
    if not np.allclose(design @ weights, inner, rtol=1e-3, atol=1e-3 * max(1e-9, float(np.abs(inner).max()))):
        return "is not the one that was given, nor a scaled one"
    square = weights[:-1]
    factors = np.diag(square)
    if np.allclose(square, np.diag(factors), atol=1e-3):
        return f"{_SCALED} {', '.join(f'{factor:.3g}' for factor in factors[:6])}"
    return "has its entries in another order, or mixed"


def _observation_words(outer: FloatArray, inner: FloatArray) -> str:
    if np.array_equal(outer, inner, equal_nan=True):
        return ""
    late = delay(outer, inner, _LONGEST_DELAY)
    if late:
        return f"arrives {late} steps late" if late > 1 else "arrives one step late"
    if np.array_equal(np.sort(outer, axis=1), np.sort(inner, axis=1), equal_nan=True):
        return "arrives with its entries in another order"
    return ""


def _rewards(seen: Passage, what: str, between: str, remedy: str) -> Iterator[Finding]:
    outer, inner = seen.rewards
    if np.array_equal(outer, inner) or len(np.unique(inner)) <= 2:
        return
    late = delay(outer, inner, _LONGEST_DELAY)
    varies = outer.std() > 1e-12
    correlation = float(np.corrcoef(outer, inner)[0, 1]) if varies else 0.0
    if late:
        words = f"arrives {late} steps late" if late > 1 else "arrives one step late"
    elif correlation < _NEGATED:
        words = f"arrives with the other sign (correlation {correlation:.2f})"
    elif correlation < _FOLLOWS:
        words = (
            f"does not arrive (correlation {correlation:.2f})" if varies else "does not arrive: it is always the same"
        )
    else:
        return
    # Another reward in place of the original may be meant; the original with another sign or time is not.
    found = error if late or correlation < _NEGATED else warning
    aspect = "late" if late else "negated" if correlation < _NEGATED else "lost"
    yield found("reward-changed-on-the-way", f"{what} {words}{between}.", remedy, aspect=aspect, observed=correlation)
