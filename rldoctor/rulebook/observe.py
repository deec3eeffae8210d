"""Evidence: how strongly a sign shows on a case, or why it cannot be judged."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from rldoctor.rulebook.applicable import Applicable, applicable, made_for
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.detector import Measured, NotMeasured
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
    return _observe(sign, case) if made_for(sign, case.run.algorithm) else _foreign(sign)


@cache
def _for_others(algorithms: tuple[str, ...]) -> NotMeasured:
    return NotMeasured(f"it is for {' and '.join(algorithms)}", foreign=True)


def _foreign(sign: Sign) -> Skipped:
    return Skipped(sign, _for_others(sign.algorithms))


def _observe(sign: Sign, case: Case) -> Evidence | Skipped:
    weakest, leading = 1.0, None
    for condition in sign.when:
        # Nothing is weaker than 0: whether the others can be judged is all that counts.
        if weakest == 0.0 and condition.is_judged_on(case):
            continue
        measured = condition.measure(case)
        if isinstance(measured, NotMeasured):
            if condition.optional and leading is not None:
                continue
            return Skipped(sign, measured)
        leading = leading or measured
        weakest = min(weakest, measured.strength)
    assert leading is not None, "the loader refuses a sign without conditions"
    return Evidence(sign, weakest, leading)


def observe_all(book: Rulebook, case: Case) -> tuple[list[Evidence], list[Skipped]]:
    """Return what every sign of the rulebook says of a case."""
    signs, foreign = _plan(applicable(book, case.run.algorithm), case)
    observed: list[Evidence] = []
    skipped: list[Skipped] = []
    for sign in signs:
        result = sign if type(sign) is Skipped else _observe(sign, case)  # type: ignore[arg-type]
        if type(result) is Evidence:
            observed.append(result)
        else:
            skipped.append(result)  # type: ignore[arg-type]
    return observed, [*skipped, *foreign]


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
