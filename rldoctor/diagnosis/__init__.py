"""Diagnosis: from a run's curves to a verdict, ranked causes, evidence and remedies."""

from rldoctor.diagnosis.judge import diagnose, diagnose_run

__all__ = ["diagnose", "diagnose_run"]
