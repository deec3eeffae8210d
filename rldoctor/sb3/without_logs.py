"""A model that logs nowhere: Stable-Baselines3 makes a folder ``SB3-...`` in the temporary directory for any other."""

from __future__ import annotations

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger


def without_logs(model: BaseAlgorithm) -> None:
    """Let what a model logs go nowhere, to none of its own folders either.

    Source: stable_baselines3/common/utils.py, configure_logger, which ``learn`` calls for models without a logger.
    """
    model.set_logger(Logger(None, []))
