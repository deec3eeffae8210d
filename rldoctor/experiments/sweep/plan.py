"""What a sweep will do: its settings, its seeds, and the run directory of each trial."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldoctor import run_directory
from rldoctor.environments.engine import Engine
from rldoctor.errors import UsageError
from rldoctor.experiments.sweep.spec import MOST_TRIALS, SweepSpec
from rldoctor.experiments.trial import Trial
from rldoctor.hyperparameters import DEFAULTS, ENV_KWARGS
from rldoctor.model import Json
from rldoctor.recipe import Recipe

SWEEPS = "sweeps"
# Of a name in the file system; longer ones are cut and get a digest.
_LONGEST_NAME = 120


@dataclass(frozen=True, eq=False)
class Setting:
    """One way to train: the recipe with some settings changed.

    Attributes:
        name: The varied settings, such as ``clip_range=0.1``; the recipe's name where nothing is varied.
        changes: The varied settings and their values.
        recipe: With the changes made.
        folder: Where its runs are, below the folder of the recipe: named by all that differs from the reference.
    """

    name: str
    changes: Mapping[str, Json]
    recipe: Recipe
    folder: str


@dataclass(frozen=True, eq=False)
class SweepTrial(Trial):
    """One training of a sweep, with one of its settings."""

    setting: Setting

    @property
    def name(self) -> str:
        """Setting and seed in words."""
        return f"{self.setting.name} seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """A sweep before it begins.

    Attributes:
        name: Of its reports: the varied keys, or ``seeds`` if only seeds differ.
        folder: Holds the trials of this recipe, whichever sweep they were trained for, and the reports.
        settings: In order; ``baseline`` is one of them.
        baseline: What the others are compared with.
        trials: Setting by setting, seed by seed.
    """

    name: str
    folder: Path
    settings: tuple[Setting, ...]
    baseline: Setting
    trials: tuple[SweepTrial, ...]


def make_plan(spec: SweepSpec, recipe: Recipe, out: Path) -> Plan:
    """Make the plan of a sweep of ``recipe``, that of ``spec.reference``, below the folder of runs ``out``.

    Raises:
        UsageError: A setting or a value is not valid, or there would be too many trials.
    """
    if not spec.seeds:
        raise UsageError("The sweep has no seed.", "Write --seeds 0-4.")
    count = len(spec.seeds)
    for values in spec.vary.values():
        count *= max(1, len(values))
    if count > MOST_TRIALS:
        raise UsageError(f"That would be {count:,} trainings.", f"A sweep has at most {MOST_TRIALS:,}.")
    base = _changed(recipe, spec.changes)
    settings = tuple(_setting(recipe, base, pairs, spec) for pairs in _combinations(spec, base))
    names = [setting.name for setting in settings]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"The setting {twice} is listed twice.", "Leave one of them out.")
    folder = run_directory.place(out / SWEEPS, recipe, "x").parent
    trials = tuple(
        SweepTrial(setting.recipe, seed, folder / setting.folder / f"seed-{seed}", setting, engine=spec.engine)
        for setting in settings
        for seed in spec.seeds
    )
    name = _short("-".join(spec.vary) or "seeds")
    return Plan(name, folder, settings, _baseline(settings, base, spec), trials)


def trials_of(recipe: Recipe, seeds: Sequence[int], runs: Path) -> list[SweepTrial]:
    """Return a trial of the unchanged recipe for each seed, in the directories of ``rldoctor train``."""
    setting = Setting(recipe.name, {}, recipe, "")
    return [SweepTrial(recipe, seed, run_directory.place(runs, recipe, f"seed-{seed}"), setting) for seed in seeds]


def _combinations(spec: SweepSpec, base: Recipe) -> list[dict[str, str]]:
    for key, values in spec.vary.items():
        if not values:
            raise UsageError(f"--vary {key} has no value.", f"Write it as {key}=0.1,0.2.")
    if not spec.each:
        return [dict(zip(spec.vary, row, strict=True)) for row in itertools.product(*spec.vary.values())]
    alone = [{key: value} for key, values in spec.vary.items() for value in values]
    # The recipe itself, which each change is compared with, is there once.
    return [{}, *(pairs for pairs in alone if not _same(_changed(base, _texts(pairs)), base))]


def _texts(pairs: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in pairs.items()]


def _same(one: Recipe, other: Recipe) -> bool:
    keys = {
        "env",
        "env_kwargs",
        "max_episode_steps",
        "total_steps",
        "n_envs",
        *one.hyperparameters,
        *other.hyperparameters,
    }
    return all(_value(one, key) == _value(other, key) for key in keys)


def _changed(recipe: Recipe, pairs: Sequence[str]) -> Recipe:
    """Return the recipe with the pairs that change something: a value that it has already is no change."""
    changed = recipe.with_overrides(pairs)
    keys = [pair.partition("=")[0].strip() for pair in pairs]
    return recipe.with_overrides(
        [pair for pair, key in zip(pairs, keys, strict=True) if _value(recipe, key) != _value(changed, key)]
    )


def _value(recipe: Recipe, key: str) -> Json:
    if key.startswith(ENV_KWARGS):
        argument: Json = recipe.env_kwargs.get(key.removeprefix(ENV_KWARGS))
        return argument
    value: Json = recipe.setting(key) if key in DEFAULTS[recipe.algorithm] else getattr(recipe, key)
    return value


def _setting(reference: Recipe, base: Recipe, pairs: Mapping[str, str], spec: SweepSpec) -> Setting:
    texts = _texts(pairs)
    values = base.with_overrides(texts).overrides
    recipe = _changed(base, texts)
    changes = {key: values[key] for key in pairs}
    name = ", ".join(_pair(key, value) for key, value in changes.items()) or recipe.name
    differing = {
        key: value for key, value in sorted(recipe.overrides.items()) if key != "env" or recipe.env != reference.env
    }
    folder = ",".join(_pair(key, value) for key, value in differing.items()) or "recipe"
    if spec.engine is not Engine.GYMNASIUM:
        folder += f",engine={spec.engine}"
    return Setting(name, changes, recipe, _short(folder))


def _pair(key: str, value: Json) -> str:
    return f"{key}={str(value).replace(' ', '')}"


def _short(name: str) -> str:
    """Return a name that every file system accepts, and that no other name is shortened to."""
    plain = re.sub(r"[^A-Za-z0-9.,=_\[\]+-]", "_", name)
    if len(plain) <= _LONGEST_NAME and plain == name:
        return plain
    return f"{plain[:_LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _baseline(settings: Sequence[Setting], base: Recipe, spec: SweepSpec) -> Setting:
    if not spec.baseline:
        return next((setting for setting in settings if _same(setting.recipe, base)), settings[0])
    baseline = base.with_overrides(spec.baseline)
    if spec.each and _same(baseline, base):
        return settings[0]
    for setting in settings:
        if all(baseline.overrides[key] == value for key, value in setting.changes.items() if key in baseline.overrides):
            keys = {pair.partition("=")[0].strip() for pair in spec.baseline}
            if keys <= set(setting.changes):
                return setting
    raise UsageError(
        f"The sweep has no setting {', '.join(spec.baseline)} to be its baseline.",
        f"Name one of these: {'; '.join(setting.name for setting in settings[:8])}.",
    )
