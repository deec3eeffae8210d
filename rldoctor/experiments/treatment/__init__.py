"""Treatments: the leading remedy applied to a sick run's own recipe, trained again, and compared with the sick run."""

from rldoctor.experiments.treatment.run import treat

__all__ = ["treat"]
