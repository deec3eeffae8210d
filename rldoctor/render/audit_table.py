"""The table of an audit, the same in every format."""

from __future__ import annotations

from rldoctor.model import AuditResult
from rldoctor.render.wording import number

HEADINGS = ("perturbation", "gain kept", "95 % interval", "mean return", "worst", "success")


def audit_rows(result: AuditResult) -> list[tuple[str, ...]]:
    """Return a row of texts for each perturbation, the policy as it is first."""
    rows: list[tuple[str, ...]] = []
    for one in result.perturbations:
        known = one.kept is not None and one.kept_low is not None and one.kept_high is not None
        nominal = not one.code
        rows.append(
            (
                one.title,
                f"{one.kept:.0%}" if known else "-",
                f"{one.kept_low:.0%} to {one.kept_high:.0%}" if known and not nominal else "-",
                number(one.return_mean),
                number(one.worst_return),
                "-" if one.success_rate is None else f"{one.success_rate:.0%}",
            )
        )
    return rows
