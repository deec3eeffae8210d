"""Measurements behind the documents: commands, never tests. ``docs/benchmarks.md`` lists them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TESTS = ROOT / "tests"
