"""The simulator is not reset in the middle of an episode.

What it does: follows the clock of the physics simulator (MuJoCo's ``data.time``) over random episodes. Between two
resets it must never run backwards.

Why it matters: MuJoCo resets itself without a Python exception when accelerations become too large. The robot is then
suddenly back at its first pose, the episode goes on, and its counter of such warnings is reset too. The policy learns
to exploit the jump, or nothing.

What to do: use a smaller time step (``option timestep``), weaker actuators, more damping or the implicit integrator,
and end the episode when the state becomes unhealthy.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext


@check("ENV114", "simulator-clock", requires=("ENV102",), faults=("simulator-resets-itself",))
def run(context: PreflightContext) -> CheckFindings:
    """Follow the simulator's clock."""
    batch, later = context.batch, context.long_play
    if not np.isfinite(batch.clock).all():
        raise Skipped("no simulator with a clock that can be seen")
    elapsed = batch.clock[:, 1] - batch.clock[:, 0]
    # A reset within the very first steps leaves the clock ahead, but less than a whole step.
    short = elapsed < 0.5 * np.median(elapsed)
    count, longer = int(short.sum()), [step for kind, step, _ in later.faults if kind == "rewound"]
    if np.median(elapsed) > 0 and (count or longer):
        where = f"{count} times in {len(elapsed)} random steps" if count else f"in step {longer[0]} of a random episode"
        yield error(
            "simulator-resets-itself",
            f"The simulator's clock runs backwards {where} although reset was not called: the simulation became "
            "unstable and was reset.",
            "Use a smaller time step, weaker actuators or more damping, and end the episode in unhealthy states.",
            observed=count or len(longer),
            expected=0,
        )
    return f"{len(elapsed)} steps of {np.median(elapsed):.4g} s"
