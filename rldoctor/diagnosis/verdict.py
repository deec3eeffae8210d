"""The verdict: what the odds of causes and the signs of the outcome come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rldoctor.diagnosis.rank import HEALTHY, Ranked
from rldoctor.model import Run, Severity, Verdict
from rldoctor.rulebook import Case
from rldoctor.rulebook.case import FEWEST_POINTS, SUCCESS_METRICS
from rldoctor.rulebook.observe import Evidence

# Reading troubles that make the curves themselves doubtful (two runs in one directory).
MIXED_RUNS = "LOG201"
# Strength from which a sign that is typical of one cause speaks by itself.
_FULLY = 0.95
# How likely that cause has to be, as a fraction of health: a hallmark alone is not worth a word where health is far
# likelier (learning rates of adaptive schedules). Ours, from tests/runs: hallmarks of harm stand at 0.45 and above.
_ALONE = 1 / 3


def decide(run: Run, case: Case, observed: Sequence[Evidence], ranked: Sequence[Ranked]) -> tuple[Verdict, str]:
    """Return the verdict and one sentence that says how it came about.

    Causes speak through the odds, the outcome through the signs that bear on it. A cause without a harmed outcome is
    suspect, with one it is sick; health needs a fine outcome, not only silence, and illness a sign: odds alone, of logs
    that hold next to nothing, accuse nobody. A sign that is typical of the leading cause and shows fully is worth a
    word even where health is likelier.
    """
    fired = {item.sign.code: item for item in observed if item.fires}
    fine = [item for item in fired.values() if item.sign.outcome == "fine"]
    # Success is the environment's own measure: where it is reached, a return that stands still is no harm.
    solved = any(item.strength >= _FULLY and item.sign.metrics[0] in SUCCESS_METRICS for item in fine)
    harmed = [
        item
        for item in fired.values()
        if item.sign.outcome == "harmed" and (not solved or item.sign.metrics[0] in SUCCESS_METRICS)
    ]
    errors = [item for item in fired.values() if item.sign.severity is Severity.ERROR]
    health = next(item.probability for item in ranked if item.rule.name == HEALTHY)
    leading = next(item for item in ranked if item.rule.name != HEALTHY)
    if is_foreign(run):
        return Verdict.UNJUDGED, f"None of its {len(run.unknown_tags):,} scalar tags is known: nothing can be judged."
    if is_short(case) and not errors:
        return (
            Verdict.UNJUDGED,
            f"Too short to judge: {_points(case)} logged points, at least {FEWEST_POINTS} are needed.",
        )
    if any(found.code == MIXED_RUNS for found in run.findings):
        return Verdict.SUSPECT, "Several runs are mixed in this directory; the latest of them is what was read."
    weighty = leading.probability >= _ALONE * health
    marked = weighty and any(fired[code].strength >= _FULLY for code in leading.rule.hallmarks if code in fired)
    shown = [item for item in ranked if item.rule.name != HEALTHY and _speaks(item, fired)]
    # Where no sign of the outcome was judged, whatever shows is all there is to go by.
    blind = not any(item.sign.outcome for item in observed)
    if marked or (health < 0.5 and shown and (blind or shown[0] is leading)):
        cause = (leading if marked else shown[0]).rule.name
        if harmed or (errors and not fine):
            return Verdict.SICK, f"The outcome is harmed; the leading cause is {cause}."
        if fine:
            return Verdict.SUSPECT, f"Signs of {cause}, but the outcome is not harmed yet."
        return Verdict.SUSPECT, f"Signs of {cause}; the outcome cannot be told from the logs."
    if harmed:
        worst = max(harmed, key=lambda item: item.strength)
        return Verdict.SUSPECT, f"No cause stands out, but the outcome does not look right: {worst.sign.name}."
    if fine:
        return (
            Verdict.HEALTHY,
            "The outcome is what healthy runs reach." if case.reference else "The return improves as it should.",
        )
    if "episode_return" not in case.curves:
        return Verdict.UNJUDGED, "Nothing looks wrong, but the logs do not tell what the policy achieves."
    return Verdict.UNJUDGED, "Nothing looks wrong, but the run has not shown yet that it learns."


def _speaks(item: Ranked, fired: Mapping[str, Evidence]) -> bool:
    """Tell whether a sign that shows speaks for a cause."""
    return any(code in fired and not fired[code].sign.of_health for code in item.evidence_for)


def _points(case: Case) -> int:
    return max((len(curve) for curve in case.curves.values()), default=0)


def is_foreign(run: Run) -> bool:
    """Tell whether the logs hold scalars of which none is known."""
    return not run.curves and bool(run.unknown_tags)


def is_short(case: Case) -> bool:
    """Tell whether no curve has the points that signs ask for."""
    return _points(case) < FEWEST_POINTS
