"""Which preflight checks there are, without importing them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# How a preflight check names itself in its source: code and name.
DECLARED = re.compile(r'^@check\(\s*"(\w+)",\s*"([\w-]+)"', re.MULTILINE)


@cache
def declared_checks() -> Mapping[str, str]:
    """Return the code and the name of every preflight check.

    They are read from the source, not imported: a laptop that only reads logs has neither gymnasium nor PyTorch. One
    file is one check.
    """
    found = {}
    for path in sorted((Path(__file__).resolve().parents[1] / "preflight" / "checks").rglob("*.py")):
        declared = DECLARED.search(path.read_text(encoding="utf-8"))
        if declared:
            found[declared[1]] = declared[2]
    return found
