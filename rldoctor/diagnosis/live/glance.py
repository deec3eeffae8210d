"""One examination of a training that runs: is it sick, compared with healthy runs in the same phase of theirs?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rldoctor.diagnosis.context import DiagnosisContext, shipped_context
from rldoctor.diagnosis.impossible import set_aside
from rldoctor.diagnosis.live.phase import shipped_phases
from rldoctor.diagnosis.live.rules import live_rules
from rldoctor.diagnosis.match import match
from rldoctor.diagnosis.rank import HEALTHY, Ranked, rank
from rldoctor.diagnosis.witnesses import state_settings
from rldoctor.model import Curve, Run, Severity, Verdict
from rldoctor.rulebook import Case, Sign
from rldoctor.rulebook.applicable import applicable
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.rulebook.observe import Evidence, observe
from rldoctor.rulebook.schema import FIRES_FROM

# Steps of the shortest healthy trainings that the phases are made of, by family of algorithms: fetch_reach_dense/quick,
# and reach/sac of benchmarks/off_policy.
_SHORTEST = {"": 16_384, "off_policy": 2_000}
# Families of algorithms whose trainings are warned of at most while they learn.
WARNED_AT_MOST = frozenset({"off_policy"})


@dataclass(frozen=True, slots=True)
class Glance:
    """What one examination found.

    Attributes:
        step: The last step of the run at that time.
        points: Points of its longest curve.
        verdict: ``healthy`` where the outcome shows learning, ``unjudged`` where nothing shows yet.
        cause: The most likely cause with a sign that shows; empty for none.
        probability: Of that cause against health alone, in [0, 1].
        clear: Whether the cause is so likely, and a sign of it so strong, that one examination is enough for a warning.
        health: Probability that nothing is wrong, in [0, 1].
        signs: Codes and names of the signs that show the cause, strongest first.
        error: Whether it is sick by a sign that is an error, which takes less long to believe.
        single: Whether it is sick by a single strong sign alone, and no setting, which takes longer to believe.
    """

    step: int
    points: int
    verdict: Verdict
    cause: str = ""
    probability: float = 0.0
    clear: bool = False
    health: float = 0.0
    signs: tuple[str, ...] = ()
    single: bool = False
    error: bool = False


def points_of(run: Run) -> int:
    """Return how many points the longest curve of a run has."""
    return max((len(curve) for curve in run.curves.values()), default=0)


def share_of(run: Run, planned: int | None, family: str = "") -> float | None:
    """Return the share of the planned steps that a run has done, in [0, 1]; ``None`` where the plan is unknown.

    A plan of fewer steps than any recorded healthy run had counts as one of so many: 640 steps are a beginning.
    """
    if not planned:
        return None
    return min(1.0, run.last_step / (max(planned, _SHORTEST[family]) if run.counts_steps else planned))


def strengths_of(
    run: Run,
    reference: str | None = None,
    context: DiagnosisContext | None = None,
    counts: Callable[[Sign], bool] = lambda _: True,
) -> tuple[dict[str, float], dict[str, Sign]]:
    """Return how strongly each sign that can be measured shows on a young run, by code, and the signs.

    Curves of two or three points are measured as if they had four.

    Args:
        run: The run so far.
        reference: A reference to compare it with; by default the one that fits.
        context: The context of a configuration; shipped rules by default.
        counts: Whether a sign is measured.

    Raises:
        UsageError: The reference does not exist.
    """
    context = context or shipped_context()
    run = set_aside(run, context.book)
    run = replace(run, curves={name: _filled(curve) for name, curve in run.curves.items()})
    matched = match(run, reference, context.references)
    case = Case(run, matched.reference, matched.same_recipe)
    wanted = (sign for sign in applicable(context.book, run.algorithm).signs if counts(sign))
    observed = [item for item in (observe(sign, case) for sign in wanted) if isinstance(item, Evidence)]
    return {item.sign.code: item.strength for item in observed}, {item.sign.code: item.sign for item in observed}


def _filled(curve: Curve) -> Curve:
    """Return a curve of two or three points with points on the lines between them, so that signs can be measured."""
    count = len(curve)
    if not 2 <= count < FEWEST_POINTS:
        return curve
    at, places = np.linspace(0, count - 1, FEWEST_POINTS), np.arange(count)
    steps = np.interp(at, places, curve.steps).astype(np.int64)
    return Curve(curve.metric, steps, np.interp(at, places, curve.values), curve.tag, curve.aggregation)


def glance(
    run: Run,
    planned: int | None = None,
    reference: str | None = None,
    context: DiagnosisContext | None = None,
) -> Glance:
    """Examine a run as it stands.

    Args:
        run: The run so far.
        planned: Steps that the training will have; ``None`` where that is unknown.
        reference: A reference to compare it with; by default the one that fits.
        context: The context of a configuration; shipped rules by default.

    Raises:
        UsageError: The reference does not exist.
    """
    context = context or shipped_context()
    points = points_of(run)
    if points < live_rules().fewest_points:
        return Glance(run.last_step, points, Verdict.UNJUDGED)
    known = context.book.algorithms.get(run.algorithm)
    family = known.family if known else ""
    share, phases, rules = share_of(run, planned, family), shipped_phases(family), live_rules()
    settings = state_settings(run, context.setting_signs)
    heard = settings.observations if settings else ()
    # Of causes with a setting with which no training works, what healthy runs show is no measure.
    set_by = {name for item in heard if item.finding and item.strength >= rules.strong for name in item.causes}
    diagnoses = context.book.diagnoses
    shown_by = {code for name in set_by for code, weight in diagnoses[name].weights.items() if weight > 0.0}

    def beyond(sign: Sign, strength: float) -> float:
        """Return how strongly a sign shows beyond what healthy runs show at this time."""
        return strength if sign.of_health or sign.code in shown_by else phases.beyond(sign.code, strength, share)

    strengths, signs = strengths_of(run, reference, context, lambda sign: beyond(sign, 1.0) > 0.0)
    showing = {code: beyond(signs[code], strength) for code, strength in strengths.items()}
    ranked = rank(context.book, showing | {item.key: item.strength for item in heard}, run.algorithm)
    found = judged(run.last_step, points, ranked, showing, signs, set_by, rules.late.still(share, family) - shown_by)
    # Of tasks that no phase knows, one healthy training in thirty would be called sick (docs/watch.md): one that
    # learns, in finite numbers, is warned of at most.
    learns = family in WARNED_AT_MOST and _learns(showing, signs) and not any(map(_is_numeric, found.signs))
    sick = found.verdict is Verdict.SICK
    return replace(found, verdict=Verdict.SUSPECT, single=False, error=False) if sick and learns else found


def _is_numeric(sign: str) -> bool:
    return sign.startswith("NUM")


def _learns(beyond: Mapping[str, float], signs: Mapping[str, Sign]) -> bool:
    return any(signs[code].outcome == "fine" and strength >= FIRES_FROM for code, strength in beyond.items())


def judged(
    step: int,
    points: int,
    ranked: Sequence[Ranked],
    beyond: Mapping[str, float],
    signs: Mapping[str, Sign],
    set_by: Collection[str],
    late: Collection[str],
) -> Glance:
    """Return what the causes and signs of one examination come to.

    Args:
        step: The last step of the run.
        points: Points of its longest curve.
        ranked: The causes, the likeliest first.
        beyond: How strongly each sign shows beyond what healthy runs show at this time, in [0, 1], by code.
        signs: Of these codes.
        set_by: Causes for which a setting alone speaks clearly.
        late: Codes of signs that say nothing by themselves this early.
    """
    rules = live_rules()
    fired = {code for code, strength in beyond.items() if strength >= FIRES_FROM and not signs[code].of_health}
    health = next(item.probability for item in ranked if item.rule.name == HEALTHY)
    causes = (item for item in ranked if item.rule.name != HEALTHY)
    learns = _learns(beyond, signs)
    leading = next(
        (item for item in causes if not fired.isdisjoint(item.evidence_for) or item.rule.name in set_by), None
    )
    nothing = Verdict.HEALTHY if learns else Verdict.UNJUDGED
    if leading is None:
        return Glance(step, points, nothing, health=health)
    shown = [code for code in leading.evidence_for if code in fired]
    odds = leading.probability / max(leading.probability + health, 1e-300)
    # The outcome shows late what else shows early: by itself it clears up nothing.
    telling = [code for code in shown if not signs[code].outcome and code not in late]
    strong = sum(beyond[code] >= rules.strong for code in telling)
    is_set = leading.rule.name in set_by
    clear = odds >= rules.warn.clear and (strong > 0 or is_set)
    harmed = any(signs[code].outcome == "harmed" and code not in late for code in fired)
    error = any(signs[code].severity is Severity.ERROR and code not in late for code in shown)
    failed = odds >= rules.sick.probability and (harmed or error)
    if failed or (clear and telling and not learns):
        verdict = Verdict.SICK
    elif odds >= rules.warn.probability and telling:
        verdict = Verdict.SUSPECT
    elif clear and not learns:
        # A setting alone warns, and stops nothing.
        verdict = Verdict.SUSPECT
    else:
        return Glance(step, points, nothing, health=health)
    names = tuple(f"{code} {signs[code].name}" for code in shown)
    # Settings and logs are two witnesses.
    single = verdict is Verdict.SICK and not failed and not is_set and strong < rules.sick.signs
    return Glance(step, points, verdict, leading.rule.name, odds, clear, health, names, single, failed and error)
