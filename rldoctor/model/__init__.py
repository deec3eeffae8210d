"""The words that every part of rldoctor speaks: runs, curves, findings, diagnoses, subjects and reports.

Only frozen data lives here, and the few questions that the data can answer about itself. Nothing here reads a file.
"""

from rldoctor.model.comparison import Sample, SettingResult, Trend, TrialResult
from rldoctor.model.configuration import Addition, Configuration, KeyInForce
from rldoctor.model.report import Report, exit_code_of, make_report, verdict_of_findings, worst
from rldoctor.model.run import Curve, Finding, Run
from rldoctor.model.subject import (
    CriterionResult,
    Examination,
    Page,
    RankedDiagnosis,
    Subject,
    Suppressed,
    TableRow,
    Unjudged,
)
from rldoctor.model.treatment import (
    Instruction,
    Remedy,
    Treatment,
    TreatmentOutcome,
    TreatmentTrial,
    TrialState,
)
from rldoctor.model.words import Aggregation, FloatArray, IntArray, Json, Outcome, Severity, Verdict

__all__ = [
    "Addition",
    "Aggregation",
    "Configuration",
    "CriterionResult",
    "Curve",
    "Examination",
    "Finding",
    "FloatArray",
    "Instruction",
    "IntArray",
    "Json",
    "KeyInForce",
    "Outcome",
    "Page",
    "RankedDiagnosis",
    "Remedy",
    "Report",
    "Run",
    "Sample",
    "SettingResult",
    "Severity",
    "Subject",
    "Suppressed",
    "TableRow",
    "Treatment",
    "TreatmentOutcome",
    "TreatmentTrial",
    "Trend",
    "TrialResult",
    "TrialState",
    "Unjudged",
    "Verdict",
    "exit_code_of",
    "make_report",
    "verdict_of_findings",
    "worst",
]
