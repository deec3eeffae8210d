"""Steps do not become slower, and nothing grows with every step.

What it does: compares the duration of steps at the start and at the end of some hundred random ones, confirms a
slowdown with a new environment, counts the entries of the environment's lists and dictionaries, and weighs those that
grow.

Why it matters: a list that gets an entry with every step and is never emptied fills the memory in a training of
millions of steps; one that every step goes through makes it slower and slower.

What to do: empty it in ``reset``, or use ``collections.deque`` with ``maxlen``.
"""

from __future__ import annotations

import time

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.inspection import bytes_of, sizes_of

# Other load on the machine makes a round of steps twice as long now and then; three times in two ways it does not.
_FACTOR = 3.0
_FEWEST = 100
_STEPS = 15
# Bytes a step: from a kilobyte, which is a gigabyte in a million steps, a training may run out of memory; below a tenth
# of that it is not worth a number. Ours.
_MUCH, _TOLD = 1_000, 100


def _quickest(context: PreflightContext, used: bool) -> float:
    """Return the duration of the quickest of some steps of the used or of a new environment."""
    env = context.env if used else context.make()
    random, durations = np.random.default_rng(0), []
    env.reset(seed=0)
    for _ in range(context.budget.steps(_STEPS)):
        started = time.perf_counter()
        _, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
        durations.append(time.perf_counter() - started)
        if terminated or truncated:
            env.reset()
    return min(durations)


@check("ENV116", "slowdown", late=1, requires=("ENV102",), faults=("environment-slows-down", "grows-with-every-step"))
def run(context: PreflightContext) -> CheckFindings:
    """Compare the first steps with the last."""
    seconds = context.batch.seconds
    if len(seconds) < _FEWEST:
        return "too few steps to compare"
    quarters = [float(np.median(part)) for part in np.array_split(seconds, 4)]
    if quarters[-1] > _FACTOR * quarters[0] and quarters == sorted(quarters):
        new, used = _quickest(context, used=False), _quickest(context, used=True)
        if used > _FACTOR * new:
            yield warning(
                "environment-slows-down",
                f"Steps become slower with use: {1e3 * new:.3g} ms in a new environment, {1e3 * used:.3g} ms after "
                f"{len(seconds)} steps.",
                "Look for a list that grows with every step and that every step goes through.",
                observed=used / new,
                expected=1.0,
            )
    context.env.reset(seed=0)
    sizes = sizes_of(context.env)
    growing = sorted(name for name, size in sizes.items() if size >= len(seconds))
    if growing:
        held = sum(bytes_of(context.env, name) / sizes[name] for name in growing)
        costs = f" A million steps keep {1e6 * held / 1e9:.2g} GB." if held >= _TOLD else ""
        yield (warning if held >= _MUCH else note)(
            "grows-with-every-step",
            f"self.{growing[0]} has an entry for each of the {len(seconds)} steps played; reset does not empty it."
            f"{costs}",
            "Empty it in reset, or use collections.deque with maxlen, or a long training fills the memory.",
            observed=round(held),
            expected=_MUCH,
            attributes=growing[:8],
        )
    return f"{1e3 * quarters[0]:.3g} ms a step at first, {1e3 * quarters[-1]:.3g} ms at last"
