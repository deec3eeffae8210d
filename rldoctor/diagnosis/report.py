"""The report as a script or a notebook holds it: it can show itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rldoctor import model
from rldoctor.diagnosis.report_files import stored_details
from rldoctor.errors import UsageError, near
from rldoctor.model import Details, Result, Verdict, make_report
from rldoctor.render.formats import render
from rldoctor.render.remarks import in_short
from rldoctor.render.rows import TABLES
from rldoctor.render.wording import headline

if TYPE_CHECKING:
    import pandas as pd

_MOST_LINES = 20


@dataclass(frozen=True)
class Report(model.Report):
    """What a command found: ``subjects``, one ``verdict``, one ``exit_code``, and ways to show them."""

    details: Callable[[], Details] = field(default=stored_details, repr=False, compare=False)

    @classmethod
    def of(cls, command: str, subjects: Sequence[Result], fail_on: Verdict = Verdict.SICK) -> Report:
        """Sum results up in one report."""
        report = make_report(command, tuple(subjects), fail_on)
        return cls(command, report.subjects, report.verdict, report.exit_code, fail_on)

    def render(self, format_name: str = "text", verbose: bool = False) -> str | None:
        """Return the report in a format of ``rldoctor.render.formats``; ``text`` is printed and returns ``None``.

        Raises:
            UsageError: There is no such format.
        """
        return render(self, format_name, verbose)

    def to_frame(self, table: str = "subjects") -> pd.DataFrame:
        """Return the report as a pandas table.

        Args:
            table: ``subjects`` (a row each: verdict, leading cause, probability, steps, final return), ``remarks`` (a
                row for each finding), or of a sweep ``settings`` (a row for each setting and metric) or ``trials`` (a
                row for each training).

        Raises:
            UsageError: There is no such table.
        """
        if table not in TABLES:
            raise UsageError(f"There is no table {table!r} of a report.", near(table, TABLES))
        import pandas as pd

        return pd.DataFrame(list(TABLES[table](self)))

    def __str__(self) -> str:
        """Return the report in a few lines: one for the whole, then one for each subject."""
        lines = [headline(self), *map(in_short, self.subjects[:_MOST_LINES])]
        more = len(self.subjects) - _MOST_LINES
        return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)

    def _repr_html_(self) -> str:
        """Show the report in a notebook."""
        # Late: a script needs no jinja2.
        from rldoctor.render.html.notebook import render_notebook

        return render_notebook(self)
