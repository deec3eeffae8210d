"""Find the reference of a run: named by the user, identified from run.json, or recognised from the logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rldoctor import references, stats
from rldoctor.hyperparameters import DEFAULTS
from rldoctor.model import Json, Run
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.run_record import RunRecord

# Recognising an environment by its curves alone must be nearly certain: a wrong reference spoils every judgement.
_CERTAIN_ENOUGH = 0.9
_FEWEST_FEATURES = 5
_SETTINGS_IN_WORDS = 3
# Tolerance around a band's first values: widths of the band, and a fraction of its size. A band of three runs is some
# 1.5 standard deviations wide, so with the tolerance for twenty every fourth run of the same recipe would not match
# (tests/diagnosis/test_own_references.py); a project's own references are few.
_TOLERANCE, _OWN_TOLERANCE = (0.5, 0.02), (1.5, 0.05)
_OWN_CERTAIN_ENOUGH = 0.8
# No run of an environment has longer episodes than healthy runs where these reach its time limit. Ours.
_LONGER = 1.02
# What the references were recorded with.
_OWN_FRAMEWORKS = ("sb3", "plain")


@dataclass(frozen=True)
class Match:
    """A run's reference, and how it was found.

    Attributes:
        reference: ``None`` where nothing matches; general ranges are used then.
        same_recipe: Whether the settings are those of the reference too.
        why: How it was found, with the confidence where it is a guess.
        recipe: The run's own recipe, from run.json.
    """

    reference: Reference | None
    same_recipe: bool
    why: str
    recipe: Recipe | None = None


def match(run: Run, wanted: str | None = None, mine: Sequence[Reference] = ()) -> Match:
    """Find the reference of a run.

    Args:
        run: The run.
        wanted: A reference that the user named; used whether it fits or not.
        mine: The user's own references, beside the shipped ones.

    Raises:
        UsageError: The wanted reference does not exist.
    """
    own = RunRecord(run.record).recipe
    if not run.counts_steps:
        why = f"its logs count {run.step_axis}, not environment steps, so it is compared with no reference"
        return Match(None, False, why, own)
    if run.algorithm and not wanted and not any(r.recipe.algorithm == run.algorithm for r in _all(mine)):
        return Match(None, False, "no reference for its algorithm: general ranges are used", own)
    if wanted:
        named = references.named(wanted, mine)
        same = own is None or same_settings(own, named.recipe)
        return Match(named, same, "named by --reference", own)
    if own is None:
        return _recognise(run, mine)
    twin = _twin(own, mine)
    if twin is None:
        what = own.env if own.algorithm == "ppo" else f"{own.algorithm.upper()} on {own.env}"
        return Match(None, False, f"no reference for {what}: general ranges are used", own)
    same = same_settings(own, twin.recipe)
    changed = differences(own, twin.recipe)
    why = "identified from run.json"
    if not same:
        few = len(changed) <= _SETTINGS_IN_WORDS
        what = ", ".join(f"{key} {value}" for key, value in changed.items()) if few else f"{len(changed)} settings"
        why += f"; changed from the reference: {what or 'the number of steps'}"
    elif twin.recipe.partial:
        why += "; the same settings as far as the reference states them"
    return Match(twin, same, why, own)


def _all(mine: Sequence[Reference]) -> tuple[Reference, ...]:
    return (*mine, *references.shipped())


def _twin(own: Recipe, mine: Sequence[Reference]) -> Reference | None:
    """Return the reference of a recipe's environment and algorithm; ``None`` where there is none.

    A recipe derived from a reference keeps its name. Any other is compared with the slowest reference of the
    environment: what a fast recipe has reached by some step is too much to ask of others. A reference of the user's,
    made with their machine and their version of the environment, is preferred to a shipped one that fits no better.
    """

    def fit(reference: Reference) -> tuple[bool, bool, int]:
        # A setting that the reference does not state cannot differ; a reference that states all is preferred.
        recipe = reference.recipe
        return same_settings(own, recipe), not recipe.partial, -len(differences(own, recipe))

    def comparable(recipe: Recipe) -> bool:
        return recipe.env == own.env and recipe.algorithm == own.algorithm

    twins = [reference for reference in references.shipped() if reference.bands and comparable(reference.recipe)]
    best = max(
        twins,
        key=lambda twin: (twin.recipe.name == own.name, fit(twin)[0], twin.recipe.total_steps),
        default=None,
    )
    others = [reference for reference in mine if comparable(reference.recipe) and reference.bands]
    better = max(
        others, key=lambda twin: (*fit(twin), twin.recipe.name == own.name, twin.recipe.total_steps), default=None
    )
    if best is None or better is None:
        return best or better
    return better if fit(better) >= fit(best) else best


def same_settings(own: Recipe, reference: Recipe) -> bool:
    """Return whether bands of update metrics apply: same settings, and the same length where a schedule uses it."""
    schedules = (reference.setting(f"{key}_schedule") for key in ("learning_rate", "clip_range"))
    scheduled = any(schedule not in ("constant", None) for schedule in schedules)
    alike = own.algorithm == reference.algorithm and not differences(own, reference)
    return alike and (not scheduled or own.total_steps == reference.total_steps)


def differences(own: Recipe, reference: Recipe) -> dict[str, str]:
    """Return the settings that differ, each as ``there -> here``; what the reference does not state cannot differ."""
    found = {
        key: f"{_show(reference.setting(key))} -> {_show(own.setting(key))}"
        for key in DEFAULTS[reference.algorithm]
        if reference.knows(key) and own.setting(key) != reference.setting(key)
    }
    if reference.knows("n_envs") and own.n_envs != reference.n_envs:
        found["n_envs"] = f"{reference.n_envs} -> {own.n_envs}"
    return found


def _show(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _recognise(run: Run, mine: Sequence[Reference]) -> Match:
    """Return the reference that the logs resemble most, if they resemble it enough."""
    candidates = [(reference, True) for reference in mine]
    candidates += [(reference, False) for reference in references.shipped()]
    candidates = [one for one in candidates if one[0].recipe.algorithm == (run.algorithm or "ppo")]
    # Of several that fit alike the first is taken: the user's own.
    spacing, longest = _rollout_size(run), _longest(run)
    scored = [(_features(run, spacing, longest, *candidate), *candidate) for candidate in candidates]
    scored = [item for item in scored if len(item[0]) >= _FEWEST_FEATURES]
    if scored:
        features, twin, own = max(scored, key=lambda item: sum(item[0].values()) / len(item[0]))
        confidence = sum(features.values()) / len(features)
        if confidence >= (_OWN_CERTAIN_ENOUGH if own else _CERTAIN_ENOUGH):
            why = f"recognised from the logs ({confidence:.0%} of {len(features)} features agree)"
            # Other frameworks measure the same names in another way: bands of update metrics do not apply.
            return Match(twin, _measured_alike(run, twin), why)
    named = " (--reference names one)" if mine else ""
    return Match(None, False, f"no run.json, and the logs match no reference{named}: general ranges are used")


def _measured_alike(run: Run, reference: Reference) -> bool:
    framework = reference.recipe.framework
    return run.framework == framework if framework else run.framework in _OWN_FRAMEWORKS


def _features(run: Run, spacing: int | None, longest: float | None, reference: Reference, own: bool) -> dict[str, bool]:
    """Return for each feature by which a reference can be recognised whether the run has it.

    Features are what the environment and the recipe determine before anything is learned: the size of a rollout, the
    learning rate, the clip range, the episode length, whether success is logged, and the first values of return,
    entropy and standard deviation. ``spacing`` is the size of a rollout, ``longest`` the longest mean episode.

    A reference of the user's (``own``) is made of few runs, whose band at the start is narrower than what later runs
    show, and is one of a handful in the project: the tolerance is wider there, and the logger is a feature too.
    """
    if not reference.bands:
        return {}
    recipe = reference.recipe
    features: dict[str, bool] = {}
    # Off-policy algorithms log where episodes end, whatever the rollouts are.
    if spacing is not None and recipe.knows("n_envs") and not recipe.is_off_policy:
        features["rollout size"] = spacing == recipe.rollout_steps * recipe.log_interval
    for key in ("learning_rate", "clip_range"):
        curve = run.curves.get(key)
        if curve is not None and len(curve) and recipe.knows(key):
            # The first update of a linear schedule is logged one or two rollouts into it.
            features[key] = bool(abs(float(curve.values[0]) / _number(recipe.setting(key)) - 1) < 0.1)
    if own:
        features["logger"] = _measured_alike(run, reference) and reference.bands.keys() <= run.curves.keys()
    features["success is logged"] = ("success_rate" in run.curves) == ("success_rate" in reference.bands)
    if not own and longest is not None and reference.longest_episode is not None:
        features["longest episodes"] = longest <= _LONGER * reference.longest_episode
    for metric in ("episode_return", "episode_length", "entropy", "std"):
        curve, start = run.curves.get(metric), reference.starts.get(metric)
        if start is None or curve is None or not len(curve):
            continue
        low, high = start
        widths, share = _OWN_TOLERANCE if own else _TOLERANCE
        slack = widths * (high - low) + share * max(abs(low), abs(high))
        features[metric] = bool(low - slack <= curve.values[0] <= high + slack)
    return features


def _rollout_size(run: Run) -> int | None:
    for metric in ("approx_kl", "episode_return"):
        curve = run.curves.get(metric)
        if curve is not None and len(curve) > 2:
            return int(stats.median(curve.steps[1:] - curve.steps[:-1]))
    return None


def _longest(run: Run) -> float | None:
    lengths = run.curves.get("episode_length")
    return float(np.fmax.reduce(lengths.values)) if lengths is not None and len(lengths) else None


def _number(value: Json) -> float:
    return float(value) if isinstance(value, (int, float)) and value else 1.0
