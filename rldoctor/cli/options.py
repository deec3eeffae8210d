"""The options that several command words share, each declared once, and what their texts mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rldoctor.environments import engine
from rldoctor.errors import UsageError

if TYPE_CHECKING:
    from rldoctor.model import Json

RUNS = Path("runs")


class Format(StrEnum):
    """Output formats; the names are the keys of ``rldoctor.render.formats.FORMATS``."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    MD = "md"
    CSV = "csv"


class PlainFormat(StrEnum):
    """Output formats of commands that make no report."""

    TEXT = "text"
    JSON = "json"


class FailOnVerdict(StrEnum):
    """The mildest verdict that ends with exit code 1."""

    SICK = "sick"
    SUSPECT = "suspect"


class ExecutorName(StrEnum):
    """Where work is done."""

    LOCAL = "local"
    RAY = "ray"


def not_empty(value: str | None) -> str | None:
    """Refuse an option that says nothing."""
    if value is not None and not value.strip():
        raise typer.BadParameter("must not be empty.")
    return value


def _no_folder(value: Path | None) -> Path | None:
    if value is not None and value.is_dir():
        raise typer.BadParameter("is a directory: name a file for the report.")
    return value


def _env(help_: str) -> Any:
    return typer.Option("--env", help=help_, callback=not_empty)


# What is examined or trained.
Reference = Annotated[str, typer.Option("--reference", "-r", help="Name or folder of a reference.")]
TrainedReference = Annotated[
    str | None, typer.Option("--reference", "-r", help="Name or folder of a reference. [default: chapter]")
]
ComparedReference = Annotated[str | None, typer.Option("--reference", "-r", help="Compare with this reference.")]
ENV_IDS = "id, module:id, module:Class or file.py:Class"
Env = Annotated[str | None, _env(f"Another environment: {ENV_IDS}.")]
EnvKwargs = Annotated[
    list[str] | None, typer.Option("--env-kwargs", help="Argument of the environment's constructor: key=value.")
]
MaxEpisodeSteps = Annotated[
    int | None, typer.Option("--max-episode-steps", min=1, help="Time limit of an episode, in steps.")
]
MeasuredEnv = Annotated[str | None, _env("The environment of the runs, to be examined with them.")]
LoggedEnv = Annotated[str | None, _env("The environment of the run, where no run.json states it.")]
Framework = Annotated[
    str | None,
    typer.Option(
        "--framework", help="What logged the runs (cleanrl, rllib, ...), or a tag mapping's file; otherwise detected."
    ),
]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change a setting: key=value. Recorded in run.json.")]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Number of environment steps to train.")]
Seed = Annotated[int, typer.Option("--seed", "-s", min=0, max=2**31 - 1, help="Seed of the training.")]
Require = Annotated[
    list[str] | None,
    typer.Option("--require", help="Change a passing criterion: success_rate=0.95 (or off, warn, error)."),
]
Select = Annotated[list[str] | None, typer.Option("--select", help="Only these codes (or prefixes) or names.")]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", help="Leave out these codes (or prefixes) or names.")]

# How it is done.
Engine = Annotated[
    engine.Engine | None,
    typer.Option("--engine", help="Environment backend; envpool needs the extra [fast]. [default: gymnasium]"),
]
Runs = Annotated[Path, typer.Option("--runs", help="The folder that collects runs.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Trainings at a time, one thread each. [default: all cores]")
]
Executor = Annotated[
    ExecutorName, typer.Option("--executor", help="Where the work is done; ray needs the extra [ray].")
]
Address = Annotated[str | None, typer.Option("--address", help="Ray address; a local cluster is started if omitted.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]

# The configuration.
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Read this rldoctor.toml or pyproject.toml. [default: the nearest one]"),
]
Isolated = Annotated[bool, typer.Option("--isolated", "--no-config", help="Read no configuration.")]
FailOn = Annotated[
    FailOnVerdict | None,
    typer.Option("--fail-on", help="The mildest verdict that ends with exit code 1. [default: sick]"),
]

# What is printed.
ReportFormat = Annotated[
    Format | None,
    typer.Option("--format", help="Output format of the report. [default: text, or by the suffix of --output]"),
]
OutputFormat = Annotated[PlainFormat, typer.Option("--format", help="Output format.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="Write the report to this file; its suffix sets the format.", callback=_no_folder
    ),
]
# A model of the user's own.
ModelEnv = Annotated[str | None, _env(f"The environment of a model's zip: {ENV_IDS}.")]
VecNormalizeFile = Annotated[
    str | None,
    typer.Option(
        "--vec-normalize",
        help="Statistics that VecNormalize.save wrote, or none. [default: vecnormalize.pkl beside the model]",
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show everything that was checked.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print one line; as CSV, a row a run.")]


def words(option: Sequence[str] | None) -> tuple[str, ...]:
    """Return the values of a repeatable option, split at commas: ``--select ENV,SYS101``."""
    return tuple(word.strip() for value in option or () for word in value.split(",") if word.strip())


def pairs(option: Sequence[str] | None) -> tuple[str, ...]:
    """Return the ``key=value`` pairs of a repeatable option; a comma splits only before another ``key=``.

    So ``net_arch=[64,64]`` is one pair, and ``seed=1,gamma=0.9`` are two.
    """
    return tuple(
        pair.strip() for value in option or () for pair in re.split(r",(?=\s*[\w.]+\s*=)", value) if pair.strip()
    )


def env_changes(
    env: str | None, env_kwargs: Sequence[str] | None = None, max_episode_steps: int | None = None
) -> tuple[str, ...]:
    """Return ``--env``, ``--env-kwargs`` and ``--max-episode-steps`` as the changes of a recipe that they are.

    Raises:
        UsageError: An argument has no value.
    """
    # Late: --help needs neither.
    from rldoctor.environments import naming
    from rldoctor.hyperparameters import ENV_KWARGS

    changes = [f"env={naming.absolute(env)}"] if env is not None else []
    for pair in pairs(env_kwargs):
        if "=" not in pair:
            raise UsageError(f"--env-kwargs {pair!r} has no '='.", "Write it as key=value, such as size=5.")
        key, _, text = pair.partition("=")
        changes.append(f"{ENV_KWARGS}{key.strip()}={text}")
    return (*changes, *([f"max_episode_steps={max_episode_steps}"] if max_episode_steps is not None else []))


def env_arguments(env_kwargs: Sequence[str] | None, max_episode_steps: int | None) -> dict[str, Json]:
    """Return ``--env-kwargs`` and ``--max-episode-steps`` as ``rldoctor.environments.registry.make`` takes them.

    Raises:
        UsageError: An argument has no value.
    """
    from rldoctor.hyperparameters import ENV_KWARGS, parse

    changes = (change.partition("=") for change in env_changes(None, env_kwargs, max_episode_steps))
    return {key.removeprefix(ENV_KWARGS): parse(key, text.strip(), "--env-kwargs") for key, _, text in changes}
