"""Where the data folders ``checks/`` and ``reference_curves/`` are, however rldoctor was installed."""

from __future__ import annotations

from pathlib import Path

from rldoctor.errors import RldoctorError

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the shipped data folder called ``name``.

    A wheel carries the folders in ``rldoctor/_shipped/``; in an editable install or a plain checkout they stand
    beside the package. The checkout is asked first, so that an edited rule is the one in force.

    Raises:
        RldoctorError: Neither place has the folder: the installation is damaged.
    """
    for place in (_PACKAGE.parent, _PACKAGE / "_shipped"):
        # pyproject.toml tells our own checkout from a site-packages that happens to hold a folder of that name.
        if (place / name).is_dir() and (place.name == "_shipped" or (place / "pyproject.toml").is_file()):
            return place / name
    raise RldoctorError(
        f"The data folder {name}/ of rldoctor is missing from this installation.", "Install rldoctor again."
    )
