"""Evidence: how strongly a sign shows on a case, or why it cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from msgspec import Struct

from rldoctor.rulebook.applicable import Applicable, applicable, made_for
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.beginning import NO_BEGINNING, needs_beginning, without_beginning
from rldoctor.rulebook.detectors.detector import Measured, NotMeasured
from rldoctor.rulebook.detectors.stack import Stack, stacked
from rldoctor.rulebook.load import Rulebook
from rldoctor.rulebook.schema import FIRES_FROM, Sign

# Sets of logged metrics whose signs are remembered: one for each kind of run in a folder.
_MOST_PLANS = 64


class Evidence(Struct, frozen=True):
    """What one witness, a sign, says of a case.

    Attributes:
        sign: The witness; ``sign.direction`` says whether it is evidence of a fault or of health.
        strength: That of the weakest condition, in [0, 1].
        measured: The numbers of the leading condition.
    """

    sign: Sign
    strength: float
    measured: Measured

    @property
    def fires(self) -> bool:
        """Whether the evidence is strong enough to be shown."""
        return self.strength >= FIRES_FROM


class Skipped(Struct, frozen=True):
    """A sign that could not be judged, and why."""

    sign: Sign
    reason: NotMeasured


def observe(sign: Sign, case: Case) -> Evidence | Skipped:
    """Return what one sign says of a case."""
    if without_beginning(case) and _is_late(sign):
        return Skipped(sign, NO_BEGINNING)
    return _observe(sign, Stack.alone(case))[0] if made_for(sign, case.run.algorithm) else _foreign(sign)


@cache
def _for_others(algorithms: tuple[str, ...]) -> NotMeasured:
    return NotMeasured(f"it is for {' and '.join(algorithms)}", foreign=True)


def _foreign(sign: Sign) -> Skipped:
    return Skipped(sign, _for_others(sign.algorithms))


def _is_late(sign: Sign) -> bool:
    """Return whether a sign says nothing of logs that do not begin with the training."""
    return not sign.of_health and needs_beginning(sign.when)


def _observe(sign: Sign, stack: Stack) -> list[Evidence | Skipped]:
    """Return what one sign says of each case of a stack."""
    first, *others = sign.when
    leading = first.measure_all(stack)
    weakest = [item.strength if type(item) is Measured else -1.0 for item in leading]
    reasons: dict[int, NotMeasured] = {}
    for condition in others:
        strongest = max(weakest)
        if strongest < 0.0:
            break
        # Nothing is weaker than 0: whether the others can be judged is all that counts.
        if strongest == 0.0 and condition.is_judged_on(stack):
            continue
        for place, measured in enumerate(condition.measure_all(stack)):
            if type(measured) is Measured:
                if measured.strength < weakest[place]:
                    weakest[place] = measured.strength
            elif weakest[place] >= 0.0 and not condition.optional:
                weakest[place], reasons[place] = -1.0, measured  # type: ignore[assignment]
    return [
        Evidence(sign, strength, item)  # type: ignore[arg-type]
        if strength >= 0.0
        else Skipped(sign, reasons.get(place, item))  # type: ignore[arg-type]
        for place, (strength, item) in enumerate(zip(weakest, leading, strict=True))
    ]


Observed = tuple[list[Evidence], list[Skipped]]
"""What all signs say of a case: those that could be judged on it, and those that could not."""


def observe_all(book: Rulebook, case: Case) -> Observed:
    """Return what every sign of the rulebook says of a case."""
    return _observe_stack(book, Stack.alone(case))[0]


def observe_many(book: Rulebook, cases: Sequence[Case]) -> list[Observed]:
    """Return what every sign of the rulebook says of each case; in less time where many have the same steps."""
    found: dict[int, Observed] = {}
    for places in stacked(cases):
        group = [cases[place] for place in places]
        stack = Stack(group) if len(group) > 1 else Stack.alone(group[0])
        found.update(zip(places, _observe_stack(book, stack), strict=True))
    return [found[place] for place in range(len(cases))]


def _observe_stack(book: Rulebook, stack: Stack) -> list[Observed]:
    case = stack.cases[0]
    signs, foreign = _plan(applicable(book, case.run.algorithm), case)
    if without_beginning(case):
        signs = [Skipped(sign, NO_BEGINNING) if type(sign) is Sign and _is_late(sign) else sign for sign in signs]
    said = [stack.same(sign) if type(sign) is Skipped else _observe(sign, stack) for sign in signs]  # type: ignore[arg-type]
    found: list[Observed] = []
    for of_case in zip(*said, strict=True):
        observed = [item for item in of_case if type(item) is Evidence]
        skipped = [item for item in of_case if type(item) is Skipped]
        found.append((observed, [*skipped, *foreign]))
    return found


def _plan(chosen: Applicable, case: Case) -> tuple[list[Sign | Skipped], list[Skipped]]:
    """Return the signs in their order, those that are skipped whatever the run's numbers are as such, and foreign ones.

    Runs side by side log the same metrics, so that this is found out once for all of them.
    """
    logged = frozenset(name for curves in (case.curves, case.as_logged) for name, curve in curves.items() if len(curve))
    found: tuple[list[Sign | Skipped], list[Skipped]] | None = chosen.by_metrics.get(logged)
    if found is None:
        if len(chosen.by_metrics) >= _MOST_PLANS:
            chosen.by_metrics.clear()
        signs: list[Sign | Skipped] = []
        for sign in chosen.signs:
            missing = sign.when[0].is_missing_from(logged)
            signs.append(sign if missing is None else Skipped(sign, missing))
        found = chosen.by_metrics[logged] = signs, [_foreign(sign) for sign in chosen.foreign]
    return found
