"""The engines that can step a training's environments."""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec

from rldoctor.errors import MissingExtra, UsageError


class Engine(StrEnum):
    """What steps the environments of a training. Evaluation is always gymnasium's."""

    GYMNASIUM = "gymnasium"
    ENVPOOL = "envpool"


# Environments of EnvPool that tests/training/test_pooled.py holds against gymnasium-robotics.
ENVPOOL_HAS = ("FetchReachDense-v4", "FetchReach-v4")


def require_engine(engine: Engine, env_id: str) -> None:
    """Check that ``engine`` can step ``env_id``.

    Raises:
        MissingExtra: The engine is not installed.
        UsageError: It has no such environment, or nobody has shown that its environment is the same.
    """
    if engine is Engine.GYMNASIUM:
        return
    if env_id not in ENVPOOL_HAS:
        raise UsageError(
            f"--engine {engine} is not known to be the same environment as {env_id}.",
            f"It stands in for {' and '.join(ENVPOOL_HAS)}; train on others with --engine {Engine.GYMNASIUM}.",
        )
    if find_spec("envpool") is None:
        raise MissingExtra(f"--engine {engine}", "envpool", "fast")
