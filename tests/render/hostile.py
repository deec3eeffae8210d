"""A name that formats must not act on, and the schema that reports in JSON must fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HOSTILE = "=1+1[red]|`<script>alert(1)</script>\x1b[31m"


def schema() -> Any:
    """Return the published schema of the report."""
    return json.loads((Path(__file__).parents[2] / "docs/schema/report-1.json").read_text())
