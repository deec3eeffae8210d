"""Diagnosis: from a run's curves to a verdict, ranked causes, evidence and remedies."""

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.many import diagnose

__all__ = ["diagnose", "diagnose_run"]
