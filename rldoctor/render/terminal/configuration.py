"""The effective configuration in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import EffectiveConfig
from rldoctor.render.wording import clean


def print_configuration(console: Console, shown: EffectiveConfig, wrong: Sequence[str] | None) -> None:
    """Print the files, the keys and what a project adds.

    ``wrong`` are the examples of the project's signs that fail, ``None`` where they were not tried.
    """
    if not shown.looked_at:
        console.print("No rldoctor.toml or pyproject.toml was found: all defaults apply.")
    for place in shown.looked_at:
        said = "read" if place == shown.file else "has no [tool.rldoctor]"
        console.print(Text.assemble((said, "green" if place == shown.file else "dim"), "  ", clean(place)))
    console.print()
    # The file is named in full above.
    name = Path(shown.file).name
    keys = [
        (row.key, row.value, row.origin.replace(shown.file, name) if shown.file else row.origin) for row in shown.keys
    ]
    console.print(_table(("key", "value", "from"), keys))
    if shown.additions:
        console.print()
        rows = [(item.kind, item.name, item.place) for item in shown.additions]
        console.print(_table(("your own", "name", "where"), rows))
    for line in wrong or ():
        console.print(Text.assemble(("\nwrong example  ", "red"), clean(line)))
    if wrong is not None and not wrong:
        console.print("\nAll examples of your own signs pass.")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table
