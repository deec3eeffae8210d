"""The backends that can step a training's environments."""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec

from rldoctor.errors import MissingExtra, UsageError


class Engine(StrEnum):
    """Environment backend of a training. Evaluation always uses gymnasium."""

    GYMNASIUM = "gymnasium"
    ENVPOOL = "envpool"


# Environments of EnvPool that tests/environments/test_envpool.py compares with gymnasium-robotics.
ENVPOOL_HAS = ("FetchReachDense-v4", "FetchReach-v4")


def require_engine(engine: Engine, env_id: str) -> None:
    """Check that ``engine`` can step ``env_id``.

    Raises:
        MissingExtra: The engine is not installed.
        UsageError: It has no such environment, or its environment has not been compared with gymnasium's.
    """
    if engine is Engine.GYMNASIUM:
        return
    if env_id not in ENVPOOL_HAS:
        raise UsageError(
            f"--engine {engine} has no environment that is known to match {env_id}.",
            f"It has {' and '.join(ENVPOOL_HAS)}; train on others with --engine {Engine.GYMNASIUM}.",
        )
    if find_spec("envpool") is None:
        raise MissingExtra(f"--engine {engine}", "envpool", "fast")
