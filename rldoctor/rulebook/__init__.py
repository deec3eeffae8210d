"""The rules: signs and diagnoses as data, and the detectors of which signs are made."""

from rldoctor.rulebook.case import Case
from rldoctor.rulebook.load import Rulebook, load_rulebook
from rldoctor.rulebook.schema import DiagnosisRule, Metric, Sign

__all__ = ["Case", "DiagnosisRule", "Metric", "Rulebook", "Sign", "load_rulebook"]
