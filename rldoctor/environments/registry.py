"""Making environments: the one place that turns an id into an environment."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
from typing import Any

import gymnasium

from rldoctor.errors import RldoctorError, UsageError, first_line, near

_ROBOTICS = "gymnasium_robotics"


class EnvironmentBroken(RldoctorError):
    """The environment is known but cannot be made; ``cause`` is what ``gymnasium.make`` raised."""

    exit_code = 1

    def __init__(self, env_id: str, cause: BaseException) -> None:
        super().__init__(
            f"gymnasium.make({env_id!r}) failed with {type(cause).__name__}: {first_line(cause)}.",
            "Run rldoctor preflight: it names the versions or packages at fault.",
        )
        self.cause = cause


def register_robotics() -> None:
    """Register gymnasium-robotics' environments, without its notice about Adroit environments on stderr.

    If it cannot be imported, such as with parts of two mujoco versions installed, the reason is kept for
    :func:`resolve`: environments of other packages still work.
    """
    if _ROBOTICS in registered_namespaces:
        return
    with contextlib.suppress(ModuleNotFoundError), contextlib.redirect_stderr(io.StringIO()):
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            gymnasium.register_envs(importlib.import_module(_ROBOTICS))
        except ModuleNotFoundError:
            raise
        except Exception as error:
            _failed_imports.append(error)
        finally:
            logging.disable(level)
        registered_namespaces.add(_ROBOTICS)


registered_namespaces: set[str] = set()
_failed_imports: list[Exception] = []


def resolve(env_id: str) -> str:
    """Return ``env_id`` if Gymnasium knows it; ``module:id`` imports the module first.

    Raises:
        UsageError: The module cannot be imported or the id is not registered; the message offers close matches.
        EnvironmentBroken: The id is not registered and gymnasium-robotics, which may provide it, cannot be imported.
    """
    register_robotics()
    module, colon, name = env_id.rpartition(":")
    if colon:
        try:
            importlib.import_module(module)
        except Exception as error:
            # A user's module may raise anything at import.
            raise UsageError(
                f"The module {module!r} of environment {env_id!r} cannot be imported: "
                f"{type(error).__name__}: {first_line(error)}.",
                "Check its name and that it is on the Python path.",
            ) from error
    if name not in gymnasium.registry:
        try:
            gymnasium.spec(name)
        except gymnasium.error.Error:
            if _failed_imports:
                raise EnvironmentBroken(env_id, _failed_imports[0]) from _failed_imports[0]
            raise UsageError(f"There is no environment {name!r}.", near(name, gymnasium.registry)) from None
    return env_id


def make(env_id: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """Make the environment ``env_id``.

    Raises:
        UsageError: The id is not known.
        EnvironmentBroken: Making it raised; the versions of its packages may not work together.
    """
    resolve(env_id)
    try:
        return gymnasium.make(env_id, **kwargs)
    except Exception as error:
        raise EnvironmentBroken(env_id, error) from error
