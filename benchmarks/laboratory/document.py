"""The sections of docs/laboratory.md that commands write."""

from __future__ import annotations

from benchmarks import DOCS

DOCUMENT = DOCS / "laboratory.md"


def write_section(name: str, text: str) -> None:
    """Replace what stands between the two marks of a section, and print it.

    Raises:
        ValueError: The document has no such marks.
    """
    print(text)
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = DOCUMENT.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{DOCUMENT.name} has no section {name!r}")
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}")
