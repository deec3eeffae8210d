"""Diagnosis: from a run's curves to a verdict, ranked causes, evidence and remedies."""
