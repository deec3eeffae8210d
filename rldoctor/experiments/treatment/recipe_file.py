"""A recipe written as TOML, for ``rldoctor train --recipe``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rldoctor import run_directory
from rldoctor.model import Json
from rldoctor.recipe import Recipe


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as the TOML that :func:`rldoctor.references.load_recipe` reads.

    Raises:
        UsageError: The place cannot be written to.
    """
    plain = recipe.to_json()
    tables = {key: value for key, value in plain.items() if isinstance(value, Mapping)}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items() if key not in tables]
    for key, table in tables.items():
        if table:
            # TOML has no word for nothing; what is None is SB3's default, which it is without a line as well.
            lines += [
                "",
                f"[{key}]",
                *(f"{name} = {_toml(value)}" for name, value in table.items() if value is not None),
            ]
    with run_directory.replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: Json) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float):
        return repr(value)
    # A JSON string is a TOML string, but for the one control character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
