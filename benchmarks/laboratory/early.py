"""What the shipped weights say of the laboratory, and how early: python -m benchmarks.laboratory.early [TABLE]

Tables of docs/laboratory.md. Of trainings that have ended: what is found, and which healthy ones are called sick or suspect by
which signs. How early: The recorded runs of Stable-Baselines3 are followed by a live doctor from examination to
examination, as ``DoctorCallback`` does it. The laboratory's trainings with the signs of today are examined once at each stored share of
their budget, by the same rules, but no row of examinations is known of them: sick at one examination is more than what would stop them.
Weights and phases are those that are shipped. Two minutes on one core.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.corpus import recorded_runs
from benchmarks.laboratory.answers import percent
from benchmarks.laboratory.document import write_section
from benchmarks.laboratory.fit import HEAD, VIEWS, asked
from benchmarks.laboratory.fit import lines as lines_of_answers
from benchmarks.laboratory.kept import SHARES
from benchmarks.laboratory.second_opinion import STORED
from benchmarks.laboratory.table import Table, load
from benchmarks.watch.prefixes import course_of
from rldoctor.diagnosis.live.glance import Glance, judged
from rldoctor.diagnosis.live.phase import shipped_phases
from rldoctor.diagnosis.live.rules import live_rules
from rldoctor.diagnosis.rank import rank
from rldoctor.model import Verdict
from rldoctor.rulebook import Rulebook, load_rulebook
from rldoctor.rulebook.schema import FIRES_FROM

NEVER = float("inf")


class Course(NamedTuple):
    """When one training was warned about and stopped, as shares of its budget; infinity for never."""

    harmed: bool
    healthy: bool
    warned: float
    stopped: float


def of_recordings(view: str) -> list[Course]:
    """Follow every recorded run as its library logs it."""
    found = []
    for one in recorded_runs():
        course = course_of(one if view == "callback" else one.without_doctor())
        warned = (at.share for at in course if at.standing.verdict in (Verdict.SUSPECT, Verdict.SICK))
        stopped = (at.share for at in course if at.hopeless)
        found.append(Course(one.harmed, not one.fault, next(warned, NEVER), next(stopped, NEVER)))
    return found


def of_laboratory(book: Rulebook, table: Table, view: str) -> list[Course]:
    """Examine each training of the laboratory at each stored share of its budget."""
    rows: dict[int, list[int]] = {}
    for i in np.flatnonzero(table.view == view).tolist():
        rows.setdefault(int(table.training[i]), []).append(i)
    found = []
    for places in rows.values():
        first = {Verdict.SUSPECT: NEVER, Verdict.SICK: NEVER}
        for i in sorted(places, key=lambda place: float(table.share[place])):
            verdict = examined(book, table, i).verdict
            if verdict in first:
                first[verdict] = min(first[verdict], round(float(table.share[i]), 2))
        whole = places[0]
        found.append(
            Course(bool(table.harmed[whole]), not table.faults[whole], min(first.values()), first[Verdict.SICK])
        )
    return found


def examined(book: Rulebook, table: Table, row: int) -> Glance:
    """Return what a live doctor finds in the strengths of one row."""
    share, phases = float(table.share[row]), shipped_phases()
    strengths = zip(table.codes, table.strengths[row].tolist(), strict=True)
    showing = {
        code: strength if book.signs[code].of_health else phases.beyond(code, strength, share)
        for code, strength in strengths
        if strength == strength and code in book.signs
    }
    signs = {code: book.signs[code] for code in showing}
    ranked = rank(book, showing, "ppo")
    return judged(0, live_rules().fewest_points, ranked, showing, signs, (), live_rules().late.still(share))


def lines(title: str, courses: Sequence[Course]) -> list[str]:
    """Return a row of the table for each kind of training."""
    kinds = {
        "harmed, warned about": [one.warned for one in courses if one.harmed and not one.healthy],
        "harmed, sick": [one.stopped for one in courses if one.harmed and not one.healthy],
        "healthy, warned about": [one.warned for one in courses if one.healthy],
        "healthy, sick": [one.stopped for one in courses if one.healthy],
    }
    return [
        f"| {title} | {kind} | {len(when)} | "
        + " | ".join(f"{np.mean([at <= share for at in when]):.1%}" for share in SHARES)
        + " |"
        for kind, when in kinds.items()
    ]


def half(title: str, courses: Sequence[Course]) -> str:
    """Return a sentence: by which share of the budget half of what is found in the end is found."""
    found = sorted(one.warned for one in courses if one.harmed and not one.healthy and one.warned < NEVER)
    healthy = [one.stopped < NEVER for one in courses if one.healthy]
    by = found[(len(found) - 1) // 2] if found else NEVER
    return f"{title}: half of what is found is found by {by:.1%} of the budget; healthy, sick at any time: {percent(sum(healthy), len(healthy))}."


def in_the_end(book: Rulebook, table: Table) -> str:
    """Return what is said of the trainings when they have ended, and by which signs healthy ones are called sick or suspect."""
    out, alarms = [HEAD], Counter[tuple[str, ...]]()
    for view, title in VIEWS.items():
        ended = table.only((table.share == 1.0) & (table.view == view))
        said, healthy = asked(book, ended), ended.healthy
        out += lines_of_answers(title, ended, said, range(len(ended)))
        for i, answer in enumerate(said):
            if healthy[i] and answer.found:
                supports = book.diagnoses[answer.causes[0]].weights
                row = zip(ended.codes, ended.strengths[i].tolist(), strict=True)
                shown = [code for code, strength in row if strength >= FIRES_FROM and supports.get(code, 0.0) > 0]
                signs = ", ".join(shown) or "-"
                alarms[title, str(ended.environment[i]), str(answer.verdict), answer.causes[0], signs] += 1
    out += [
        "",
        "| healthy, but | environment | called | most likely cause | signs of it | number |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join(out + [f"| {' | '.join(what)} | {count} |" for what, count in sorted(alarms.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=STORED)
    chosen = parser.parse_args()
    book, table = load_rulebook(), load(chosen.table)
    table = table.only(table.current)
    write_section("shipped", in_the_end(book, table))
    out = [
        f"| trainings | | number | {' | '.join(f'by {share:.0%}' for share in SHARES)} |",
        "|---" * (len(SHARES) + 3) + "|",
    ]
    said = []
    for view, words in VIEWS.items():
        for kind, courses in (
            ("recorded", of_recordings(view)),
            ("laboratory", of_laboratory(book, table, view)),
        ):
            out += lines(f"{kind}, {words}", courses)
            said.append(f"- {half(f'{kind}, {words}', courses)}")
    write_section("early", "\n".join([*out, "", *said]))


if __name__ == "__main__":
    main()
