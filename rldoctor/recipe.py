"""Recipes: what to train, with which settings, and what passes.

A recipe is data (``recipe.toml``, or the ``recipe`` of a ``run.json``). A misspelt setting is an error before anything
is written, not a silent default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import field
from msgspec.structs import replace

from rldoctor import datafile
from rldoctor.datafile import Finite, Positive, Table, Text
from rldoctor.errors import UsageError, near
from rldoctor.hyperparameters import ALGORITHMS, DEFAULTS, ENV_KWARGS, OFF_POLICY, AlgorithmName, parse
from rldoctor.model import Json, Severity

# Keys of the aggregate in evaluation.json that a criterion may name: code, title and unit.
CRITERIA: Mapping[str, tuple[str, str, str]] = {
    "success_rate": ("EVL101", "success rate", ""),
    "return_mean": ("EVL102", "mean return", ""),
    "final_distance_mean": ("EVL103", "final distance", "m"),
    "return_over_zero_action": ("EVL104", "return above the zero-action policy", ""),
    "return_over_random": ("EVL105", "return above the random policy", ""),
}
# What an audit measures of each perturbation: the share of the gain that is kept.
AUDIT_CRITERIA: Mapping[str, tuple[str, str, str]] = {
    "kept_action_delay": ("EVL601", "actions one step late", ""),
    "kept_observation_noise": ("EVL602", "noisy observations", ""),
    "kept_dropped_steps": ("EVL603", "one action in ten lost", ""),
    "kept_jittered_steps": ("EVL604", "one action in ten held twice as long", ""),
    "kept_other_seeds": ("EVL605", "other seeds", ""),
    "kept_stochastic": ("EVL606", "stochastic actions", ""),
    "kept_unnormalised": ("EVL607", "without its normalisation", ""),
}
ALL_CRITERIA: Mapping[str, tuple[str, str, str]] = {
    **CRITERIA,
    **{name: (code, f"gain kept: {title}", unit) for name, (code, title, unit) in AUDIT_CRITERIA.items()},
}

# How serious a miss is; off leaves the criterion out.
LEVELS: Mapping[str, Severity | None] = {"off": None, "warn": Severity.WARNING, "error": Severity.ERROR}


class Criterion(Table, frozen=True, omit_defaults=True):
    """A passing criterion: ``{ above = 0.9 }`` or ``{ below = 0.02, level = "warn" }``."""

    above: Finite | None = None
    below: Finite | None = None
    level: Literal["warn", "error"] = "error"

    def __post_init__(self) -> None:
        """Refuse two limits, or none."""
        if (self.above is None) == (self.below is None):
            raise ValueError("a criterion must be { above = number } or { below = number }")

    @property
    def relation(self) -> str:
        """``>`` or ``<``, of what was observed to the threshold."""
        return "<" if self.above is None else ">"

    @property
    def threshold(self) -> float:
        """The limit that is given."""
        return (self.below if self.above is None else self.above) or 0.0

    @property
    def severity(self) -> Severity:
        """How serious a miss is."""
        return LEVELS[self.level] or Severity.ERROR


_HIGHER, _LOWER = Criterion(above=0.0), Criterion(below=0.0)
_LESS_IS_BETTER = ("final_distance_mean",)


class Recipe(Table, frozen=True):
    """What to train and what passes: ``recipe.toml``, and the ``recipe`` of ``run.json``.

    Attributes:
        name: ``fetch_reach_dense/chapter``; the environment id for a recipe without a reference.
        env: Gymnasium id, ``module:id``, ``module:Class`` or ``path/to/file.py:Class``.
        total_steps: Environment steps to train for; SB3 rounds up to whole rollouts.
        n_envs: Parallel environments.
        hyperparameters: The settings that differ from SB3's defaults for the algorithm, keys of ``DEFAULTS``.
        criteria: Passing criteria by name, in the order in which they are reported.
        title: What it is, in a line.
        source: Where it comes from.
        evaluation_episodes: Episodes that ``rldoctor evaluate`` plays by default.
        log_interval: Rollouts, for off-policy algorithms episodes, between two points of the curves, as in
            ``stable_baselines3``'s ``learn``.
        overrides: What ``--set`` changed, recorded in ``run.json``.
        partial: Settings that are not stated are unknown, rather than SB3's defaults; such a recipe was read from logs
            and cannot be trained.
        framework: What logged the runs of this recipe's bands, a key of ``checks/tags/``; SB3 where empty.
        algorithm: What trains it, a key of ``ALGORITHMS``.
        provenance: How the numbers were found; for readers of the file.
        env_kwargs: Arguments of the environment's constructor.
        max_episode_steps: Time limit of an episode in steps; the one that the environment is registered with, if any,
            where it is ``None``.
    """

    name: str
    env: Text
    total_steps: Positive
    n_envs: Positive = 1
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    criteria: dict[str, Criterion] = field(default_factory=dict)
    title: str = ""
    source: str = ""
    evaluation_episodes: Positive = 100
    log_interval: Positive = 1
    overrides: dict[str, Any] = field(default_factory=dict)
    partial: bool = False
    framework: str = ""
    algorithm: AlgorithmName = "ppo"
    provenance: Any = None
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    max_episode_steps: Positive | None = None

    @property
    def env_arguments(self) -> dict[str, Any]:
        """What ``rldoctor.environments.registry.make`` is given besides the name."""
        limit = {} if self.max_episode_steps is None else {"max_episode_steps": self.max_episode_steps}
        return {**self.env_kwargs, **limit}

    def knows(self, key: str) -> bool:
        """Return whether the value of a setting, ``n_envs`` included, is known."""
        return key in self.hyperparameters or (
            not self.partial and (key == "n_envs" or key in DEFAULTS[self.algorithm])
        )

    def setting(self, key: str) -> Json:
        """Return a hyperparameter; SB3's default where the recipe states none.

        ``None`` where a partial recipe states none, and for one that the algorithm does not have.
        """
        value: Json = self.hyperparameters.get(key, None if self.partial else DEFAULTS[self.algorithm].get(key))
        return value

    @property
    def is_off_policy(self) -> bool:
        """Whether its algorithm learns from a replay buffer."""
        return self.algorithm in OFF_POLICY

    @property
    def rollout_steps(self) -> int:
        """Environment steps between two updates, over all environments; 0 for a partial recipe that does not say."""
        steps = self.setting(ALGORITHMS[self.algorithm].ROLLOUT)
        return steps * self.n_envs if isinstance(steps, int) else 0

    def to_json(self) -> dict[str, Json]:
        """Return the recipe as ``run.json`` keeps it; ``recipe_from_mapping`` reads it back."""
        content: dict[str, Json] = msgspec.to_builtins(self)
        rare = ("partial", "framework", "provenance", "env_kwargs", "max_episode_steps")
        return {key: value for key, value in content.items() if value or key not in rare}

    def with_overrides(self, pairs: Iterable[str]) -> Recipe:
        """Return the recipe with ``key=value`` pairs applied, each checked against its type and limits.

        ``env_kwargs.size=5`` changes one argument of the environment's constructor. Another ``env`` starts without
        arguments, time limit and criteria: the recipe's own belong to the environment that it names. Another
        ``algorithm`` starts with its own defaults.

        Raises:
            UsageError: A key is unknown, or a value is not of its type or outside its limits.
        """
        recipe = self
        # Environment and algorithm first: their arguments and settings may be among the pairs.
        for pair in sorted(pairs, key=lambda pair: pair.partition("=")[0].strip() not in ("env", "algorithm")):
            key, equals, text = pair.partition("=")
            key = key.strip()
            if not equals:
                raise UsageError(f"--set {pair!r} has no '='.", "Write it as key=value, such as learning_rate=1e-4.")
            value = parse(key, text.strip(), "--set", recipe.algorithm)
            changed: dict[str, Any] = {key: value}
            if key in DEFAULTS[recipe.algorithm]:
                changed = {"hyperparameters": {**recipe.hyperparameters, key: value}}
            elif key.startswith(ENV_KWARGS):
                changed = {"env_kwargs": {**recipe.env_kwargs, key.removeprefix(ENV_KWARGS): value}}
            elif key == "env" and value != recipe.env:
                # What passes on one environment says nothing of another.
                changed |= {"env_kwargs": {}, "max_episode_steps": None, "criteria": {}}
            elif key == "algorithm" and value != recipe.algorithm:
                changed |= {"hyperparameters": {}}
            recipe = replace(recipe, overrides={**recipe.overrides, key: value}, **changed)
        _check_settings(recipe, "--set")
        return recipe

    def with_criteria(self, pairs: Iterable[str]) -> Recipe:
        """Return the recipe with ``criterion=threshold`` and ``criterion=off|warn|error`` pairs applied.

        Raises:
            UsageError: As :func:`changed_criteria`.
        """
        return replace(self, criteria=changed_criteria(self.criteria, pairs, self.name))


def changed_criteria(criteria: Mapping[str, Criterion], pairs: Iterable[str], whose: str = "") -> dict[str, Criterion]:
    """Return criteria with ``criterion=threshold`` and ``criterion=off|warn|error`` pairs applied.

    The relation stays as it is; a criterion that is off is left out, and one that was not there is added if it gets a
    threshold.

    Args:
        criteria: By name.
        pairs: Changes.
        whose: Name of the recipe, for the message.

    Raises:
        UsageError: There is no such criterion, or the threshold is not a finite number.
    """
    changed, off = dict(criteria), set[str]()
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in changed and (name not in ALL_CRITERIA or text in LEVELS):
            raise UsageError(
                f"{whose or 'The gate'} has no passing criterion {name!r}.", near(name, {*ALL_CRITERIA, *changed})
            )
        if text not in LEVELS:
            threshold = datafile.check(text, Finite, "--require", name, strict=False)
            before = changed.get(name, _LOWER if name in _LESS_IS_BETTER else _HIGHER)
            side = "below" if before.above is None else "above"
            changed[name] = replace(before, **{side: threshold})
        elif text != "off":
            changed[name] = replace(changed[name], level=text)
        (off.add if text == "off" else off.discard)(name)
    return {name: kept for name, kept in changed.items() if name not in off}


def recipe_from_mapping(data: Mapping[str, Json], where: str) -> Recipe:
    """Build a recipe from the content of a ``recipe.toml`` or of ``run.json``'s ``recipe``.

    Args:
        data: The parsed file.
        where: Name of the file, for the message.

    Raises:
        UsageError: A key is missing or unknown, or a value is not of its type or outside its limits.
    """
    recipe = datafile.check(data, Recipe, where)
    if "n_envs" not in data and not recipe.partial:
        raise UsageError(f"{where}: the key 'n_envs' is missing.")
    for name in recipe.criteria:
        if name not in ALL_CRITERIA:
            raise UsageError(f"{where}: unknown key 'criteria.{name}'.", near(name, ALL_CRITERIA))
    kind = ALGORITHMS[recipe.algorithm]
    settings = msgspec.to_builtins(datafile.check(recipe.hyperparameters, kind, where, "hyperparameters"))
    # Only what is stated: what is not is a default, or unknown to a partial recipe.
    recipe = replace(recipe, hyperparameters={key: settings[key] for key in recipe.hyperparameters})
    _check_settings(recipe, where)
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


def _check_settings(recipe: Recipe, where: str) -> None:
    if recipe.partial:
        return
    misfit = msgspec.convert(recipe.hyperparameters, ALGORITHMS[recipe.algorithm]).misfit(recipe.n_envs)
    if misfit is not None:
        raise UsageError(f"{where}: {misfit[0]}", misfit[1])
