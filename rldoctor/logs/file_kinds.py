"""Which files hold a run's scalars, told by their names."""

from __future__ import annotations

from pathlib import PurePath

_TABLES = ("progress.csv", "progress.json")
_EVALUATIONS = "evaluations.npz"
_MONITOR = "monitor.csv"


def is_event_file(name: str) -> bool:
    """Tell by its name whether a file is an event file, as TensorBoard does (``IsSummaryEventsFile``)."""
    return "tfevents" in name and not name.endswith(".profile-empty")


def is_progress_table(name: str) -> bool:
    """Tell whether a file is what Stable-Baselines3's logger writes with ``format_strings`` csv or json."""
    return name in _TABLES


def is_monitor(name: str) -> bool:
    """Tell whether a file is one of Stable-Baselines3's ``Monitor``: a row an episode."""
    return name.endswith(_MONITOR)


def is_evaluations(name: str) -> bool:
    """Tell whether a file is what Stable-Baselines3's ``EvalCallback`` writes."""
    return name == _EVALUATIONS


def is_wandb_file(name: str) -> bool:
    """Tell whether a file is the history of a run that Weights & Biases keeps in its local folder."""
    return name.startswith("run-") and name.endswith(".wandb")


def is_run_file(name: str) -> bool:
    """Tell whether a file by itself makes its directory a run."""
    return is_event_file(name) or is_progress_table(name) or is_wandb_file(name)


def is_log_file(name: str) -> bool:
    """Tell whether a file holds scalars of a run that can be read."""
    return is_run_file(name) or is_monitor(name) or is_evaluations(name)


def is_plain_table(name: str) -> bool:
    """Tell whether a file that a user names may be a table of curves: a CSV, or JSON lines."""
    return PurePath(name).suffix.lower() in (".csv", ".json", ".jsonl") and not is_monitor(name)
