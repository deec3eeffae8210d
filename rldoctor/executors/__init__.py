"""Work in other processes, on this machine or on a Ray cluster: one interface, so that callers need not care."""

from rldoctor.executors.job import Done, Event, Executor, Failed, Hear, Job, Lost, Tell, Told, map_jobs

__all__ = ["Done", "Event", "Executor", "Failed", "Hear", "Job", "Lost", "Tell", "Told", "map_jobs"]
