"""Marks, colours and small curves of a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from rldoctor.model import Details, Severity, Verdict
from rldoctor.model.website import address_of_code

VERDICT_STYLE = {
    Verdict.HEALTHY: "bold green",
    Verdict.SUSPECT: "bold yellow",
    Verdict.SICK: "bold red",
    Verdict.UNJUDGED: "bold cyan",
}
SEVERITY_STYLE = {Severity.NOTE: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "red"}
_SEVERITY_MARK = {Severity.NOTE: "note", Severity.WARNING: "odd", Severity.ERROR: "bad"}
_MARKS = {
    "ok": ("✔", "+", "green"),
    "bad": ("✘", "x", "red"),
    "odd": ("▲", "!", "yellow"),
    "note": ("●", "*", "cyan"),
    "missing": ("○", "o", "cyan"),
}
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class View:
    """How much of a result is shown: everything where ``verbose``; with ``details`` a run's curve is drawn too."""

    verbose: bool = False
    details: Callable[[], Details] | None = None


def put(console: Console, what: RenderableType, above: int = 0) -> None:
    """Print something below a heading: indented, with so many empty lines above it."""
    console.print(Padding(what, (above, 0, 0, 2)))


def mark(console: Console, kind: str) -> Text:
    """Return the coloured mark for ``ok``, ``bad``, ``odd``, ``note`` or ``missing``; ASCII where needed."""
    sign, plain, style = _MARKS[kind]
    return Text(sign if has_unicode(console) else plain, style=style)


def linked(text: str, code: str) -> Text:
    """Return dim ``text`` that leads, in a terminal with links, to the page of ``code`` if it has one."""
    return Text(text, style=Style(dim=True, link=address_of_code(code) or None))


def severity_mark(console: Console, severity: Severity) -> Text:
    """Return the mark of a finding."""
    return mark(console, _SEVERITY_MARK[severity])


def shortened(console: Console, name: str, width: int, begin: int | None = None) -> str:
    """Return ``name`` in at most ``width`` characters, its middle left out: what tells names apart is at their ends.

    ``begin`` is how many of its first characters stay; a third of them by default.
    """
    if len(name) <= width:
        return name
    gap = "…" if has_unicode(console) else ".."
    begin = (width - len(gap)) // 3 if begin is None else begin
    return name[:begin] + gap + name[len(name) - (width - len(gap) - begin) :]


def sparkline(console: Console, values: Sequence[float]) -> str:
    """Return ``values`` as a line of small bars, lowest to highest; points that are not finite are blanks."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or not has_unicode(console):
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


def has_unicode(console: Console) -> bool:
    """Tell whether the terminal's encoding can show more than ASCII."""
    return (console.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")
