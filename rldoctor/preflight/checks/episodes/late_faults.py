"""Nothing breaks late in an episode.

What it does: where the random episodes of the other checks were cut after 250 steps, plays on until an episode ends,
and looks at every observation and reward.

Why it matters: a logarithm of a counter, a position that leaves the map or a list that runs out shows after hundreds of
steps, in the middle of a training.

What to do: go to the step that the finding names, with random actions from the seed 100.
"""

from __future__ import annotations

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext

_FAULTS = {
    "not-finite": ("observation-not-finite-later", "the observation {} is NaN or infinite"),
    "reward-not-finite": ("reward-not-finite-later", "the reward is {}"),
    "outside": ("observation-outside-space-later", "the observation leaves its declared bounds: {}"),
    "raises": ("step-raises-later", "step raised {}"),
}


@check(
    "ENV115",
    "late-faults",
    late=1,
    requires=("ENV111", "ENV202", "ENV203", "ENV401"),
    faults=tuple(name for name, _ in _FAULTS.values()),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play on until episodes end."""
    played = context.long_play
    if not played.longest:
        raise Skipped("all random episodes were played to their end")
    for kind, step, details in played.faults:
        if kind in _FAULTS:
            name, words = _FAULTS[kind]
            yield error(
                name,
                f"In step {step} of a random episode {words.format(details)}.",
                "Look at what grows with the steps: a counter, a position, a list that runs out.",
                step=step,
            )
    return f"{played.longest} steps"
