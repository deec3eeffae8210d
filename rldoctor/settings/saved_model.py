"""The settings in a model that Stable-Baselines3 saved."""

from __future__ import annotations

import zipfile
from pathlib import Path

from rldoctor.archives.sb3_zip import read_sb3_zip
from rldoctor.errors import CannotJudge
from rldoctor.settings.tree import Node, as_node


def read_saved_model(path: Path) -> Node:
    """Return the settings in a model that Stable-Baselines3 saved; an archive of something else states nothing.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        model = read_sb3_zip(path)
    except CannotJudge as error:
        if zipfile.is_zipfile(path):
            return Node({})
        raise ValueError("cannot be read as a saved model") from error
    try:
        algorithm = model.algorithm
    except CannotJudge:
        # The policy's class cannot be read; the settings can.
        algorithm = ""
    stated = {"saved_by": f"Stable-Baselines3 {model.version}", "algorithm": algorithm}
    return as_node({**stated, "total_timesteps": model.entries.get("_total_timesteps"), **model.settings()})
