"""Which files are event files."""

from __future__ import annotations


def is_event_file(name: str) -> bool:
    """Tell by its name whether a file is an event file, as TensorBoard does (``IsSummaryEventsFile``)."""
    return "tfevents" in name and not name.endswith(".profile-empty")
