"""What a command needs before it starts: its configuration, an executor, and the packages that train."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING

from rldoctor.cli.options import ExecutorName, FailOnVerdict
from rldoctor.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from rldoctor.config import Config
    from rldoctor.executors import Executor
    from rldoctor.model import Verdict


def configured(file: Path | None, isolated: bool, follow_references: bool = True) -> Config:
    """Return the effective configuration: that of the named file, of the nearest one, or the defaults.

    Raises:
        UsageError: It is not valid, or both options are given.
    """
    from rldoctor.config import DEFAULTS, find_config, read_config

    if isolated and file is not None:
        raise UsageError("--isolated reads no configuration, and --config names one.", "Use only one of them.")
    if isolated:
        return DEFAULTS
    if file is not None:
        config = read_config(file, follow_references)
    else:
        try:
            here = Path.cwd()
        except OSError:  # The current directory has been removed.
            return DEFAULTS
        config = find_config(here, follow_references)
    if config.select or config.ignore or config.rules:
        from rldoctor.preflight.selectors import require_known

        require_known(config)
    return config


def failing(option: FailOnVerdict | None, config: Config) -> Verdict:
    """Return the mildest verdict that fails: that of the command line, or else of the configuration."""
    from rldoctor.model import Verdict

    return config.fail_on if option is None else Verdict(option.value)


def executor_of(name: ExecutorName, jobs: int | None, address: str | None) -> AbstractContextManager[Executor]:
    """Return the executor that the options name, as a context that closes it.

    Raises:
        UsageError: The options contradict each other, or there is no cluster at the address.
        MissingExtra: Ray is not installed.
    """
    if name is ExecutorName.RAY:
        from rldoctor.executors.on_ray import RayExecutor

        return closing(RayExecutor(address, jobs))
    if address is not None:
        raise UsageError("--address is the address of a Ray cluster.", "Add --executor ray.")
    from rldoctor.executors.local import LocalExecutor
    from rldoctor.experiments.sweep.job import PRELOAD

    return closing(LocalExecutor(jobs, PRELOAD))


def need_training_packages(command: str) -> None:
    """Check that the extra ``[train]`` is installed, without importing it.

    Raises:
        MissingExtra: A package is missing; the message says what to install.
    """
    import importlib.util

    for package in ("gymnasium", "torch", "stable_baselines3", "gymnasium_robotics", "mujoco", "psutil"):
        try:
            found = importlib.util.find_spec(package) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            raise MissingExtra(f"rldoctor {command}", package)
