"""Recorded runs as one archive: logs, labels, splits and a scorer, to measure any diagnosing tool with."""

from rldoctor.experiments.fault_archive.labels import LabelledRun, labelled_runs, outcome_is_harmed, sorted_runs
from rldoctor.experiments.fault_archive.write import export

__all__ = ["LabelledRun", "export", "labelled_runs", "outcome_is_harmed", "sorted_runs"]
