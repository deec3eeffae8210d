"""Recipes: what to train, with which settings, and what passes.

A recipe is data (``recipe.toml``, or the ``recipe`` of a ``run.json``); this module checks it key by key, so that a
misspelt setting is an error before anything is written rather than a default that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from rldoctor.errors import UsageError, near
from rldoctor.model import Json, Severity
from rldoctor.settings import HYPERPARAMETERS, check, number_of, parse, whole

# Keys of evaluation.json's aggregate that a criterion may name, with the word a reader sees and the unit.
CRITERIA: Mapping[str, tuple[str, str, str]] = {
    "success_rate": ("EVL101", "success rate", ""),
    "return_mean": ("EVL102", "mean return", ""),
    "final_distance_mean": ("EVL103", "final distance", "m"),
    "return_over_zero_action": ("EVL104", "return above the zero-action policy", ""),
    "return_over_random": ("EVL105", "return above the random policy", ""),
}


@dataclass(frozen=True)
class Criterion:
    """``observed relation threshold`` must hold; ``relation`` is ``>`` or ``<``; ``severity`` is what it is if not."""

    name: str
    relation: str
    threshold: float
    severity: Severity = Severity.ERROR

    def to_json(self) -> dict[str, Json]:
        """Return what :func:`recipe_from_mapping` reads."""
        bound: dict[str, Json] = {"above" if self.relation == ">" else "below": self.threshold}
        return bound if self.severity is Severity.ERROR else {**bound, "level": _word(self.severity)}


# How serious it is where a criterion does not hold; off leaves it out.
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
        return self.hyperparameters.get(key, None if self.partial else HYPERPARAMETERS[key].default)

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
            overrides = {**recipe.overrides, key: value}
            if key in HYPERPARAMETERS:
                settings = {**recipe.hyperparameters, key: value}
                recipe = replace(recipe, hyperparameters=settings, overrides=overrides)
            elif key == "env":
                recipe = replace(recipe, env=str(value), overrides=overrides)
            elif isinstance(value, int):
                recipe = (
                    replace(recipe, total_steps=value, overrides=overrides)
                    if key == "total_steps"
                    else replace(recipe, n_envs=value, overrides=overrides)
                )
        _check_rollout(recipe, "--set")
        return recipe

    def with_criteria(self, pairs: Iterable[str]) -> Recipe:
        """Return the recipe with ``criterion=threshold`` and ``criterion=off|warn|error`` pairs applied.

        The relation stays as it is; a criterion that is off is left out.

        Raises:
            UsageError: The recipe has no such criterion or the threshold is no finite number.
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
                criteria[name] = replace(criteria[name], threshold=number_of(name, text, "--require"))
            (off.add if text == "off" else off.discard)(name)
        return replace(self, criteria=tuple(c for c in criteria.values() if c.name not in off))


def recipe_from_mapping(data: Mapping[str, Json], where: str) -> Recipe:
    """Build a recipe from the content of a ``recipe.toml`` or of ``run.json``'s ``recipe``.

    Args:
        data: The parsed file.
        where: Name of the file, for the message.

    Raises:
        UsageError: A key is missing or unknown, or a value is not of its type or outside its range.
    """
    known = {"name", "title", "source", "env", "algorithm", "total_steps", "n_envs", "hyperparameters"}
    known |= {"criteria", "evaluation_episodes", "log_interval", "overrides", "provenance"}
    known |= {"partial", "framework"}
    for key in data:
        if key not in known:
            raise UsageError(f"{where}: unknown key {key!r}.", near(key, known))
    for key in ("name", "env", "total_steps", "n_envs"):
        if key not in data and not (key == "n_envs" and data.get("partial") is True):
            raise UsageError(f"{where}: the key {key!r} is missing.")
    if data.get("algorithm", "ppo") != "ppo":
        raise UsageError(f"{where}: algorithm {data['algorithm']!r} is not known.", "This version trains ppo.")
    partial = data.get("partial", False)
    if not isinstance(partial, bool):
        raise UsageError(f"{where}: partial = {partial!r} must be true or false.")
    settings = _table(data, "hyperparameters", where)
    checked = {key: check(key, value, where) for key, value in settings.items()}
    recipe = Recipe(
        name=str(data["name"]),
        env=str(check("env", data["env"], where)),
        total_steps=whole("total_steps", data["total_steps"], where),
        n_envs=whole("n_envs", data.get("n_envs", 1), where),
        hyperparameters=checked,
        criteria=tuple(_criterion(name, value, where) for name, value in _table(data, "criteria", where).items()),
        title=str(data.get("title", "")),
        source=str(data.get("source", "")),
        evaluation_episodes=whole("evaluation_episodes", data.get("evaluation_episodes", 100), where),
        log_interval=whole("log_interval", data.get("log_interval", 1), where),
        overrides=_table(data, "overrides", where),
        partial=partial,
        framework=str(data.get("framework", "")),
    )
    _check_rollout(recipe, where)
    return recipe


def _table(data: Mapping[str, Json], key: str, where: str) -> Mapping[str, Json]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: {key} must be a table.")
    return value


def _criterion(name: str, value: Json, where: str) -> Criterion:
    if name not in CRITERIA:
        raise UsageError(f"{where}: unknown criterion {name!r}.", near(name, CRITERIA))
    bound = {key: number for key, number in value.items() if key != "level"} if isinstance(value, Mapping) else {}
    if not isinstance(value, Mapping) or len(bound) != 1 or next(iter(bound)) not in ("above", "below"):
        raise UsageError(f"{where}: criterion {name!r} must be {{ above = number }} or {{ below = number }}.")
    level = value.get("level", "error")
    severity = LEVELS.get(level) if isinstance(level, str) else None
    if severity is None:
        raise UsageError(f"{where}: the level of criterion {name!r} must be 'warn' or 'error'.", "Or leave it out.")
    (word, threshold), *_ = bound.items()
    return Criterion(name, ">" if word == "above" else "<", number_of(name, threshold, where), severity)


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
