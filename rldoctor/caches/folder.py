"""The folder for caches: mirrors of remote runs, diagnoses that are kept, and compiled rules."""

from __future__ import annotations

import os
from pathlib import Path

from rldoctor.errors import UsageError


def cache_folder() -> Path:
    """Return the folder for caches: ``$RLDOCTOR_CACHE``, or ``rldoctor`` in the user's folder for caches.

    Raises:
        UsageError: There is neither.
    """
    own = os.environ.get("RLDOCTOR_CACHE")
    if own:
        return Path(own)
    general = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(general) if general else Path.home() / ".cache") / "rldoctor"
    except RuntimeError:
        raise UsageError("There is no home folder to keep a cache in.", "Set $RLDOCTOR_CACHE to a folder.") from None
