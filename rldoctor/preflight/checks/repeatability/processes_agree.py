"""The same seed plays the same in every process.

What it does: plays seed 0 with the same actions here and in two new processes, which order sets and hash texts in other
ways, and compares the three. Environments of Gymnasium itself and those whose numbers are known are left out.

Why it matters: parallel training runs environments in processes, and a run is repeated in another one. What depends on
the order of a set, on ``hash`` or on the process cannot be repeated, although within one process it always looks the
same.

What to do: sort a set before going through it, index by names instead of by ``hash``, and seed everything from
``reset(seed=...)``.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import trajectory
from rldoctor.preflight.probes.inspection import has_running_statistics

_STEPS = 20
_HASH_SEEDS = (1, 2)
# Their authors' own tests compare processes.
_TESTED = ("gymnasium.", "gymnasium_robotics.")
# Of the budget: starting a process and importing takes about a second.
_SHARE = 0.25
# Without a limit of the budget: two processes that import TensorFlow, on a busy machine.
_LONGEST = 120.0


@check("ENV113", "processes-agree", late=1, requires=("ENV105", "ENV111"), faults=("processes-differ",))
def run(context: PreflightContext) -> CheckFindings:
    """Play one seed here and in two new processes."""
    from rldoctor.preflight.probes.replay import replay

    if context.wrap:
        raise Skipped("another process does not have the wrapper")
    if context.expectation.envs or context.entry_point.startswith(_TESTED):
        raise Skipped("its authors' own tests compare processes")
    if has_running_statistics(context.env) or (context.spec and context.spec.nondeterministic):
        raise Skipped("it does not repeat itself, on purpose")
    if not context.repeatable:
        raise NotRun("it does not repeat itself (ENV105)")
    seconds = min(_SHARE * context.budget.seconds, _LONGEST)
    context.budget.require(min(seconds, 2.0))
    steps = context.budget.steps(_STEPS, plays=3)
    here = trajectory(context.env, 0, steps)
    there = replay(context.env_id, context.env_arguments, steps, _HASH_SEEDS, min(seconds, context.budget.remaining))
    if there is None:
        raise Skipped("another process cannot make it by this name")
    if all(rows.shape == here.shape and np.array_equal(rows, here, equal_nan=True) for rows in there):
        return f"the same {len(here) - 1} steps in three processes"
    yield error(
        "processes-differ",
        "Seed 0 with the same actions plays differently in another process, though always the same within one.",
        "Look for the order of a set, hash() of a text, id(), or random numbers drawn at import; sort sets before use.",
    )
    return ""
