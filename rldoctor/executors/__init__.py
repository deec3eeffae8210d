"""Jobs in other processes, on this machine or on a Ray cluster, behind one interface."""

from rldoctor.executors.job import Done, Event, Executor, Failed, Handle, Job, Lost, Message, Send, map_jobs

__all__ = ["Done", "Event", "Executor", "Failed", "Handle", "Job", "Lost", "Message", "Send", "map_jobs"]
