"""Recipes: what to train, with which settings, and what passes.

A recipe is data (``recipe.toml``, or the ``recipe`` of a ``run.json``). A misspelt setting is an error before anything
is written, not a silent default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import structs

from rldoctor import datafile
from rldoctor.datafile import Finite, Positive, Table, Text
from rldoctor.errors import UsageError, near
from rldoctor.model import Json, Severity
from rldoctor.settings import HYPERPARAMETERS, Hyperparameters, parse

# Keys of the aggregate in evaluation.json that a criterion may name: code, title and unit.
CRITERIA: Mapping[str, tuple[str, str, str]] = {
    "success_rate": ("EVL101", "success rate", ""),
    "return_mean": ("EVL102", "mean return", ""),
    "final_distance_mean": ("EVL103", "final distance", "m"),
    "return_over_zero_action": ("EVL104", "return above the zero-action policy", ""),
    "return_over_random": ("EVL105", "return above the random policy", ""),
}


@dataclass(frozen=True)
class Criterion:
    """A passing criterion: ``observed relation threshold``, with ``>`` or ``<``; a miss has the ``severity``."""

    name: str
    relation: str
    threshold: float
    severity: Severity = Severity.ERROR

    def to_json(self) -> dict[str, Json]:
        """Return what :func:`recipe_from_mapping` reads."""
        bound: dict[str, Json] = {"above" if self.relation == ">" else "below": self.threshold}
        return bound if self.severity is Severity.ERROR else {**bound, "level": _word(self.severity)}


# How serious a miss is; off leaves the criterion out.
LEVELS: Mapping[str, Severity | None] = {"off": None, "warn": Severity.WARNING, "error": Severity.ERROR}


def _word(severity: Severity) -> str:
    return next(word for word, meant in LEVELS.items() if meant is severity)


@dataclass(frozen=True)
class Recipe:
    """What to train and what passes.

    Attributes:
        name: ``fetch_reach_dense/chapter``; the environment id for a recipe without a reference.
        env: Gymnasium id, or ``module:id``.
        total_steps: Environment steps to train for; SB3 rounds up to whole rollouts.
        n_envs: Parallel environments.
        hyperparameters: The settings that differ from SB3's defaults, keys of ``HYPERPARAMETERS``.
        log_interval: Rollouts between two points of the curves, as in ``stable_baselines3``'s ``learn``.
        criteria: Passing criteria in the order in which they are reported.
        overrides: What ``--set`` changed, recorded in ``run.json``.
        partial: Settings that are not stated are not known, rather than SB3's defaults; such a recipe was read off
            logs, and nothing can be trained by it.
        framework: What logged the runs of this recipe's bands, a key of ``checks/tags/``; SB3 where empty.
    """

    name: str
    env: str
    total_steps: int
    n_envs: int
    hyperparameters: Mapping[str, Json] = field(default_factory=dict)
    criteria: tuple[Criterion, ...] = ()
    title: str = ""
    source: str = ""
    evaluation_episodes: int = 100
    log_interval: int = 1
    overrides: Mapping[str, Json] = field(default_factory=dict)
    partial: bool = False
    framework: str = ""

    def knows(self, key: str) -> bool:
        """Tell whether the value of a setting, ``n_envs`` among them, is known."""
        return not self.partial or key in self.hyperparameters

    def setting(self, key: str) -> Json:
        """Return a hyperparameter's value: where the recipe is silent SB3's default, or ``None`` for a partial one."""
        return self.hyperparameters.get(key, None if self.partial else HYPERPARAMETERS[key])

    def to_json(self) -> dict[str, Json]:
        """Return the recipe as ``run.json`` keeps it; ``recipe_from_mapping`` reads it back."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "env": self.env,
            "algorithm": "ppo",
            "total_steps": self.total_steps,
            "n_envs": self.n_envs,
            "evaluation_episodes": self.evaluation_episodes,
            "log_interval": self.log_interval,
            "hyperparameters": dict(self.hyperparameters),
            "criteria": {c.name: c.to_json() for c in self.criteria},
            "overrides": dict(self.overrides),
            **({"partial": True} if self.partial else {}),
            **({"framework": self.framework} if self.framework else {}),
        }

    def with_overrides(self, pairs: Iterable[str]) -> Recipe:
        """Return the recipe with ``key=value`` pairs applied, each checked against type and range.

        Raises:
            UsageError: A key is unknown or a value is not of its type or outside its range.
        """
        recipe = self
        for pair in pairs:
            key, equals, text = pair.partition("=")
            key = key.strip()
            if not equals:
                raise UsageError(f"--set {pair!r} has no '='.", "Write it as key=value, such as learning_rate=1e-4.")
            value = parse(key, text.strip(), "--set")
            changed = (
                {"hyperparameters": {**recipe.hyperparameters, key: value}} if key in HYPERPARAMETERS else {key: value}
            )
            recipe = replace(recipe, overrides={**recipe.overrides, key: value}, **changed)
        _check_rollout(recipe, "--set")
        return recipe

    def with_criteria(self, pairs: Iterable[str]) -> Recipe:
        """Return the recipe with ``criterion=threshold`` and ``criterion=off|warn|error`` pairs applied.

        The relation stays as it is; a criterion that is off is left out.

        Raises:
            UsageError: The recipe has no such criterion or the threshold is not a finite number.
        """
        criteria = {criterion.name: criterion for criterion in self.criteria}
        off: set[str] = set()
        for pair in pairs:
            name, _, text = pair.partition("=")
            if name not in criteria:
                raise UsageError(f"{self.name} has no passing criterion {name!r}.", near(name, criteria))
            severity = LEVELS.get(text)
            if severity is not None:
                criteria[name] = replace(criteria[name], severity=severity)
            elif text not in LEVELS:
                threshold = datafile.check(text, Finite, "--require", name, strict=False)
                criteria[name] = replace(criteria[name], threshold=threshold)
            (off.add if text == "off" else off.discard)(name)
        return replace(self, criteria=tuple(c for c in criteria.values() if c.name not in off))


