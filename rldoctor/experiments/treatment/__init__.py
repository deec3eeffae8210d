"""Treatments: the leading remedy applied to a sick run's own recipe, trained again, and held against the sick run."""

from rldoctor.experiments.treatment.conduct import treat

__all__ = ["treat"]
