"""Making environments: the one place that turns a name into an environment."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import logging
import operator
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Annotated, Any

import gymnasium
from gymnasium.envs.registration import EnvSpec
from msgspec import Meta

from rldoctor import datafile
from rldoctor.datafile import Table, Text
from rldoctor.environments import naming
from rldoctor.environments.first_of_vec_env import first_of_vec_env
from rldoctor.environments.kinds import foreign_kind
from rldoctor.environments.naming import EnvName
from rldoctor.errors import CannotJudge, RldoctorError, UsageError, first_line, near, nearest


class EnvironmentBroken(RldoctorError):
    """The environment is known but cannot be made; ``cause`` is what making it raised."""

    exit_code = 1

    def __init__(self, env_id: str, cause: BaseException, problem: str = "", cure: str = "") -> None:
        what = f"{type(cause).__name__}: {first_line(cause)}{naming.where(cause)}"
        super().__init__(
            problem or f"Making {naming.label(env_id)} failed with {what}.",
            cure or "Run rldoctor preflight: it names the versions or packages at fault.",
        )
        self.cause = cause
        self.explained = bool(problem)
        """Whether the message says what is wrong in words of its own, not the exception's."""


class _Family(Table, frozen=True):
    """Environments of another package: see ``checks/preflight/families.toml``."""

    ids: Annotated[tuple[Text, ...], Meta(min_length=1)]
    module: Text
    install: Text
    source: Text


class _File(Table, frozen=True):
    family: tuple[_Family, ...]


@cache
def register_robotics() -> Exception | None:
    """Register gymnasium-robotics' environments, without its notice about Adroit environments on stderr.

    Returns:
        Why the package cannot be imported, such as parts of two mujoco versions: environments of other packages still
        work. ``None`` if it can, or is not installed.
    """
    return _register("gymnasium_robotics")


def _register(module: str) -> Exception | None:
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            gymnasium.register_envs(importlib.import_module(module))
    except ModuleNotFoundError as error:
        return None if error.name == module.partition(".")[0] else error
    except Exception as error:
        return error
    finally:
        logging.disable(level)
    return None


def resolve(name: str) -> EnvSpec:
    """Return the specification of the environment ``name``; what it names is imported first.

    Args:
        name: An id, ``module:Id-v0``, ``module:Class`` or ``path/to/file.py:Class``, where a function that returns an
            environment may stand for the class.

    Raises:
        UsageError: There is no such environment, or what is named is of another kind; the message offers close matches.
        EnvironmentBroken: The id is not registered and the package that may provide it cannot be imported.
    """
    parts = naming.split(name)
    if not parts.source:
        return _registered(parts.item)
    module = naming.load(parts)
    try:
        target = operator.attrgetter(parts.item)(module)
    except AttributeError:
        if parts.item in gymnasium.registry:
            return gymnasium.registry[parts.item]
        defined = naming.candidates(module)
        own = [key for key in gymnasium.registry if parts.item.partition("-")[0].lower() in key.lower()]
        cure = near(parts.item, [*defined, *own]) if defined or own else "It defines no class and no function."
        raise UsageError(f"{naming.label(name)}: there is no {parts.item} in {parts.source}.", cure) from None
    return _spec_of(name, parts, target)


def _spec_of(name: str, parts: EnvName, target: Any) -> EnvSpec:
    if isinstance(target, gymnasium.Env):
        cure = f"Name its class or a function that makes one: {parts.source}:{type(target.unwrapped).__name__}."
        raise UsageError(f"{naming.label(name)} is an environment that is made already.", cure)
    if isinstance(target, type) and not issubclass(target, gymnasium.Env):
        known = foreign_kind(target)
        what, cure = known or ("a class that does not inherit from gymnasium.Env", "Let it inherit from gymnasium.Env.")
        raise UsageError(f"{naming.label(name)} is {what}.", cure)
    if not callable(target):
        raise UsageError(f"{naming.label(name)} is neither a class nor a function.", naming.FORMS)
    # The dots of Outer.Inner and the folders of a path are no part of an id that Gymnasium accepts everywhere.
    return EnvSpec(id=parts.item.replace(".", "-"), entry_point=target)


def _registered(env_id: str) -> EnvSpec:
    robotics_error = register_robotics()
    family = next((f for f in _families() if env_id.startswith(f.ids)), None)
    broken = robotics_error
    if env_id not in gymnasium.registry and family and find_spec(family.module.partition(".")[0]):
        broken = _register(family.module) or broken
    try:
        # It knows an id without its version.
        return gymnasium.registry.get(env_id) or _latest(env_id)
    except gymnasium.error.Error as error:
        if broken:
            raise EnvironmentBroken(env_id, broken) from broken
        if family and not find_spec(family.module.partition(".")[0]):
            cure = f"Install it: python -m pip install {family.install}"
            raise UsageError(f"{env_id} needs the package {family.module}, which is not installed.", cure) from None
        cure = nearest(env_id, gymnasium.registry) or naming.FORMS
        if isinstance(error, (gymnasium.error.VersionNotFound, gymnasium.error.DeprecatedEnv)):
            versions = [key for key in gymnasium.registry if key.rpartition("-v")[0] == env_id.rpartition("-v")[0]]
            cure = f"There is {' and '.join(versions)}." if versions else cure
        raise UsageError(f"There is no environment {env_id!r}.", cure) from None


