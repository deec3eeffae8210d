"""The types that every part of rldoctor shares: runs, curves, findings, diagnoses, results and reports.

Only frozen data lives here, and the few questions that the data can answer about itself. Nothing here reads a file.
"""

from rldoctor.model.audit import AuditResult, PerturbationResult
from rldoctor.model.comparison import ComparisonResult, Parting, SettingPair
from rldoctor.model.details import Band, Details, EpisodePath
from rldoctor.model.effective_config import Addition, EffectiveConfig, EffectiveKey
from rldoctor.model.enums import Aggregation, FloatArray, IntArray, Json, Outcome, Severity, Verdict
from rldoctor.model.overview import GroupCounts, OverviewResult, RunLine
from rldoctor.model.report import (
    Packed,
    PackedRuns,
    Report,
    exit_code_of,
    make_report,
    pack,
    verdict_of_findings,
    worst,
)
from rldoctor.model.results import (
    CheckResult,
    CriterionResult,
    FailedCommand,
    GateResult,
    Page,
    PreflightResult,
    ProbeResult,
    RankedDiagnosis,
    Result,
    RunDiagnosis,
    Suppressed,
    SweepResult,
    TableRow,
    TreatmentResult,
    Unjudged,
    Witness,
)
from rldoctor.model.run import Curve, Finding, Run
from rldoctor.model.settings import Observation, Place, Settings, Statement
from rldoctor.model.sweep import Sample, SettingResult, Trend, TrialResult
from rldoctor.model.treatment import (
    Instruction,
    OutcomeCurve,
    Remedy,
    Treatment,
    TreatmentOutcome,
    TreatmentTrial,
    TrialState,
)
from rldoctor.model.watching import WatchRow

__all__ = [
    "Addition",
    "Aggregation",
    "AuditResult",
    "Band",
    "CheckResult",
    "ComparisonResult",
    "CriterionResult",
    "Curve",
    "Details",
    "EffectiveConfig",
    "EffectiveKey",
    "EpisodePath",
    "FailedCommand",
    "Finding",
    "FloatArray",
    "GateResult",
    "GroupCounts",
    "Instruction",
    "IntArray",
    "Json",
    "Observation",
    "Outcome",
    "OutcomeCurve",
    "OverviewResult",
    "Packed",
    "PackedRuns",
    "Page",
    "Parting",
    "PerturbationResult",
    "Place",
    "PreflightResult",
    "ProbeResult",
    "RankedDiagnosis",
    "Remedy",
    "Report",
    "Result",
    "Run",
    "RunDiagnosis",
    "RunLine",
    "Sample",
    "SettingPair",
    "SettingResult",
    "Settings",
    "Severity",
    "Statement",
    "Suppressed",
    "SweepResult",
    "TableRow",
    "Treatment",
    "TreatmentOutcome",
    "TreatmentResult",
    "TreatmentTrial",
    "Trend",
    "TrialResult",
    "TrialState",
    "Unjudged",
    "Verdict",
    "WatchRow",
    "Witness",
    "exit_code_of",
    "make_report",
    "pack",
    "verdict_of_findings",
    "worst",
]
