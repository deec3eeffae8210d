"""Read the evaluation of a run, and refuse one that is incomplete, stale or of another run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rldoctor import run_directory
from rldoctor.errors import CannotJudge
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_record import as_number, json_table, read_run_record


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluation.json`` says of the policy in a run directory.

    Attributes:
        directory: The run.
        recipe: What it was trained with.
        seed: Of the training; ``None`` where ``run.json`` does not say.
        numbers: The aggregate, such as ``success_rate``.
        baselines: The aggregates of the zero-action and the random policy.
        episodes: One mapping for each episode.
    """

    directory: Path
    recipe: Recipe
    seed: int | None
    numbers: Mapping[str, Json]
    baselines: Mapping[str, Json]
    episodes: tuple[Mapping[str, Json], ...]

    def number(self, name: str) -> float | None:
        """Return a number of the aggregate, ``None`` where it was not measured."""
        return as_number(self.numbers.get(name))


def read_evaluation(directory: Path) -> Evaluation:
    """Read the evaluation of a run.

    Raises:
        UsageError: The directory does not exist.
        CannotJudge: A file is missing or not one of ours; the evaluation is empty, of another environment or policy, or
            training has gone on since.
    """
    run_directory.require(directory)
    record = read_run_record(directory)
    recipe = record.require_recipe(directory)
    content = run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    episodes = _check_belongs(directory, content, recipe)
    numbers, baselines = json_table(content, "aggregate"), json_table(content, "baselines")
    return Evaluation(directory, recipe, record.seed, numbers, baselines, episodes)


def _check_belongs(directory: Path, content: Mapping[str, Json], trained: Recipe) -> tuple[Mapping[str, Json], ...]:
    """Refuse an evaluation that is empty, of another policy or environment, or older than the policy.

    Returns:
        Its episodes.

    Raises:
        CannotJudge: With the reason.
    """
    again = f"Run: rldoctor evaluate {directory}"
    if content.get("rldoctor_evaluation") != 1:
        raise CannotJudge(f"{directory}/evaluation.json was not written by rldoctor.", again)
    if content.get("env") != trained.env:
        raise CannotJudge(f"The evaluation is of {content.get('env')}, the run was trained on {trained.env}.", again)
    episodes = content.get("episodes")
    if not isinstance(episodes, list) or not episodes:
        raise CannotJudge("The evaluation holds no episode.", again)
    policy = json_table(content, "policy")
    file = str(policy.get("file", ""))
    # The name comes from a file that may be a stranger's: it must not lead out of the run directory.
    path = directory / file
    try:
        if not file or not path.resolve().is_relative_to(directory.resolve()):
            raise CannotJudge("The evaluation does not say which policy it judged.", again)
        if not path.is_file():
            raise CannotJudge(f"The policy that was evaluated, {file}, is gone.", again)
        same = run_directory.file_hash(path) == policy.get("sha256")
    except (OSError, ValueError) as error:
        raise CannotJudge(f"The policy that was evaluated cannot be read: {error}.", again) from None
    if not same:
        raise CannotJudge(f"The evaluation is stale: {file} has changed since.", again)
    if path.resolve() != run_directory.find_policy(directory).resolve():
        raise CannotJudge(f"The evaluation is stale: it judged {file}, and training has gone on since.", again)
    return tuple(episode for episode in episodes if isinstance(episode, Mapping))
