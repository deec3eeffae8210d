"""An episode that ends by what happened in it is terminated, not truncated.

What it does: where random episodes are cut off before their limit, at several lengths, plays the same starts with other
actions. Where the length depends on the actions, no limit was reached: something happened.

Why it matters: after a truncation the value of the last state is counted on as if the episode had gone on. If a crash
is told as a truncation, crashing costs nothing, and a policy has no reason to avoid it.

What to do: return ``terminated=True`` where the episode ends by what happened, and ``truncated=True`` only at a limit
of time. If it is only left off there, as at the border of an arena that does not matter, ignore ENV122.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.info_names import failure_in

# Episodes that were cut off early, starts that are played again, and actions that are held.
_EPISODES, _STARTS, _PLANS = 3, 3, 4


@check(
    "ENV122",
    "truncation-cause",
    requires=("ENV105", "ENV108", "ENV111"),
    late=1,
    faults=("failure-truncates", "truncated-by-what-happened"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play the same starts with other actions."""
    batch, horizon = context.batch, context.horizon
    cut = [length for length, terminated, truncated in batch.ends if truncated and not terminated]
    limit = horizon or max(cut, default=0) + (len(set(cut)) == len(cut))
    early = [length for length in cut if length < limit]
    if len(cut) < _EPISODES or not early or len(set(cut)) == 1:
        raise Skipped("random episodes are not cut off before their limit")
    if not context.repeatable:
        raise NotRun("it does not repeat itself (ENV105)")
    plans = alternatives(context.env.action_space, _PLANS, seed=92)
    longest = 2 * max(cut)
    names: list[str] = []
    differs = False
    for seed in range(_STARTS):
        context.budget.steps(longest, least=longest, plays=len(plans))
        ends = [_cut(context, seed, plan, longest) for plan in plans]
        lengths = {length for length, _ in ends if length}
        differs = differs or len(lengths) > 1
        names += [name for _, name in ends if name]
    shown = ", ".join(map(str, cut[:6]))
    if not differs:
        return f"cut off after {shown} steps, whatever is done: a limit that is drawn at reset"
    if names:
        yield error(
            "failure-truncates",
            f'Episodes are cut off after {shown} steps with truncated=True where info["{names[0]}"] is set: a failure '
            "is told as a limit of time.",
            "Return terminated=True there and truncated=False; truncated is for limits of time.",
            observed=cut[:8],
        )
    else:
        yield warning(
            "truncated-by-what-happened",
            f"Episodes are cut off with truncated=True after {shown} steps, and how many depends on what was done: "
            "something happened, and no limit was reached.",
            "Return terminated=True where the episode ends by what happened; truncated is for limits of time.",
            observed=cut[:8],
        )
    return f"cut off after {shown} steps"


def _cut(context: PreflightContext, seed: int, plan: Any, longest: int) -> tuple[int, str]:
    """Hold an action; return after how many steps the episode was cut off, and what failure was told only there."""
    context.env.reset(seed=seed)
    before: Mapping[str, Any] = {}
    for step in range(1, longest + 1):
        _, _, terminated, truncated, info = context.env.step(plan)
        if terminated or truncated:
            name = failure_in(info) if truncated and not terminated else ""
            return (step if truncated and not terminated else 0), (name if name and not before.get(name) else "")
        before = info
    return 0, ""
