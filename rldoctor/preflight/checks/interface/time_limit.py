"""The time limit truncates an episode; it does not terminate it.

What it does: looks at how random episodes ended, and at the registered time limit.

Why it matters: nothing follows a termination, so the value of the last state is 0. After a truncation the episode was
only cut off and the value continues. Confusing the two teaches the critic that a state is worth more the farther it is
from the end, which the observation does not show.

What to do: return ``terminated=True`` only for a real end, and leave the limit to Gymnasium's ``TimeLimit``
(``max_episode_steps`` at registration).
"""

from __future__ import annotations

from rldoctor.preflight.check import CheckFindings, check, note, warning
from rldoctor.preflight.context import PreflightContext

# Ours: a time limit of so few steps is rarely meant.
_VERY_SHORT = 5


@check(
    "ENV108",
    "time-limit",
    requires=("ENV102",),
    faults=("time-limit-terminates", "horizon-unexpected", "no-time-limit", "episodes-very-short"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Look at how episodes ended."""
    ends, horizon = context.batch.ends, context.horizon
    expected = context.expectation.episode.horizon
    terminated = [length for length, term, trunc in ends if term and not trunc]
    truncated = [length for length, _, trunc in ends if trunc]
    limit = expected or horizon
    # All of one length, the limit's: a task that ends when it is done ends earlier now and then.
    at_limit = [length for length in terminated if length == limit]
    if at_limit and len(at_limit) == len(ends):
        yield warning(
            "time-limit-terminates",
            f"All {len(ends)} random episodes ended at the time limit of {limit} steps with terminated=True.",
            "Return terminated=False and truncated=True there, or leave the limit to Gymnasium's TimeLimit.",
            observed=at_limit,
        )
    wrong = sorted({length for length in truncated if expected and length != expected})
    if wrong:
        lengths = " and ".join(map(str, wrong))
        message = f"Episodes were cut off after {lengths} steps; {context.env_id} is known to last {expected}."
        remedy = f"Keep max_episode_steps at {expected}, or do not compare the run with its reference."
        yield warning("horizon-unexpected", message, remedy, observed=wrong, expected=expected)
    if len(truncated) == len(ends) > 0 and max(truncated) <= _VERY_SHORT:
        message = f"Every random episode was cut off after {max(truncated)} steps or fewer."
        remedy = "If the task takes longer, raise the time limit."
        yield note("episodes-very-short", message, remedy, observed=truncated, expected=_VERY_SHORT)
    if horizon is None and not ends:
        message = f"No time limit is registered, and no random episode ended within {len(context.batch.rewards)} steps."
        yield note("no-time-limit", message, "Register the environment with max_episode_steps.")
    return f"{len(truncated)} truncated, {len(terminated)} terminated of {len(context.batch.starts)} episodes"
