"""The report as a script or a notebook holds it: it can show itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rldoctor import model
from rldoctor.model import Result, Verdict, make_report
from rldoctor.render import render


@dataclass(frozen=True)
class Report(model.Report):
    """What a command found: its subjects, one verdict, one exit code, and the mildest verdict that fails."""

    @classmethod
    def of(cls, command: str, subjects: Sequence[Result], fail_on: Verdict = Verdict.SICK) -> Report:
        """Sum results up into one report."""
        return cls(**vars(make_report(command, subjects, fail_on)))

    def render(self, format_name: str = "text", verbose: bool = False) -> str | None:
        """Return the report in a format of ``rldoctor.render.FORMATS``; ``text`` is printed and returns ``None``.

        Raises:
            UsageError: There is no such format.
        """
        return render(self, format_name, verbose)

    def __str__(self) -> str:
        """Return the report in a few lines: one for the whole, then one for each subject."""
        from rldoctor.render.remarks import headline, in_short

        return "\n".join([headline(self), *map(in_short, self.subjects[:_MOST_LINES])])

    def _repr_html_(self) -> str:
        """Show the report in a notebook."""
        from rldoctor.render.html.notebook import render_notebook

        return render_notebook(self)


_MOST_LINES = 20
