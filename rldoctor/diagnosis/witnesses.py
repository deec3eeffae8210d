"""What is heard beside the logs: what each witness observed, its remedy, and which causes nothing tells apart."""

from __future__ import annotations

from collections.abc import Sequence

from rldoctor.diagnosis.rank import HEALTHY, Ranked
from rldoctor.model import Observation, Run, Verdict, Witness
from rldoctor.rulebook import Case, DiagnosisRule
from rldoctor.settings import judge_settings

# Causes at least this likely, as a fraction of the leading one, are not told apart from it: ours.
_AS_LIKELY = 0.5
_MOST_TIED = 3
# The library whose settings a remedy names as its own command does, not as a file does.
_OWN = "rldoctor"
_ASK = {
    "environment": "rldoctor diagnose {run} --env ID",
    "settings": "",
    "model": "rldoctor diagnose {run} --model MODEL.zip",
}


def settings_observations(run: Run) -> list[Observation]:
    """Return what the settings beside the logs of a run observe; nothing where there are none."""
    return judge_settings(run.settings, run.algorithm) if run.settings else []


def observed_remedy(rule: DiagnosisRule, run: Run, observations: Sequence[Observation]) -> str:
    """Return the remedy of the observation that points to a cause; empty where there is none."""
    for item in observations:
        mine = item.witness == "settings" and run.settings is not None and run.settings.library == _OWN
        if item.direction == "fault" and item.causes[:1] == (rule.name,) and item.finding and not mine:
            return f"{item.message} {item.remedy}".strip()
    return ""


def tied(ranked: Sequence[Ranked], verdict: Verdict) -> tuple[str, ...]:
    """Return the names of the leading causes that nothing at hand tells apart; empty where one leads clearly."""
    if verdict not in (Verdict.SICK, Verdict.SUSPECT):
        return ()
    causes = [item for item in ranked if item.rule.name != HEALTHY]
    equal = [item.rule.name for item in causes if item.probability >= _AS_LIKELY * causes[0].probability]
    return tuple(equal[:_MOST_TIED]) if len(equal) > 1 else ()


def witnesses(run: Run, case: Case, observations: Sequence[Observation]) -> tuple[Witness, ...]:
    """Return what was examined, what it said, and what was not at hand with the command that would add it."""
    points = max((len(curve) for curve in case.curves.values()), default=0)
    logs = Witness("logs", f"{len(case.curves)} metrics, {points} points", "")
    return (logs, *(_witness(name, run, observations) for name in _ASK))


def _witness(name: str, run: Run, observations: Sequence[Observation]) -> Witness:
    mine = [item for item in observations if item.witness == name]
    found = [item for item in mine if item.finding]
    if name == "settings" and run.settings is not None:
        files = sorted({place.file for place in run.settings.places.values() if place.file})
        examined = ", ".join(files) or "the library's defaults"
    else:
        examined = f"{len(mine)} observations" if mine else ""
    if not examined:
        return Witness(name, "", "not at hand", _ASK[name].format(run=run.path))
    said = "; ".join(f"{item.name} ({item.code})" for item in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return Witness(name, examined, f"{said}{more}" if said else "nothing unusual")