def _latest(env_id: str) -> EnvSpec:
    namespace, name, version = gymnasium.envs.registration.parse_env_id(env_id)
    newest = gymnasium.envs.registration.find_highest_version(namespace, name)
    if version is not None or newest is None:
        return gymnasium.spec(env_id)
    return gymnasium.spec(gymnasium.envs.registration.get_env_id(namespace, name, newest))


@cache
def _families() -> tuple[_Family, ...]:
    return datafile.load(datafile.folder("checks") / "preflight" / "families.toml", _File).family


def register(make: Callable[[], gymnasium.Env[Any, Any]]) -> str:
    """Give a function that makes environments an id, as Gymnasium's registry knows them.

    Raises:
        UsageError: It is no function.
    """
    if not callable(make):
        raise UsageError(f"{make!r} is neither an id nor a function that makes an environment.")
    name = "".join(c if c.isalnum() else "-" for c in getattr(make, "__name__", type(make).__name__)).strip("-")
    env_id = f"rldoctor/{name or 'environment'}-v0"
    gymnasium.registry.pop(env_id, None)
    gymnasium.register(env_id, entry_point=lambda **_options: make())
    return env_id


def make(name: str, **arguments: Any) -> gymnasium.Env[Any, Any]:
    """Make the environment ``name``.

    Args:
        name: As :func:`resolve` takes it.
        arguments: For the environment's constructor, and ``max_episode_steps`` for Gymnasium's ``TimeLimit``.

    Raises:
        UsageError: The name is not known.
        EnvironmentBroken: Making it raised; the versions of its packages may not work together.
    """
    return _make(name, resolve(name), arguments)


def make_to_examine(name: str, **arguments: Any) -> gymnasium.Env[Any, Any]:
    """Make the environment ``name`` as :func:`make` does; of a vec env of SB3 that a function gives, the first one."""
    spec = resolve(name)
    if inspect.isfunction(spec.entry_point):
        spec = EnvSpec(spec.id, entry_point=first_of_vec_env(spec.entry_point))
    return _make(name, spec, arguments)


def _make(name: str, spec: EnvSpec, arguments: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    try:
        return gymnasium.make(spec, **arguments)
    except CannotJudge:
        raise
    except (Exception, SystemExit) as error:  # A user's constructor may raise anything.
        raise _explained(name, spec, arguments, error) from error


# Arguments of gymnasium.make that do not reach the constructor.
_OF_MAKE = ("max_episode_steps", "disable_env_checker")


def _explained(name: str, spec: EnvSpec, arguments: dict[str, Any], error: BaseException) -> EnvironmentBroken:
    """Return what is wrong where that can be said better than by the exception."""
    if isinstance(error, UsageError):
        return EnvironmentBroken(name, error, error.problem, error.cure)
    given = {**spec.kwargs, **{key: value for key, value in arguments.items() if key not in _OF_MAKE}}
    shown = naming.label(name)
    if spec.entry_point is None:
        problem = f"{shown} is registered as a vector environment only, several environments in one."
        return EnvironmentBroken(name, error, problem, "Register a single environment; training makes n_envs of them.")
    with contextlib.suppress(Exception, SystemExit):
        creator = _creator(spec)
        if wrong := _wrong_arguments(creator, given):
            return EnvironmentBroken(name, error, f"{shown} {wrong[0]}.", wrong[1])
        if isinstance(error, TypeError) and "gymnasium.Env" in str(error) and "must inherit" in str(error):
            made = creator(**given)
            known = foreign_kind(type(made))
            what = known[0] if known else f"a {type(made).__name__}, which does not inherit from gymnasium.Env"
            if isinstance(made, gymnasium.Env):
                return EnvironmentBroken(name, error)
            return EnvironmentBroken(
                name,
                error,
                f"{shown} gives {what}.",
                known[1] if known else "Let its class inherit from gymnasium.Env.",
            )
    return EnvironmentBroken(name, error)


def _creator(spec: EnvSpec) -> Callable[..., Any]:
    entry = spec.entry_point
    creator: Any = gymnasium.envs.registration.load_env_creator(entry) if isinstance(entry, str) else entry
    return creator  # type: ignore[no-any-return]


def _wrong_arguments(creator: Callable[..., Any], given: dict[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with a constructor's arguments and the cure; ``None`` where they fit."""
    parameters = inspect.signature(creator).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    missing = [p.name for p in named if p.default is p.empty and p.name not in given]
    if missing:
        options = " ".join(f"--env-kwargs {key}=VALUE" for key in missing)
        return f"needs the argument{'s' * (len(missing) > 1)} {', '.join(missing)}", f"Give it with {options}."
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = [key for key in given if key not in {p.name for p in named}]
    if unknown and not open_ended:
        taken = ", ".join(p.name for p in named) or "none"
        close = nearest(unknown[0], [p.name for p in named])
        return f"takes no argument {unknown[0]!r}", close or f"It takes {taken}."
    return None
