"""The pages of preflight checks, read from their source: who only reads logs has neither gymnasium nor PyTorch.

One file is one check (the tests hold these pages against the checks themselves). Checks of other packages are found
through their entry points, ``rldoctor.checks``; their source is read too, and nothing of theirs is imported.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

ENTRY_POINTS = "rldoctor.checks"
_DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
_DECLARED = re.compile(r'^@check\(\s*"(\w+)",\s*"([\w-]+)"', re.MULTILINE)


@dataclass(frozen=True)
class CheckPage:
    """A preflight check as its source describes it.

    Attributes:
        code: Family and three digits.
        name: What it examines.
        title: First line of its module's docstring.
        text: The rest of that.
        origin: The package and module that bring it; empty for a shipped one.
    """

    code: str
    name: str
    title: str
    text: str
    origin: str = ""


@cache
def preflight_checks() -> tuple[CheckPage, ...]:
    """Return the pages of all shipped preflight checks, by code."""
    pages = []
    for path in (Path(__file__).parent / "checks").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        declared, docstring = _DECLARED.search(source), _DOCSTRING.match(source)
        if declared and docstring:
            title, _, text = inspect.cleandoc(docstring[1]).partition("\n")
            pages.append(CheckPage(declared[1], declared[2], title, text.strip()))
    return tuple(sorted(pages, key=lambda page: page.code))


def own_entries() -> tuple[EntryPoint, ...]:
    """Return the entry points of installed packages that bring checks, by name."""
    return tuple(sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: (entry.name, entry.value)))


def origin_of(entry: EntryPoint) -> str:
    """Return where a check comes from: ``my-checks 1.2 (my_checks.reward)``."""
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a package"
    return f"{package} ({entry.value})"


def own_pages() -> tuple[CheckPage, ...]:
    """Return the pages of other packages' checks; one without a source to read is called as its entry point."""
    pages: list[CheckPage] = []
    for entry in own_entries():
        found = list(_declared(entry))
        unread = CheckPage(entry.name, "", "its source cannot be read", "", origin_of(entry))
        pages += found or [unread]
    return tuple(sorted(pages, key=lambda page: page.code))


def _declared(entry: EntryPoint) -> Iterator[CheckPage]:
    """Yield the checks that the source of an entry point declares."""
    try:
        tree = ast.parse(_source(entry.module))
    except (ImportError, OSError, ValueError, SyntaxError, AttributeError):
        return
    title, _, text = (ast.get_docstring(tree) or "").partition("\n")
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or (entry.attr and node.name != entry.attr):
            continue
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "check":
                code, name = (_argument(call, place, key) for place, key in enumerate(("code", "name")))
                yield CheckPage(code, name, title, text.strip(), origin_of(entry))


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
