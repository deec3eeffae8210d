"""How a training ended, in the verdict: with an error, or with returns that are no numbers any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from msgspec import structs

from rldoctor.diagnosis.outcome.verdict import Decision
from rldoctor.model import Run, Verdict
from rldoctor.rulebook.observe import Evidence

_CRASHED, _NON_FINITE = "NUM102", "NUM101"
_RETURN = "episode_return"
# The share of the last returns, and how many they are at least, that are no numbers where the return is lost. Ours.
_LAST, _FEWEST = 0.1, 2


def without_lost_returns(run: Run, observed: Sequence[Evidence]) -> list[Evidence]:
    """Return what is observed, without signs of a return that went well where it ends with NaN or infinity."""
    returns = run.curves.get(_RETURN)
    last = returns.values[-max(_FEWEST, round(_LAST * len(returns))) :] if returns is not None else np.empty(0)
    if not len(last) or np.isfinite(last).any():
        return [*observed]
    if not any(item.fires and item.sign.code == _NON_FINITE for item in observed):
        return [*observed]
    return [
        structs.replace(item, strength=0.0) if item.sign.of_health and _RETURN in item.sign.metrics else item
        for item in observed
    ]


def told_of_crash(decision: Decision, fired: Collection[str]) -> Decision:
    """Return a decision whose summary says that the training stopped with an error, where nothing worse is said."""
    if _CRASHED not in fired or decision.verdict not in (Verdict.HEALTHY, Verdict.UNJUDGED):
        return decision
    how = "Training stopped with an error"
    if decision.summary.startswith("No problems found, but"):
        return decision._replace(summary=decision.summary.replace("No problems found, but", f"{how}, and", 1))
    rest = decision.summary.removeprefix("No problems found.").strip()
    return decision._replace(summary=f"{how}. {rest}" if rest != decision.summary else f"{rest} {how}.")
