"""What the page of a sign, a setting and a diagnosis says, title by title."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rldoctor.preflight.checks import all_checks
from rldoctor.rulebook import DiagnosisRule, Rulebook
from rldoctor.rulebook.advice import explained
from rldoctor.rulebook.schema import ALL_SETTINGS, FIRES_FROM, SettingChange, Sign
from rldoctor.settings.signs import SettingSign

Sections = tuple[tuple[str, str], ...]


def sign_sections(book: Rulebook, sign: Sign, supports: Iterable[str]) -> Sections:
    """Return the sections of a sign; ``supports``: the causes that it is evidence for."""
    return (
        ("What it is", sign.what),
        ("Why it matters", sign.why),
        ("How it is measured", sign.measured),
        ("What to do", explained(sign.remedy)),
        ("False alarms", sign.false_alarms),
        ("Applies to", _algorithms_of(book, sign.algorithms)),
        ("Evidence for", ", ".join(supports)),
        ("Source", sign.source),
    )


def setting_sections(book: Rulebook, sign: SettingSign) -> Sections:
    """Return the sections of what is judged of a setting."""
    conditions = [f"not with {name} {value}" for name, value in sign.unless.items()]
    conditions += [f"only with {name} {value}" for name, value in sign.only_with.items()]
    usual = [f"{book.algorithms[name].title}: {sign.describe(of)}" for name, of in sign.ranges.items()]
    return (
        ("What it is", sign.what),
        ("Why it matters", sign.why),
        ("Setting", "; ".join([sign.setting, *conditions])),
        ("How it is judged", f"{'; '.join(usual)}. Reported from a strength of {FIRES_FROM:g}."),
        ("False alarms", sign.false_alarms),
        ("Evidence for", ", ".join(sign.causes)),
        ("A usual value is evidence against", ", ".join(sign.cleared)),
        ("Source", sign.source),
    )


def diagnosis_sections(book: Rulebook, rule: DiagnosisRule) -> Sections:
    """Return the sections of a diagnosis."""
    names = {check.code: check.name for check in all_checks()}
    return (
        ("What happens", rule.what),
        ("Remedy", explained(rule.remedy)),
        ("Where that is set already" if rule.ranked else "Where nothing is logged", explained(rule.otherwise)),
        ("What rldoctor treat tries", _changes_text(rule)),
        ("Confirmed by", ", ".join(f"{code} {names[code]}" for code in rule.confirmed_by if code in names)),
        ("How to tell it from similar causes", explained(rule.next_test)),
        ("Evidence for it", _signs_text(book, rule.evidence_for)),
        ("Evidence against it", _signs_text(book, rule.evidence_against)),
        ("Applies to", _algorithms_of(book, rule.algorithms)),
        ("Source", rule.source),
    )


def _algorithms_of(book: Rulebook, algorithms: Sequence[str]) -> str:
    """Return the algorithms that a rule applies to; empty where it applies to all."""
    return ", ".join(book.algorithms[name].title for name in algorithms)


def _signs_text(book: Rulebook, codes: Sequence[str]) -> str:
    # What other witnesses observe is called by code and observation, as ENV302-passed.
    return ", ".join(
        f"{code} {book.signs[code].name}" if code in book.signs else code.replace("-", " ", 1) for code in codes
    )


def _changes_text(rule: DiagnosisRule) -> str:
    """Return the changes of a diagnosis as text; those of the same order are made together."""
    orders = sorted({change.order for change in rule.change})
    return "; then ".join(
        " and ".join(_change_text(change) for change in rule.change if change.order == order) for order in orders
    )


def _change_text(change: SettingChange) -> str:
    if change.setting == ALL_SETTINGS:
        return "every setting that differs from the reference, reset to it"
    to = "SB3's default" if change.default else f"{change.to:g}" if isinstance(change.to, float) else f"{change.to}"
    if change.scale is not None:
        what = f"{change.setting} times {change.scale:g}, without a reference"
    elif change.to is None and not change.default:
        what = f"{change.setting} to the reference's value"
    else:
        first = "the reference's value, else " if change.reference else ""
        what = f"{change.setting} to {first}{to}"
    limits = [
        f"{word} {limit:g}" for word, limit in (("above", change.above), ("below", change.below)) if limit is not None
    ]
    if change.above_share is not None:
        limits.append(f"above {change.above_share:.0%} of all steps")
    if change.share is not None:
        limits.append(f"at most {change.share:.0%} of all steps")
    limits += [f"{change.spaces} actions"] * bool(change.spaces)
    limits += [" or ".join(name.upper() for name in change.algorithms)] * bool(change.algorithms)
    return f"{what} ({', '.join(limits)})" if limits else what
