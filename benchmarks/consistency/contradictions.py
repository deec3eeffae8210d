"""What one part of a report says against another, and how often.

Nothing of this package is imported: with --other, this file is run with another checkout, whose benchmarks has other modules.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import TESTS
from benchmarks.corpus import without_doctor
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import match
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.diagnosis.remedy import advice_of, known_of
from rldoctor.logs import discover, read_run
from rldoctor.model import Run, RunDiagnosis, Severity, Verdict, make_report
from rldoctor.render.formats import render
from rldoctor.render.terminal.report import lines_of
from rldoctor.rulebook import load_rulebook

Found = tuple[str, str]
# How texts call a setting.
SETTINGS = {
    "learning_rate": r"(?:the )?learning[_ ]rate",
    "clip_range": r"clip[_ ]range",
    "n_epochs": r"(?:n_epochs|(?:the )?number of epochs)",
    "batch_size": r"batch[_ ]size",
    "ent_coef": r"ent_coef",
    "vf_coef": r"vf_coef",
    "log_std_init": r"log_std_init",
    "max_grad_norm": r"max_grad_norm",
    "target_kl": r"target_kl",
    "gamma": r"gamma",
}
DOWN, UP = r"(?:lower|reduce|decrease|divide)", r"(?:raise|increase|widen|multiply)"
NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
# What only Stable-Baselines3 has.
OF_SB3 = re.compile(r"\bMonitor\b|\bVecMonitor\b|\bVecNormalize\b|\bVecCheckNan\b|stable_baselines3\.")
# Libraries whose environments rldoctor cannot make: they step thousands on a GPU, or are a language model's.
WITHOUT_PREFLIGHT = ("rsl_rl", "rl_games", "trl")
TOLERANCE = 0.01
LEAST_HEALTH = 0.05
# Signs of a return that does not improve; of updates that are large, and of updates that move nothing.
STANDS = {"RET101", "RET102", "RET103", "RET108", "RET116"}
LARGE, STILL = {"UPD101", "UPD119"}, {"UPD108", "UPD109", "UPD118"}
UNREADABLE = re.compile(r"(?<![\w.])(?:\d[\d,]{15,}|[+-]0(?:\.0*)?%)")
# How the codes of witnesses other than the logs begin.
OF_WITNESS = {"settings": "SET", "environment": "ENV", "model": "MDL"}


def contradictions(run: Run, said: RunDiagnosis) -> Iterator[Found]:
    """Yield what one part of a diagnosis says against another, each with its kind."""
    yield from _of_the_table(said)
    yield from _of_the_verdict(said)
    yield from _of_the_ranking(said)
    yield from _of_the_advice(run, said)
    yield from _of_the_witnesses(said)
    yield from _of_the_signs(said)


def printed_contradictions(said: RunDiagnosis) -> Iterator[Found]:
    """Yield what the answer of a printed report says against the diagnosis that it was made of."""
    report = make_report("diagnose", [said])
    lines = lines_of(report, verbose=False)
    text = "\n".join(lines)
    place = next((i for i in range(len(lines) - 1, -1, -1) if lines[i].startswith("Verdict: ")), None)
    if place is None or said.verdict.value.upper() not in lines[place]:
        yield "answer", "the terminal's last lines do not give the verdict"
    yield from _percentages(said, text)
    leading = said.diagnoses[0] if said.diagnoses else None
    asked = {"md": render(report, "md") or "", "text": "\n".join(lines[place or 0 :])}
    for name, answer in asked.items():
        if leading and said.verdict in (Verdict.SICK, Verdict.SUSPECT) and leading.name not in answer:
            yield "answer", f"{name}: the answer does not name {leading.name}"


def _percentages(said: RunDiagnosis, text: str) -> Iterator[Found]:
    ranked = {name for name, rule in load_rulebook().diagnoses.items() if rule.ranked}
    for diagnosis in said.diagnoses:
        if diagnosis.name not in ranked and re.search(
            rf"(?:100|>99)%\)?:? +{diagnosis.name}|{diagnosis.name} \((?:100|>99)%", text
        ):
            yield "condition", f"{diagnosis.name} is given as 100 %"


def _of_the_table(said: RunDiagnosis) -> Iterator[Found]:
    for row in said.table:
        for finding in said.findings:
            if (
                row.mark == "ok"
                and finding.severity is not Severity.NOTE
                and finding.evidence.get("metric") == row.metric
            ):
                yield "tick", f"{row.metric} has a tick and {finding.code} {finding.severity}"


def _of_the_verdict(said: RunDiagnosis) -> Iterator[Found]:
    text = " ".join([said.summary, *(finding.message for finding in said.findings)]).lower()
    if "failed" in said.summary.lower() and "cannot be judged" in text:
        yield "failed and unjudged", f"{said.summary!r} beside 'cannot be judged'"
    severities = {finding.severity for finding in said.findings}
    if said.verdict is Verdict.UNJUDGED and Severity.ERROR in severities:
        codes = ", ".join(one.code for one in said.findings if one.severity is Severity.ERROR)
        yield "failed and unjudged", f"unjudged, with errors: {codes}"
    # What is wrong with a file is no fault of the training.
    severities = {finding.severity for finding in said.findings if not finding.code.startswith("LOG")}
    if said.verdict is Verdict.HEALTHY and severities - {Severity.NOTE}:
        yield "healthy with warnings", ", ".join(f"{one.code} {one.severity}" for one in said.findings)
    if said.verdict is Verdict.HEALTHY and any(row.mark in ("bad", "odd") for row in said.table):
        yield "healthy with warnings", ", ".join(row.metric for row in said.table if row.mark in ("bad", "odd"))


def _of_the_ranking(said: RunDiagnosis) -> Iterator[Found]:
    rules = load_rulebook().diagnoses
    named = [word for word in re.findall(r"[a-z]+(?:-[a-z]+)+", said.summary) if word in rules]
    if named and said.diagnoses and named[0] != said.diagnoses[0].name:
        yield "headline", f"the headline names {named[0]}, the list {said.diagnoses[0].name}"
    ranked = [diagnosis for diagnosis in said.diagnoses if rules[diagnosis.name].ranked]
    if said.verdict is Verdict.HEALTHY and ranked and ranked[0].name != HEALTHY:
        yield "headline", f"the verdict is healthy, the list begins with {ranked[0].name}"
    if said.verdict is Verdict.HEALTHY and (said.health or 0.0) < LEAST_HEALTH:
        yield "unlikely health", f"the verdict is healthy, and health has {said.health}"
    odds = [diagnosis.probability for diagnosis in ranked]
    if odds != sorted(odds, reverse=True):
        yield "order", f"the list is not ordered by probability: {odds}"
    if ranked and not rules[said.diagnoses[0].name].ranked and said.diagnoses[0].name != "mixed-runs":
        yield "condition", f"{said.diagnoses[0].name} comes before the causes"
    if said.verdict is Verdict.SUSPECT and ranked and getattr(said, "health", None) is None:
        yield "health hidden", "a suspect run without the probability of health"


def _of_the_witnesses(said: RunDiagnosis) -> Iterator[Found]:
    evidence = {code for cause in said.diagnoses for code in cause.evidence_for if cause.name != "healthy"}
    for witness in getattr(said, "witnesses", ()):
        codes = sorted(code for code in evidence if code.startswith(OF_WITNESS.get(witness.name, "-")))
        if codes and witness.said.startswith("nothing unusual"):
            yield "witness", f"{', '.join(codes)} is evidence, and {witness.name} is said to be {witness.said}"


def _of_the_signs(said: RunDiagnosis) -> Iterator[Found]:
    codes = {one.code for one in said.findings}
    if "improving" in said.summary and codes & STANDS:
        yield "trend", f"{said.summary!r} beside {', '.join(sorted(codes & STANDS))}"
    still = [one.code for one in said.findings if "return does not move" in one.message]
    if "RET102" in codes and still:
        yield "trend", f"RET102, the return falls, beside {', '.join(still)}, it does not move"
    if codes & LARGE and codes & STILL:
        yield "size of updates", f"{', '.join(sorted(codes & LARGE))} beside {', '.join(sorted(codes & STILL))}"
    for one in said.findings:
        # What a run is named and where it stopped is its own affair.
        if one.code[:3] not in ("LOG", "SET") and (number := UNREADABLE.search(one.message)):
            yield "digits", f"{one.code}: {number[0].strip()} in {one.message!r}"


def _of_the_advice(run: Run, said: RunDiagnosis) -> Iterator[Found]:
    known = known_of(match(run), run)
    lacks = advice_of(known, run).lacks if run.algorithm else ()
    fixes = [(one.code, one.remedy) for one in said.findings if one.remedy]
    cause = said.diagnoses[0] if said.diagnoses else None
    if cause is not None:
        fixes += [(one.name, one.remedy) for one in said.diagnoses if one.remedy]
        fixes += [(f"{one.name}'s test", one.next_test) for one in said.diagnoses if one.next_test]
    fixes += [(one.code, one.how_to_log) for one in said.unjudged if one.how_to_log]
    for who, text in fixes:
        for setting, words in SETTINGS.items():
            now = known.value(setting)
            for target in _targets(words, text):
                if isinstance(now, (int, float)) and abs(now - target) <= TOLERANCE * max(abs(now), abs(target)):
                    yield "set already", f"{who}: {setting} is {now:g} already: {text}"
                elif setting == "learning_rate" and isinstance(now, float) and _opposite(text, words, now, target):
                    yield "set already", f"{who}: {setting} is {now:g}, beyond {target:g}: {text}"
            if setting in lacks and re.search(words, text, re.IGNORECASE):
                yield "lacks", f"{who} to {run.algorithm}: {text}"
        if "{" in text:
            yield "placeholder", f"{who}: {text}"
        if "rldoctor preflight" in text and run.framework in WITHOUT_PREFLIGHT:
            yield "another library", f"{who} to {run.framework}: {text}"
        if run.framework not in ("sb3", "") and OF_SB3.search(text):
            yield "another library", f"{who} to {run.framework}: {text}"
        own = any(curve.tag.startswith("doctor/") for curve in run.curves.values())
        if "DoctorCallback" in text and (own or run.framework not in ("sb3", "")):
            yield "another library", f"{who}: DoctorCallback to {'one who uses it' if own else run.framework}"
    if cause is not None and said.verdict in (Verdict.SICK, Verdict.SUSPECT):
        for one in said.findings:
            for setting, words in SETTINGS.items():
                if _directions(words, one.remedy) and _directions(words, cause.remedy):
                    both = _directions(words, one.remedy) | _directions(words, cause.remedy)
                    if len(both) > 1:
                        yield "fixes", f"{one.code} {one.remedy!r} against {cause.name} {cause.remedy!r} ({setting})"
                clash = set(_targets(words, one.remedy)) ^ set(_targets(words, cause.remedy))
                if len(clash) > 1 and _targets(words, one.remedy) and _targets(words, cause.remedy):
                    yield "fixes", f"{one.code} {one.remedy!r} against {cause.name} {cause.remedy!r} ({setting})"


def _targets(words: str, text: str) -> list[float]:
    """Return the values that a text gives for a setting: ``Set learning_rate to 3e-4``, ``learning_rate=3e-4``."""
    found = re.findall(rf"{words}(?: to(?: about)?| is about|=|:)? {{0,1}}{NUMBER}(?![\d%]| to )", text, re.IGNORECASE)
    return [float(number) for number in found]


def _opposite(text: str, words: str, now: float, target: float) -> bool:
    """Return whether a text lowers a setting to what is above its value, or raises it to what is below."""
    told = _directions(words, text)
    return (told == {"down"} and target > now) or (told == {"up"} and target < now)


def _directions(words: str, text: str) -> set[str]:
    moved = set()
    for direction, verbs in (("down", DOWN), ("up", UP)):
        if re.search(rf"\b{verbs}\b[^.;:]*{words}", text, re.IGNORECASE):
            moved.add(direction)
    return moved


def examined(folders: list[Path]) -> Iterator[tuple[str, Run]]:
    """Yield the runs with their names; each that a DoctorCallback watched a second time without its metrics."""
    for directory in discover(folders):
        run = read_run(directory)
        yield str(directory), run
        plain = without_doctor(run)
        if plain.curves.keys() != run.curves.keys():
            yield f"{directory} (plain)", plain


def all_runs(folder: Path) -> Iterator[tuple[str, Run]]:
    """Yield every recorded run and stranger, and every case, rebuilt in ``folder``."""
    from tests.diagnosis.public_cases import cases

    yield from examined([TESTS / "runs", TESTS / "strangers"])
    for case in cases():
        yield case.name, case.rebuild(folder)


def count(folders: list[Path]) -> tuple[Counter[str], int, int, list[str]]:
    """Return how many contradictions of each kind there are, in how many of how many reports, and each as a line."""
    counted: Counter[str] = Counter()
    lines: list[str] = []
    reports = wrong = 0
    with tempfile.TemporaryDirectory() as place:
        for name, run in examined(folders) if folders else all_runs(Path(place)):
            said = diagnose_run(replace(run, record={**run.record}))
            found = [*contradictions(run, said), *printed_contradictions(said)]
            reports, wrong = reports + 1, wrong + bool(found)
            counted.update(kind for kind, _ in found)
            lines += [f"{name}: {kind}: {what}" for kind, what in found]
    return counted, wrong, reports, lines


def as_json(counted: Counter[str], wrong: int, reports: int) -> str:
    """Return what another checkout is asked for."""
    return json.dumps({"counted": counted, "wrong": wrong, "reports": reports})


if __name__ == "__main__":
    print(as_json(*count([])[:3]))
