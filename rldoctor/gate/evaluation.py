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
    """What an evaluation says of a policy: of a run directory, or of a model of the user's own.

    Attributes:
        path: The run directory, or the model's file.
        env: Name of the environment.
        recipe: What it was trained with; ``None`` for a model.
        seed: Of the training; ``None`` where it is not stated.
        numbers: The aggregate, such as ``success_rate``, and what an audit measured.
        baselines: The aggregates of the zero-action and the random policy.
        episodes: One mapping for each episode.
    """

    path: Path
    env: str
    recipe: Recipe | None
    seed: int | None
    numbers: Mapping[str, Json]
    baselines: Mapping[str, Json]
    episodes: tuple[Mapping[str, Json], ...]

    @property
    def recipe_name(self) -> str:
        """Name of the recipe; empty for a model."""
        return self.recipe.name if self.recipe else ""

    def number(self, name: str) -> float | None:
        """Return a number of the aggregate, ``None`` where it was not measured."""
        return as_number(self.numbers.get(name))


def is_model(path: Path) -> bool:
    """Return whether a path is the file of a model, not the directory of a run."""
    return path.suffix == ".zip" and not path.is_dir()


def read_evaluation(path: Path) -> Evaluation:
    """Read the evaluation of a run directory, or of a model's file.

    Raises:
        UsageError: The directory does not exist.
        CannotJudge: A file is missing or not one of ours; the evaluation is empty, of another environment or policy, or
            training has gone on since.
    """
    if is_model(path):
        return _read_model(path)
    run_directory.require(path)
    record = read_run_record(path)
    recipe = record.require_recipe(path)
    content = run_directory.read_json(path / run_directory.EVALUATION_FILE, "an evaluation")
    episodes = _check_belongs(path, content, recipe)
    numbers = _numbers(content, path / run_directory.AUDIT_FILE)
    return Evaluation(path, recipe.env, recipe, record.seed, numbers, json_table(content, "baselines"), episodes)


def _read_model(path: Path) -> Evaluation:
    again = f"Run: rldoctor evaluate {path} --env ENV"
    if not path.is_file():
        raise CannotJudge(f"There is no model {path}.", "Name the file that model.save(file) wrote.")
    file = run_directory.beside(path, run_directory.EVALUATION_FILE)
    if not file.exists():
        raise CannotJudge(f"The model {path} has not been evaluated yet.", again)
    content = run_directory.read_json(file, "an evaluation")
    episodes = _episodes(content, file, again)
    if run_directory.file_hash(path) != json_table(content, "policy").get("sha256"):
        raise CannotJudge(f"The evaluation is stale: {path} has changed since.", again)
    numbers = _numbers(content, run_directory.beside(path, run_directory.AUDIT_FILE))
    env = content.get("env")
    baselines = json_table(content, "baselines")
    return Evaluation(path, env if isinstance(env, str) else "", None, None, numbers, baselines, episodes)


def _numbers(evaluation: Mapping[str, Json], audit: Path) -> Mapping[str, Json]:
    """Return the aggregate of an evaluation, and what an audit of the same policy measured."""
    numbers = json_table(evaluation, "aggregate")
    if not audit.exists():
        return numbers
    content = run_directory.read_json(audit, "an audit")
    same = json_table(content, "policy").get("sha256") == json_table(evaluation, "policy").get("sha256")
    return {**numbers, **json_table(content, "kept")} if same else numbers


def _check_belongs(directory: Path, content: Mapping[str, Json], trained: Recipe) -> tuple[Mapping[str, Json], ...]:
    """Refuse an evaluation that is empty, of another policy or environment, or older than the policy.

    Returns:
        Its episodes.

    Raises:
        CannotJudge: With the reason.
    """
    again = f"Run: rldoctor evaluate {directory}"
    episodes = _episodes(content, directory / run_directory.EVALUATION_FILE, again)
    if content.get("env") != trained.env:
        raise CannotJudge(f"The evaluation is of {content.get('env')}, the run was trained on {trained.env}.", again)
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
    return episodes


def _episodes(content: Mapping[str, Json], file: Path, again: str) -> tuple[Mapping[str, Json], ...]:
    if content.get("rldoctor_evaluation") != 1:
        raise CannotJudge(f"{file} was not written by rldoctor.", again)
    episodes = content.get("episodes")
    if not isinstance(episodes, list) or not episodes:
        raise CannotJudge("The evaluation holds no episode.", again)
    return tuple(episode for episode in episodes if isinstance(episode, Mapping))
