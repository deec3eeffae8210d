"""A return that never varies: a solved task whose return has an upper end, or a reward that nothing changes.

The return alone does not tell which; a reference, a baseline return, the success rate or a sign of the updates does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rldoctor.model import FloatArray, Run
from rldoctor.rulebook import Case
from rldoctor.rulebook.observe import Evidence

_RETURNS = ("episode_return", "evaluation_return")
# What follows from returns and lengths of episodes alone.
_RETURN_ALONE = frozenset(
    [
        *(*_RETURNS, "episode_length", "evaluation_length", "mean_return", "training_return", "return_at_first_length"),
        *("mean_length", "return_over_many", "length_over_many"),
        *("reward_per_step", "reward_magnitude", "reward_above_sparse", "reward_above_zero", "return_by_episode"),
        *("evaluation_lead", "evaluation_size", "evaluation_length_ratio"),
    ]
)
_OF_LOGS, _OF_NUMBERS = ("LOG", "SPD"), "NUM"


class ConstantReturn(NamedTuple):
    """A return that is the same at all points, in words, and whether it is one that pays nothing or costs."""

    points: int
    lowest: bool
    words: str


def never_varies(case: Case) -> bool:
    """Return whether each return that was logged is one and the same number, with nothing to compare it with."""
    if case.reference is not None or case.run.baseline_return is not None:
        return False
    logged = _logged(case.run)
    return bool(logged) and all(bool((values == values[0]).all()) for values in logged)


def tells_more(case: Case, fired: Iterable[Evidence]) -> bool:
    """Return whether a sign shows for which more was looked at than the return and the length of episodes."""
    for item in fired:
        metrics = {condition.metric for condition in item.sign.when} & case.curves.keys()
        if item.sign.code.startswith(_OF_NUMBERS) or (
            not item.sign.code.startswith(_OF_LOGS) and not _RETURN_ALONE.issuperset(metrics)
        ):
            return True
    return False


def constant_return(run: Run) -> ConstantReturn:
    """Return what the return is at all points."""
    values = _logged(run)[0]
    return ConstantReturn(
        len(values), float(values[0]) <= 0, f"The return is {values[0]:g} at all {len(values)} points"
    )


def _logged(run: Run) -> list[FloatArray]:
    curves = [run.curves[name].finite() for name in _RETURNS if name in run.curves]
    return [curve.values for curve in curves if len(curve)]
