"""What to change about a cause that a young run is warned of."""

from __future__ import annotations

from rldoctor.diagnosis.context import DiagnosisContext, shipped_context
from rldoctor.diagnosis.match import match
from rldoctor.diagnosis.remedy import advice_of, concrete, known_of
from rldoctor.model import Run, RunDiagnosis


def remedy_of(
    run: Run,
    cause: str,
    result: RunDiagnosis | None,
    reference: str | None = None,
    context: DiagnosisContext | None = None,
) -> str:
    """Return what to change, as sentences; empty where nothing is known to.

    Args:
        run: The run so far.
        cause: Of the warning; empty for none.
        result: The diagnosis of the run so far, which may not name the cause yet.
        reference: To compare it with; by default the one that fits.
        context: The context of a configuration; shipped rules by default.
    """
    context = context or shipped_context()
    named = next((item.remedy.strip() for item in (result.diagnoses if result else ()) if item.name == cause), "")
    rule = context.book.diagnoses.get(cause)
    if named or rule is None:
        return named
    known = known_of(match(run, reference, context.references), run)
    return concrete(rule, known, advice_of(known, run))[0].strip()
