"""Read the remedies of a diagnosis: which settings it changes, and which preflight checks confirm it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rldoctor.errors import UsageError, near
from rldoctor.rulebook.schema import ALL_SETTINGS, SPACES, SettingChange
from rldoctor.settings import HYPERPARAMETERS

_KEYS = tuple(field.name for field in dataclasses.fields(SettingChange))
_NUMBERS = ("scale", "above", "below")


def confirmed_by(data: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Return the codes of the preflight checks that can confirm a cause outside the recipe.

    Whether there are such checks is asked by :mod:`rldoctor.preflight.selectors`, which knows them.

    Raises:
        UsageError: The value is no list of texts.
    """
    codes = data.get("confirmed_by", [])
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise UsageError(f"{path}: confirmed_by = {codes!r} must be a list of codes.")
    return tuple(codes)


def changes(data: Mapping[str, Any], path: Path) -> tuple[SettingChange, ...]:
    """Return the ``[[change]]`` tables of a diagnosis.

    Raises:
        UsageError: A table is not valid; the message names file and key.
    """
    tables = data.get("change", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}: change must be [[change]] tables.")
    return tuple(_change(table, path) for table in tables)


def _change(table: Mapping[str, Any], path: Path) -> SettingChange:
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{path}: unknown key change.{key!r}.", near(key, _KEYS))
    setting = str(table.get("setting"))
    if setting not in HYPERPARAMETERS and setting != ALL_SETTINGS:
        raise UsageError(f"{path}: change.setting = {setting!r} is no setting.", near(setting, HYPERPARAMETERS))
    for key in _NUMBERS:
        if key in table and (isinstance(table[key], bool) or not isinstance(table[key], (int, float))):
            raise UsageError(f"{path}: change.{key} = {table[key]!r} must be a number.")
    if table.get("spaces", "") not in SPACES:
        known = ", ".join(word for word in SPACES if word)
        raise UsageError(f"{path}: change.spaces = {table['spaces']!r} is not known.", f"Allowed: {known}.")
    order = table.get("order", 1)
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise UsageError(f"{path}: change.order = {order!r} must be a whole number of at least 1.")
    _one_way(table, path)
    return SettingChange(**table)


def _one_way(table: Mapping[str, Any], path: Path) -> None:
    """Refuse a change that says in two ways, or in none, what the setting is to become."""
    ways: Sequence[str] = [key for key in ("to", "scale", "default") if key in table]
    if len(ways) > 1 or (not ways and table.get("reference") is False):
        raise UsageError(
            f"{path}: change of {table.get('setting')} says {' and '.join(ways) or 'nowhere'} what it is to become.",
            "Give one of: to, scale, default = true; or none, for the reference's value alone.",
        )
