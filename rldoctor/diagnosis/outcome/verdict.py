"""The verdict: from the probabilities of causes and the evidence of the outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rldoctor import stats
from rldoctor.diagnosis.outcome.constant import constant_return, never_varies, tells_more
from rldoctor.diagnosis.rank import HEALTHY, Ranked, probability_of
from rldoctor.model import Observation, Run, Severity, Verdict
from rldoctor.rulebook import Case
from rldoctor.rulebook.case import FEWEST_POINTS, SUCCESS_METRICS
from rldoctor.rulebook.observe import Evidence
from rldoctor.rulebook.resample import points_of

# A read issue that makes the curves themselves doubtful: two runs in one directory.
MIXED_RUNS = "LOG201"
# A text without metrics, or with those of a form that is not known.
NO_METRICS = "LOG107"
_CRASHED = "NUM102"
# Signs of what is not logged accuse nobody.
_NOT_LOGGED = {"LOG401", "LOG402", "LOG403"}
# From this strength on, a sign shows without a doubt.
_FULLY = 0.95
# How likely a cause has to be, as a fraction of health, so that its hallmark accuses: as likely as health, where it is
# the only sign; where another one shows that supports the cause or contradicts health, that may be up to 76 %. Ours,
# from tests/runs: critics that are not trained stand at 0.40 to 0.47 (a little less where the run is held out), what
# does no harm at 0.17 and less.
_ALONE, _WITH_ANOTHER = 1.0, 0.33
# What fewer points show has to be plain: a cause that is likelier than all else together. Ours; it is what the remedy
# of a run that is too short asks for.
_FEW_POINTS, _PLAIN = 10, 0.5
_RETURN = "episode_return"
# The cause of a return that never varies.
_NO_SIGNAL = "reward-uninformative"
# Signs that say that the return does not improve, or has no trend: none of them stands beside a return that does.
_STANDS = {"RET101", "RET102", "RET103", "RET108", "RET116"}
# The sign of a return that has risen, if not enough to show that the run is healthy.
_MOVED = "RET905"
# So unlikely is health that a return which rises a little does not show it: ours; a healthy run that people asked about
# (tests/cases) stands at 0.07, none of tests/runs below 0.4.
_HARDLY = 0.05
DOUBTFUL = 0.2
"""How likely health has to be by logs alone, so that a return that improves clears a run of other witnesses' warnings:
ours; no healthy run of tests/runs stands below 0.4."""


class Decision(NamedTuple):
    """The verdict, one sentence that says why, and the name of the cause in it; empty for none."""

    verdict: Verdict
    summary: str
    cause: str = ""


def decide(
    run: Run,
    case: Case,
    observed: Sequence[Evidence],
    ranked: Sequence[Ranked],
    observations: Sequence[Observation] = (),
    doubted: bool = False,
) -> Decision:
    """Return the verdict and one sentence that says why.

    Causes count through their probabilities, the outcome through the signs of it. A cause without a bad outcome is
    suspect, with one it is sick. A healthy verdict needs a good outcome, not only the absence of findings, and a sick
    one needs a sign: probabilities alone, from logs that hold next to nothing, are not enough. A hallmark of the
    leading cause at full strength is reported unless health is likelier (far likelier, where another sign agrees).

    Args:
        run: The run.
        case: The run, and what it is compared with.
        observed: The signs.
        ranked: The causes with their probabilities, likeliest first.
        observations: What other witnesses say.
        doubted: Whether logs alone make a healthy run unlikely, so that warnings of other witnesses count even where
            the return improves.
    """
    fired = {item.sign.code: item for item in observed if item.fires}
    fine = [item for item in fired.values() if item.sign.outcome == "fine"]
    # Success is the environment's own measure: where it is reached, a return that stands still does no harm.
    solved = any(item.strength >= _FULLY and item.sign.metrics[0] in SUCCESS_METRICS for item in fine)
    explained = explained_by(fired.values())
    harmed = [
        item
        for code, item in fired.items()
        if item.sign.outcome == "harmed"
        and code not in explained
        and (not solved or item.sign.metrics[0] in SUCCESS_METRICS)
    ]
    wrong = [item for code, item in fired.items() if code not in explained and item.sign.severity is Severity.ERROR]
    errors = bool(wrong)
    if is_foreign(run) and not errors:
        tags = f"None of the {len(run.unknown_tags):,} scalar tags is known"
        what = tags if run.unknown_tags else "No metrics were found in a form that is known"
        return Decision(Verdict.UNJUDGED, f"{what}: nothing can be judged.")
    # What an environment does wrong is known, however few points were logged.
    proven = any(item.direction == "fault" and item.causes and item.severity is Severity.ERROR for item in observations)
    if is_short(case) and not (errors or proven):
        points = _points(case)
        if not points:
            return Decision(Verdict.UNJUDGED, "The logs hold no point yet: there is nothing to judge.")
        logged = f"{points} logged point{'' if points == 1 else 's'}"
        return Decision(Verdict.UNJUDGED, f"Too short to judge: {logged}, {FEWEST_POINTS} are needed.")
    if any(found.code == MIXED_RUNS for found in run.findings):
        return Decision(Verdict.SUSPECT, "Several runs are mixed in these logs; only the latest was read.")
    if not (proven or observations) and never_varies(case) and not tells_more(case, fired.values()):
        same = constant_return(run)
        # Nothing is ever paid, or each step costs the same; where something is, it may be all that there is.
        if same.lowest and same.points >= _FEW_POINTS:
            what = f"{same.words}: nothing that the policy does changes it."
            return Decision(Verdict.SUSPECT, what, _NO_SIGNAL)
        what = f"{same.words}: it was at its highest from the first on, or nothing changes it; the logs do not tell."
        return Decision(Verdict.UNJUDGED, what)
    others = _codes(observations, well=bool(fine) and not (harmed or doubted))
    cause = _cause(observed, fired, ranked, others, solved)
    plain = any(item.rule.name == cause and item.probability >= _PLAIN for item in ranked)
    if has_few_points(case) and not (errors or proven or plain or (fine and not (cause or harmed))):
        return Decision(Verdict.UNJUDGED, f"Too short to judge: {_points(case)} logged points show nothing clear yet.")
    elsewhere = any(_RETURN not in item.sign.metrics for item in wrong)
    if repeats_few_returns(case) and not (elsewhere or proven or plain):
        what = f"{_returns_repeated(case)} returns are all that there is, repeated row after row"
        return Decision(Verdict.UNJUDGED, f"Too short to judge: {what}.")
    if cause:
        if harmed or (errors and not fine):
            # Where no outcome could be judged, that training failed is not known.
            seen = harmed or _CRASHED in fired or any(item.sign.outcome for item in observed)
            few = "too few points of the return to judge it" if _RETURN in case.curves else "no return is logged"
            what = "Training failed" if seen else f"Errors, and {few}"
            return Decision(Verdict.SICK, f"{what}. Most likely cause: {cause}.", cause)
        if explained & fired.keys():
            return Decision(Verdict.SUSPECT, f"Signs of {cause}, which accounts for the lower return.", cause)
        if fine:
            return Decision(Verdict.SUSPECT, f"Signs of {cause}, but {_what_is_fine(case, fine, fired)}.", cause)
        return Decision(Verdict.SUSPECT, f"Signs of {cause}; the logs do not show how training ended.", cause)
    if harmed:
        worst = max(harmed, key=lambda item: item.strength)
        return Decision(
            Verdict.SUSPECT, f"The outcome looks wrong ({worst.sign.name}), but no single cause stands out."
        )
    if fine:
        if case.reference:
            return Decision(Verdict.HEALTHY, "The result matches healthy runs.")
        improves = _of_return(fine)
        how = "The return improves as in healthy runs." if improves else "The policy does what the task asks for."
        return Decision(Verdict.HEALTHY, how)
    if _RETURN not in case.curves:
        return Decision(Verdict.UNJUDGED, "No problems found, but the logs do not show what the policy achieves.")
    if any(item.sign.code == _MOVED and item.fires for item in observed):
        return Decision(
            Verdict.UNJUDGED, "No problems found. The return has risen, but not clearly, or it fell again in part."
        )
    return Decision(Verdict.UNJUDGED, "No problems found, but no clear evidence of learning yet.")


def unless_unlikely(decision: Decision, ranked: Sequence[Ranked]) -> Decision:
    """Return a decision, but of a healthy verdict beside next to no odds for it that nothing is decided."""
    if decision.verdict is not Verdict.HEALTHY or probability_of(HEALTHY, ranked) >= _HARDLY:
        return decision
    return Decision(Verdict.UNJUDGED, "No problems found, but the run is unlike healthy ones.")


def _of_return(fine: Sequence[Evidence]) -> bool:
    """Return whether the return itself went well, and not only what success or a baseline makes of it."""
    return any(item.sign.metrics[0] == _RETURN for item in fine)


def _what_is_fine(case: Case, fine: Sequence[Evidence], fired: Mapping[str, Evidence]) -> str:
    """Return in words what went well although there are signs of a cause."""
    if not _of_return(fine):
        return "the policy does what the task asks for"
    if not _STANDS & fired.keys():
        return "the return is still improving"
    return f"the return ends {'where those of healthy runs do' if case.reference else 'above where it began'}"


def explained_by(fired: Iterable[Evidence]) -> set[str]:
    """Return the codes of the signs that others which show account for."""
    return {code for item in fired for code in item.sign.explains}


def _codes(observations: Sequence[Observation], well: bool) -> set[str]:
    """Return the codes of what other witnesses found; of a training that went ``well``, contradictions alone count."""
    return {
        item.code
        for item in observations
        if item.direction == "fault" and (item.severity is Severity.ERROR or not well)
    }


def _cause(
    observed: Sequence[Evidence],
    fired: Mapping[str, Evidence],
    ranked: Sequence[Ranked],
    others: Collection[str],
    solved: bool,
) -> str:
    """Return the name of the cause to report; empty for none.

    Args:
        observed: The signs.
        fired: Those that show, by code.
        ranked: The causes with their probabilities, likeliest first.
        others: Codes of what other witnesses found.
        solved: Whether the policy reaches what the environment calls success.
    """
    healthy = next(item for item in ranked if item.rule.name == HEALTHY)
    health = healthy.probability
    causes = [item for item in ranked if item.rule.name != HEALTHY]
    leading = causes[0]
    hallmarks = [fired[code] for code in leading.rule.hallmarks if code in fired and fired[code].strength >= _FULLY]
    # What is said of the outcome is weighed against what else is known of it.
    if any(leading.probability >= _least(item, leading, healthy, fired, solved) * health for item in hallmarks):
        return leading.rule.name
    if health >= 0.5 or leading.probability < health:
        return ""
    shown = (item for item in causes if _is_shown(item, fired) or any(code in others for code in item.evidence_for))
    first = next(shown, None)
    # Where no sign of the outcome could be judged, whatever shows is all there is.
    blind = not any(item.sign.outcome for item in observed)
    return first.rule.name if first is not None and (blind or first is leading) else ""


def _least(hallmark: Evidence, cause: Ranked, healthy: Ranked, fired: Mapping[str, Evidence], solved: bool) -> float:
    """Return how likely a cause has to be, as a fraction of health, so that a hallmark of it accuses."""
    agree = {*cause.evidence_for, *healthy.evidence_against} - {hallmark.sign.code}
    # An error is no hint: NaN is there or it is not.
    certain = hallmark.sign.severity is Severity.ERROR
    alone = not (certain or any(code in fired and not fired[code].sign.of_health for code in agree))
    # What is only likely to do harm has done none where the task is solved.
    forgiven = solved and not certain
    return _ALONE if alone or forgiven or hallmark.sign.outcome else _WITH_ANOTHER


def _is_shown(cause: Ranked, fired: Mapping[str, Evidence]) -> bool:
    """Return whether a sign that shows is evidence for a cause, other than one of health or of what is not logged."""
    codes = set(cause.evidence_for) - _NOT_LOGGED
    return any(code in fired and not fired[code].sign.of_health for code in codes)


def _points(case: Case) -> int:
    """Return the points of the longest curve; what is repeated with each row, as a setting is, counts once."""
    curves = case.run.curves.values()
    most = max((points_of(curve.finite()) for curve in curves), default=0)
    return most if most > 1 else max((len(curve.finite()) for curve in curves), default=0)


def _has_points(case: Case, wanted: int) -> bool:
    """Return whether :func:`_points` is at least ``wanted``, which is 2 or more; usually the first curve decides."""
    if any(points_of(curve.finite()) >= wanted for curve in case.run.curves.values()):
        return True
    curves = [curve.finite() for curve in case.run.curves.values()]
    return any(len(curve) >= wanted for curve in curves) and all(points_of(curve) <= 1 for curve in curves)


def is_foreign(run: Run) -> bool:
    """Return whether the logs hold scalars, none of them known, or a text in which none are found."""
    return not run.curves and (bool(run.unknown_tags) or any(found.code == NO_METRICS for found in run.findings))


def is_short(case: Case) -> bool:
    """Return whether no curve has as many points as signs need."""
    return not _has_points(case, FEWEST_POINTS)


def has_few_points(case: Case) -> bool:
    """Return whether the outcome is logged at so few points that only what is plain can be said."""
    return _RETURN in case.curves and not _has_points(case, _FEW_POINTS)


def repeats_few_returns(case: Case) -> bool:
    """Return whether so few returns are all that there is, however many rows repeat them."""
    return 0 < _returns_repeated(case) < _FEW_POINTS


def _returns_repeated(case: Case) -> int:
    """Return how many returns are repeated row after row, as until the next episodes end; 0 where they are not.

    Each stretch of rows has a return of its own then; one that is constant but for an episode or two is another case.
    """
    logged = case.run.curves[_RETURN].finite().values if _RETURN in case.run.curves else np.empty(0)
    if not np.count_nonzero(logged[1:] == logged[:-1]):
        return 0
    starts = np.flatnonzero(np.append(True, logged[1:] != logged[:-1])[: len(logged)])
    lengths = np.diff(np.append(starts, len(logged)))
    of_its_own = len(starts) > 1 and len(np.unique(logged[starts])) == len(starts)
    return len(starts) if of_its_own and stats.median(lengths) > 1 and 2 * lengths.max() <= len(logged) else 0
