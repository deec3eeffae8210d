"""One check on an environment of a file of kinds."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest

from rldoctor.model import Finding, PreflightResult
from rldoctor.preflight.runner import run_preflight


def examined(name: str, code: str, where: ModuleType) -> PreflightResult:
    """Examine without a limit of time that a busy machine would reach."""
    result = run_preflight(f"{where.__file__}:{name}", select=(code,), budget=600.0)
    assert isinstance(result, PreflightResult)
    return result


def found(name: str, code: str, where: ModuleType) -> list[Finding]:
    """Return what the check alone finds, without the checks that it requires."""
    return [finding for finding in examined(name, code, where).findings if finding.code == code]


def one_in(many: int, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return the rows of a test: one in so many runs with every test, and the others are slow."""
    return [pytest.param(*row, marks=pytest.mark.slow if place % many else ()) for place, row in enumerate(rows)]
