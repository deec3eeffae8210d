"""Making environments: the one place that turns an id into an environment."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
from functools import cache
from typing import Any

import gymnasium

from rldoctor.errors import RldoctorError, UsageError, first_line, near


class EnvironmentBroken(RldoctorError):
    """The environment is known but cannot be made; ``cause`` is what ``gymnasium.make`` raised."""

    exit_code = 1

    def __init__(self, env_id: str, cause: BaseException) -> None:
        super().__init__(
            f"gymnasium.make({env_id!r}) failed with {type(cause).__name__}: {first_line(cause)}.",
            "Run rldoctor preflight: it names the versions or packages at fault.",
        )
        self.cause = cause


@cache
def register_robotics() -> Exception | None:
    """Register gymnasium-robotics' environments, without its notice about Adroit environments on stderr.

    Returns:
        Why the package cannot be imported, such as parts of two mujoco versions: environments of other packages still
        work. ``None`` if it can, or is not installed.
    """
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            gymnasium.register_envs(importlib.import_module("gymnasium_robotics"))
    except ModuleNotFoundError:
        return None
    except Exception as error:
        return error
    finally:
        logging.disable(level)
    return None


def resolve(env_id: str) -> str:
    """Return ``env_id`` if Gymnasium knows it; ``module:id`` imports the module first.

    Raises:
        UsageError: The module cannot be imported or the id is not registered; the message offers close matches.
        EnvironmentBroken: The id is not registered and gymnasium-robotics, which may provide it, cannot be imported.
    """
    robotics_error = register_robotics()
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
            if robotics_error:
                raise EnvironmentBroken(env_id, robotics_error) from robotics_error
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
