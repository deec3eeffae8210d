"""How numbers, marks and strangers' names look in a terminal."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from rldoctor.model import Severity, Verdict

VERDICT_STYLE = {
    Verdict.HEALTHY: "bold green",
    Verdict.SUSPECT: "bold yellow",
    Verdict.SICK: "bold red",
    Verdict.UNJUDGED: "bold cyan",
}
SEVERITY_STYLE = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "red"}
_MARKS = {
    "ok": ("✔", "+", "green"),
    "bad": ("✘", "x", "red"),
    "odd": ("▲", "!", "yellow"),
    "note": ("●", "*", "cyan"),
    "missing": ("○", "o", "cyan"),
}
_BARS = "▁▂▃▄▅▆▇█"


# Controls, formats such as those that turn the direction of writing, lone surrogates, and ends of lines and paragraphs.
_SPELT = ("Cc", "Cf", "Cs", "Zl", "Zp")


def clean(text: str) -> str:
    """Return ``text`` with control characters spelt out: a run's name must not be able to steer the terminal.

    So are the two characters that no XML document may hold (U+FFFE and U+FFFF).

    A file's name that this locale cannot read (``LC_ALL=C``) is read as UTF-8 where it is that.
    """
    return "".join(
        c if c == "\n" or (unicodedata.category(c) not in _SPELT and c not in "\ufffe\uffff") else repr(c)[1:-1]
        for c in _as_utf8(text)
    )


def _as_utf8(text: str) -> str:
    if text.isascii():
        return text
    try:
        # Python keeps bytes that it could not read as lone surrogates (PEP 383).
        return text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return text


def one_line(text: str) -> str:
    """Return ``text`` cleaned and on one line: a name of two lines could make up a line of the report."""
    return clean(text).replace("\n", "\\n")


def mark(console: Console, kind: str) -> Text:
    """Return the coloured mark for ``ok``, ``bad``, ``odd``, ``note`` or ``missing``; ASCII where needed."""
    sign, plain, style = _MARKS[kind]
    return Text(sign if _speaks_unicode(console) else plain, style=style)


def severity_mark(console: Console, severity: Severity) -> Text:
    """Return the mark of a finding."""
    return mark(console, {Severity.NOTE: "note", Severity.WARNING: "odd", Severity.ERROR: "bad"}[severity])


def number(value: float, unit: str = "") -> str:
    """Return a number as a person writes it: four significant digits at most, metres below 1 as millimetres."""
    if unit == "m" and abs(value) < 1:
        return f"{value * 1000:.1f} mm"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    text = f"{value:,.0f}" if 1_000 <= abs(value) < 1e9 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def counted(count: int, word: str) -> str:
    """Return ``1 note``, ``2 notes``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def shortened(console: Console, name: str, width: int) -> str:
    """Return ``name`` in at most ``width`` characters, its middle left out: what tells names apart is at their ends."""
    if len(name) <= width:
        return name
    gap = "…" if _speaks_unicode(console) else ".."
    begin = (width - len(gap)) // 3
    return name[:begin] + gap + name[len(name) - (width - len(gap) - begin) :]


def sparkline(console: Console, values: Sequence[float]) -> str:
    """Return ``values`` as a line of small bars, lowest to highest; points that are not finite are blanks."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or not _speaks_unicode(console):
        return ""
    # Halved, so that the span of the largest numbers there are is still a number.
    low, high = min(finite) / 2, max(finite) / 2
    span = high - low

    def bar(value: float) -> str:
        if not math.isfinite(value):
            return " "
        # A curve that does not move is drawn flat at half height rather than divided by zero.
        return _BARS[int((value / 2 - low) / span * 7.999)] if span > 0 else _BARS[3]

    return "".join(map(bar, values))


def _speaks_unicode(console: Console) -> bool:
    return (console.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")
