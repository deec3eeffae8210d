"""How a user names an environment, and the import of what is named.

``Id-v0``, ``module:Id-v0``, ``module:Class``, ``path/to/file.py:Class`` and a function instead of the class. Nothing
here needs gymnasium: a command line can make a path absolute without it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
import traceback
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from rldoctor.errors import UsageError, first_line, nearest

FORMS = "Name it by its id, as module:Class, or as path/to/file.py:Class."


class EnvName(NamedTuple):
    """An environment's name in its two parts.

    Attributes:
        source: A module or the path of a Python file; empty for an id alone.
        item: An id, a class or a function.
    """

    source: str
    item: str

    @property
    def is_file(self) -> bool:
        """Whether the source is a Python file rather than a module."""
        return self.source.endswith(".py")


def split(name: str) -> EnvName:
    """Return the parts of an environment's name.

    Raises:
        UsageError: It is empty, or names a file and nothing in it.
    """
    source, colon, item = name.strip().rpartition(":")
    if not name.strip() or (colon and not (source and item)):
        raise UsageError(f"{name!r} names no environment.", FORMS)
    if not colon and item.endswith(".py"):
        raise UsageError(f"{name} is a file; its environment is not named.", _classes_in(name))
    return EnvName(source, item)


def absolute(name: str) -> str:
    """Return ``name`` with the path of a file made absolute: a run may be resumed from another folder."""
    parts = split(name)
    return f"{Path(parts.source).expanduser().absolute()}:{parts.item}" if parts.is_file else name.strip()


def label(name: str) -> str:
    """Return a short form for titles and folders: ``file.py:Class`` without the folders."""
    parts = split(name)
    return f"{Path(parts.source).name}:{parts.item}" if parts.is_file else name


def load(name: EnvName) -> ModuleType:
    """Import the module or file that ``name`` names, with the working folder (or the file's) on the import path.

    Raises:
        UsageError: There is none, or importing it raised.
    """
    try:
        return _load_file(Path(name.source)) if name.is_file else _load_module(name.source)
    except ModuleNotFoundError as error:
        if name.is_file or not _is_part(error.name, name.source):
            raise _failed(name.source, error) from error
        raise _missing_module(name, error.name or name.source) from None
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # A user's module may raise anything when it is imported.
        raise _failed(name.source, error) from error


def where(error: BaseException) -> str:
    """Return file and line of the user's code that raised, as `` (my_env.py, line 12)``; empty where it is unknown.

    Of the traceback it is the last line outside the installed packages and the standard library.
    """
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_users(f.filename)]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def candidates(module: ModuleType) -> list[str]:
    """Return the names of the classes and functions that ``module`` defines itself."""
    defined = {key: value for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return sorted(key for key, value in defined.items() if callable(value) and not key.startswith("_"))


_PACKAGE = str(Path(__file__).resolve().parents[1])
_INSTALLED = (str(Path(os.__file__).parent), "site-packages", "dist-packages", "<frozen", "<string>", ".pyx", _PACKAGE)


def _is_users(file: str) -> bool:
    return not any(part in file for part in _INSTALLED)


def _on_path(folder: Path) -> None:
    # First, as Python does with the folder of a script: the user's modules win over installed ones of the same name.
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()


def _load_module(source: str) -> ModuleType:
    _on_path(Path.cwd())
    return importlib.import_module(source)


def _load_file(path: Path) -> ModuleType:
    path = path.expanduser().absolute()
    if not path.is_file():
        files = nearest(path.name, (p.name for p in path.parent.glob("*.py")))
        raise UsageError(f"There is no file {path}.", files or "Check the path.")
    _on_path(path.parent)
    name = path.stem
    known = sys.modules.get(name) or (importlib.util.find_spec(name) if name.isidentifier() else None)
    if getattr(known, "origin", None) == str(path) or getattr(known, "__file__", None) == str(path):
        return importlib.import_module(name)
    # Its name is taken (gym.py, test.py) or cannot be imported (my-env.py): it gets one of its own.
    name = f"{name}_{zlib.crc32(str(path).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported.", FORMS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is_part(missing: str | None, module: str) -> bool:
    return missing is not None and (module == missing or module.startswith(f"{missing}."))


def _missing_module(name: EnvName, missing: str) -> UsageError:
    here = [path.stem for path in Path.cwd().glob("*.py")]
    close = nearest(name.source, here) or f"Run it in the folder of {missing}.py, or name the file: path/to/file.py:"
    if close.endswith(":"):
        close = f"{close}{name.item}."
    return UsageError(f"There is no module {missing!r}, neither in this folder nor installed.", close)


def _failed(source: str, error: BaseException) -> UsageError:
    what = f"{type(error).__name__}: {first_line(error)}"
    fix = "Fix what it names; it is raised when the module is imported."
    if isinstance(error, ModuleNotFoundError) and error.name:
        fix = f"Install the package of {error.name}, or check the import."
    return UsageError(f"Importing {source} failed with {what}{where(error)}.", fix)


def _classes_in(file: str) -> str:
    """Return which classes a file could be named with, without running it."""
    try:
        found: Iterable[ast.stmt] = ast.parse(Path(file).read_text("utf-8")).body
    except (OSError, ValueError, SyntaxError):
        found = ()
    names = [node.name for node in found if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    return f"Write {' or '.join(f'{file}:{name}' for name in names[:3])}." if names else f"Write {file}:Class."
