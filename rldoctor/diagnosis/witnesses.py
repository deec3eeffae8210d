"""What is heard beside the logs: what each witness observed, its remedy, and which causes nothing tells apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache

from rldoctor import datafile
from rldoctor.datafile import Text
from rldoctor.diagnosis.rank import HEALTHY, Ranked, code_of
from rldoctor.model import Observation, Run, Statement, Verdict, Witness
from rldoctor.rulebook import Case, DiagnosisRule
from rldoctor.rulebook.advice import Advice
from rldoctor.settings import judge_settings

# Causes at least this likely, as a fraction of the leading one, are not told apart from it: ours; docs/witnesses.md has
# how often the right one is first, and how often it is among them.
_AS_LIKELY = 0.5
# The same for those that plain logs hardly tell from it (checks/look_alikes*.toml): ours.
_LOOKS_ALIKE = 0.2
_MOST_TIED = 3
_NAMED = 3
# The library whose settings a remedy names as its own command does, not as a file does.
_OWN = "rldoctor"
# A settings file that could not be read.
_UNREADABLE = "SET001"
# The other witnesses, and what adds each.
_ADDED_BY = {
    "settings": "the settings file of the library beside the logs",
    "environment": "rldoctor diagnose RUN --env ID",
    "model": "rldoctor diagnose RUN --model MODEL.zip",
}

# Whose saved models can be read: those of SB3, and of trainings that log under names of their own.
_WITH_SB3_MODELS = ("sb3", "plain", "doctor", "")


def state_settings(run: Run, counted: Collection[str] | None = None) -> Statement | None:
    """Return what the settings beside the logs of a run say; ``None`` where there are none.

    Args:
        run: The run.
        counted: Codes of the signs of settings that count; all of them by default.
    """
    if run.settings is None or (counted is not None and not counted):
        return None
    files = sorted({place.file for place in run.settings.places.values() if place.file})
    judged = judge_settings(run.settings, run.algorithm)
    seen = tuple(item for item in judged if counted is None or item.code in counted)
    return Statement("settings", ", ".join(files), seen) if files else None


def observed_remedy(rule: DiagnosisRule, run: Run, observations: Sequence[Observation]) -> str:
    """Return the remedy of the observation that points to a cause most strongly; empty where there is none."""
    own = run.settings is not None and run.settings.library == _OWN
    found = [
        item
        for item in observations
        if item.finding and rule.name in item.causes[:1] and not (own and item.witness == "settings")
    ]
    best = max(found, key=lambda item: item.strength * rule.weights.get(item.key, 0.0), default=None)
    return f"{best.remedy} {best.message}".strip() if best else ""


def spared(observations: Sequence[Observation]) -> dict[str, set[str]]:
    """Return the causes that a check of the environment found, each with what does not count against it.

    A cause that one check has found is not cleared by others that looked elsewhere and passed.
    """
    examined = [item for item in observations if item.witness == "environment"]
    passed = {item.key for item in examined if item.direction == "health"}
    return {cause: passed for item in examined if item.finding for cause in item.causes}


def tied(ranked: Sequence[Ranked], verdict: Verdict, cause: str, family: str = "") -> tuple[str, ...]:
    """Return the names of the leading causes that nothing at hand tells apart; empty where one leads clearly.

    Args:
        ranked: All diagnoses, likeliest first.
        verdict: Of the run.
        cause: The one that is reported; empty for none, as where several runs are mixed.
        family: Of the run's algorithm, in ``checks/algorithms.toml``.
    """
    if not cause or verdict not in (Verdict.SICK, Verdict.SUSPECT):
        return ()
    causes = [item for item in ranked if item.rule.name != HEALTHY]
    leading = causes[0]
    known = look_alikes(family) if family else look_alikes()
    alike = () if _shows_more_than_plain_logs(leading) else known.get(leading.rule.name, ())
    equal = [
        item.rule.name
        for item in causes
        if item.probability >= (_LOOKS_ALIKE if item.rule.name in alike else _AS_LIKELY) * leading.probability
    ]
    return tuple(equal[:_MOST_TIED]) if len(equal) > 1 else ()


@cache
def look_alikes(family: str = "") -> Mapping[str, tuple[str, ...]]:
    """Return the causes that plain logs hardly tell from a cause, by its name: ``checks/look_alikes.toml``.

    Args:
        family: Of algorithms, which has a file of its own: ``checks/look_alikes_<family>.toml``.

    Raises:
        UsageError: The file is not valid.
    """
    path = datafile.folder("checks") / (f"look_alikes_{family}.toml" if family else "look_alikes.toml")
    return datafile.load(path, dict[str, tuple[Text, ...]], "list of look-alikes")


def _shows_more_than_plain_logs(leading: Ranked) -> bool:
    """Return whether a sign of what DoctorCallback measures shows, or what another witness observed.

    The first digit of a sign's code says what it needs (checks/README.md).
    """
    return any(key != code_of(key) or key[3:4] == "2" for key, strength in leading.strengths.items() if strength)


def witnesses(case: Case, said_by_signs: str, statements: Sequence[Statement], advice: Advice) -> tuple[Witness, ...]:
    """Return what was examined, what it said, and what was not at hand with what would add it.

    An environment that rldoctor cannot make and a model of another library than SB3 are not offered.
    """
    points = max((len(curve) for curve in case.curves.values()), default=0)
    metrics = f"{len(case.curves)} metric{'' if len(case.curves) == 1 else 's'}"
    logs = Witness("logs", f"{metrics}, {points} point{'' if points == 1 else 's'}", said_by_signs)
    heard = {statement.witness: statement for statement in statements}
    impossible = {"environment"} if not advice.library.preflight else set()
    impossible |= {"model"} if case.run.framework not in _WITH_SB3_MODELS else set()
    broken = [item.evidence for item in case.run.findings if item.code == _UNREADABLE and "problem" in item.evidence]
    others = [
        _heard(heard[name])
        if name in heard
        else Witness(name, "", "not readable", f"fix {broken[0]['file']}, which {broken[0]['problem']}")
        if name == "settings" and broken
        else Witness(name, "", "not at hand", how)
        for name, how in _ADDED_BY.items()
        if name in heard or name not in impossible
    ]
    return (logs, *others, *(_heard(statement) for statement in statements if statement.witness == "test"))


def _heard(statement: Statement) -> Witness:
    found = [f"{item.code} {item.name}" for item in statement.observations if item.finding]
    # What is too weak to be a finding counts all the same, and is listed as evidence.
    faults = (item for item in statement.observations if item.direction == "fault" and not item.finding)
    weak = [f"{item.code} {item.name}" for item in faults if item.strength > 0]
    usual = sum(item.direction == "health" for item in statement.observations)
    well = f"nothing unusual in {usual} respects" if usual else "nothing unusual"
    hints = f"weak: {listed(weak)}" if weak else well
    said = "; ".join(filter(None, (statement.said, listed(found) or ("" if statement.said and not weak else hints))))
    return Witness(statement.witness, statement.examined, said)


def listed(found: Sequence[str]) -> str:
    """Return the first few names, and how many there are beside them."""
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{', '.join(found[:_NAMED])}{more}"
