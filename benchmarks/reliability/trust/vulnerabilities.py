"""Known vulnerabilities of the pinned packages."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from benchmarks.reliability.fault import ROOT, Row


def known_faults(place: Path, often: int) -> Row:
    """Compare the pinned versions with safety-db, a list of vulnerabilities that is itself a package."""
    del place, often
    places = importlib.util.find_spec("safety_db")
    assert places is not None
    assert places.origin is not None
    faults = json.loads((Path(places.origin).parent / "insecure.json").read_text(encoding="utf-8"))
    pinned = re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    hit = [
        name
        for name, version in pinned
        for spec in faults.get(name.lower(), [])
        if Version(version) in SpecifierSet(spec)
    ]
    assert not hit, hit
    return Row(
        len(pinned),
        f"pinned packages, none in the outdated list {importlib.metadata.version('safety-db')}: see SECURITY.md",
    )


def no_safety_db() -> str:
    return "" if importlib.util.find_spec("safety_db") else "pip install safety-db"