class _Bound(Table, frozen=True):
    """A criterion as a file states it: ``{ above = 0.9 }`` or ``{ below = 0.02, level = "warn" }``."""

    above: Finite | None = None
    below: Finite | None = None
    level: Literal["warn", "error"] = "error"

    def __post_init__(self) -> None:
        """Refuse two limits, or none."""
        if (self.above is None) == (self.below is None):
            raise ValueError("a criterion must be { above = number } or { below = number }")

    @property
    def limit(self) -> float:
        """The one that is given."""
        return (self.below if self.above is None else self.above) or 0.0


class _RecipeFile(Table, frozen=True):
    """What ``recipe.toml`` and the ``recipe`` of ``run.json`` may hold."""

    name: str
    env: Text
    total_steps: Positive
    n_envs: Positive | None = None
    algorithm: Literal["ppo"] = "ppo"
    title: str = ""
    source: str = ""
    evaluation_episodes: Positive = 100
    log_interval: Positive = 1
    hyperparameters: Hyperparameters = Hyperparameters()
    criteria: dict[str, _Bound] = msgspec.field(default_factory=dict)
    overrides: dict[str, Any] = msgspec.field(default_factory=dict)
    provenance: Any = None
    partial: bool = False
    framework: str = ""


def recipe_from_mapping(data: Mapping[str, Json], where: str) -> Recipe:
    """Build a recipe from the content of a ``recipe.toml`` or of ``run.json``'s ``recipe``.

    Args:
        data: The parsed file.
        where: Name of the file, for the message.

    Raises:
        UsageError: A key is missing or unknown, or a value is not of its type or outside its limits.
    """
    stated = datafile.check(data, _RecipeFile, where)
    if stated.n_envs is None and not stated.partial:
        raise UsageError(f"{where}: the key 'n_envs' is missing.")
    for name in stated.criteria:
        if name not in CRITERIA:
            raise UsageError(f"{where}: unknown key 'criteria.{name}'.", near(name, CRITERIA))
    # Only what is stated: what is not is a default, or unknown to a partial recipe.
    settings: dict[str, Json] = msgspec.to_builtins(stated.hyperparameters)
    given: Any = data.get("hyperparameters", ())
    criteria = (
        Criterion(name, "<" if bound.above is None else ">", bound.limit, LEVELS[bound.level] or Severity.ERROR)
        for name, bound in stated.criteria.items()
    )
    fields = {key: value for key, value in structs.asdict(stated).items() if key not in ("algorithm", "provenance")}
    fields |= {"n_envs": stated.n_envs or 1, "criteria": tuple(criteria)}
    recipe = Recipe(**fields | {"hyperparameters": {key: settings[key] for key in settings if key in given}})
    _check_rollout(recipe, where)
    return recipe


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe as the ``recipe.toml`` that :func:`recipe_from_mapping` reads.

    Raises:
        UsageError: The place cannot be written to.
    """
    content = recipe.to_json()
    if recipe.partial:
        # It is not known; to_json has a number for whoever computes with one.
        del content["n_envs"]
    datafile.write_toml(path, {key: value for key, value in content.items() if value != {}})


def _check_rollout(recipe: Recipe, where: str) -> None:
    if recipe.partial:
        return
    rollout = int(recipe.setting("n_steps")) * recipe.n_envs  # type: ignore[arg-type]
    batch = int(recipe.setting("batch_size"))  # type: ignore[arg-type]
    if batch > rollout:
        raise UsageError(
            f"{where}: batch_size {batch} is larger than one rollout of n_steps x n_envs = {rollout} steps.",
            f"Set batch_size to at most {rollout}.",
        )
