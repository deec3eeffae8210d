"""Checks that other packages provide through the entry points ``rldoctor.checks``.

Preflight loads and validates them. A package that cannot be imported, or whose checks break a rule, is no reason to
stop: it is reported (SYS401). To list and explain them, their source is read and nothing is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from rldoctor.model.website import FAMILIES
from rldoctor.preflight.check import Check, CheckDocs, Plugins, Refused, one_line
from rldoctor.preflight.checks import all_checks
from rldoctor.rulebook.load import OWN_CODE


def _entries() -> list[EntryPoint]:
    """Return the entry points of installed packages that provide checks, by name."""
    return sorted(entry_points(group="rldoctor.checks"), key=lambda entry: (entry.name, entry.value))


def _origin(entry: EntryPoint) -> str:
    """Return where a check comes from: ``my-checks 1.2 (my_checks.reward)``."""
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a package"
    return f"{package} ({entry.value})"


@cache
def load_plugins() -> Plugins:
    """Import the checks that other packages provide, and sort out those that cannot be used."""
    checks: list[Check] = []
    refused: list[Refused] = []
    for entry in _entries():
        try:
            found = list(_load(entry))
        except (Exception, SystemExit) as problem:  # A stranger's module may raise anything.
            refused.append(Refused(entry.name, _origin(entry), f"it cannot be loaded: {one_line(problem)}"))
            continue
        for check in found:
            reason = _fault(check, [*all_checks(), *checks])
            if reason:
                refused.append(Refused(f"{check.code} {check.name}", check.origin, reason))
            else:
                checks.append(check)
    placed = {check.code for check in all_checks()}
    usable: list[Check] = []
    while ready := [check for check in checks if check not in usable and placed.issuperset(check.requires)]:
        usable += ready
        placed |= {check.code for check in ready}
    reason = "it requires a check that does not exist, or itself"
    rest = (check for check in checks if check not in usable)
    refused += [Refused(f"{check.code} {check.name}", check.origin, reason) for check in rest]
    return Plugins(tuple(usable), tuple(refused))


def _load(entry: EntryPoint) -> Iterator[Check]:
    loaded = entry.load()
    found = [loaded] if isinstance(loaded, Check) else [v for v in vars(loaded).values() if isinstance(v, Check)]
    if not found:
        raise TypeError("it declares no check")
    for check in found:
        yield replace(check, origin=_origin(entry))


def _fault(check: Check, others: Sequence[Check]) -> str:
    """Return what is wrong with a check, empty where nothing is."""
    if not OWN_CODE.match(check.code):
        return f"its code must be a family of its own, none of {' '.join(FAMILIES)}, and three digits"
    for other in others:
        if check.code == other.code or check.name == other.name:
            return f"its code or name is that of {other.code} {other.name}"
    return ""


def plugin_docs() -> tuple[CheckDocs, ...]:
    """Return the docs of other packages' checks, by code, without importing them.

    Where there is no source to read, the code is the entry point's name.
    """
    docs: list[CheckDocs] = []
    for entry in _entries():
        unread = CheckDocs(code=entry.name, name="", docs="its source cannot be read", origin=_origin(entry))
        docs += list(_declared(entry)) or [unread]
    return tuple(sorted(docs, key=lambda check: check.code))


def _declared(entry: EntryPoint) -> Iterator[CheckDocs]:
    """Yield the checks that the source of an entry point declares."""
    try:
        tree = ast.parse(_source(entry.module))
    except (ImportError, OSError, ValueError, SyntaxError, AttributeError):
        return
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or (entry.attr and node.name != entry.attr):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "check":
                code, name = (_argument(call, place, key) for place, key in enumerate(("code", "name")))
                yield CheckDocs(code=code, name=name, docs=ast.get_docstring(tree) or "", origin=_origin(entry))


def _argument(call: ast.Call, place: int, key: str) -> str:
    values = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == key)]
    return str(values[0].value) if values and isinstance(values[0], ast.Constant) else ""


def _source(module: str) -> str:
    """Return the source of a module without importing it or its package.

    Raises:
        ImportError: There is no such module, or it has no source.
    """
    first, *rest = module.split(".")
    spec, name = find_spec(first), first
    for part in rest:
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations) if spec else None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ImportError(f"{module} has no source")
    return Path(spec.origin).read_text(encoding="utf-8")
