"""The recipe of a run that rldoctor did not train: what its curves and the settings beside its logs state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rldoctor.hyperparameters import DEFAULTS, is_value
from rldoctor.model import Json, Run
from rldoctor.model.settings import Settings
from rldoctor.recipe import Recipe, recipe_from_mapping
from rldoctor.settings.library import libraries

# Settings whose value the curves hold; the others are SB3's defaults unless they are stated.
LOGGED = ("learning_rate", "clip_range")
# Whose files have Stable-Baselines3's own names.
_SB3 = "sb3"
_HINDSIGHT = "HerReplayBuffer"
# What SB3 chooses by itself.
_OWN_BUFFERS = ("ReplayBuffer", "DictReplayBuffer", "NStepReplayBuffer", _HINDSIGHT)
_POLICY = "policy_kwargs."
# A recipe has them, or SB3 sets them by itself.
_OF_POLICY = ("net_arch", "use_sde", "log_std_init")


def recipe_from_logs(run: Run, env: str) -> Recipe:
    """Return the recipe of a run without run.json: what its curves and the settings beside them state.

    Stable-Baselines3's defaults stand for the rest.

    Raises:
        UsageError: What they state cannot be trained.
    """
    stated = run.settings.stated() if run.settings is not None else {}
    entries = _entries(run.settings)
    algorithm = run.algorithm or "ppo"
    if algorithm == "td3" and _is_ddpg(entries):
        algorithm = "ddpg"
    settings = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in stated.items()
        if key in DEFAULTS[algorithm] and value not in ("adaptive", "other")
    }
    # The normal form holds what libraries have in common.
    own = {**entries, **_hindsight(entries)}
    for key in DEFAULTS[algorithm]:
        if key not in settings and key in own and is_value(own[key], key, algorithm):
            settings[key] = own[key]
    for key in LOGGED:
        curve = run.curves.get(key)
        if key in DEFAULTS[algorithm] and key not in settings and curve is not None and len(curve):
            settings[key] = float(f"{float(curve.values[0]):.4g}")
    n_envs = stated.get("n_envs", 1)
    # It names a folder.
    name = env.rpartition("/")[2] if ".py:" in env else env
    plain: dict[str, Json] = {"name": name, "env": env, "total_steps": max(run.last_step, 1), "n_envs": n_envs}
    plain["algorithm"] = algorithm
    return recipe_from_mapping({**plain, "hyperparameters": settings}, f"The settings of {run.path}")


def not_taken_over(run: Run) -> tuple[str, ...]:
    """Return what is stated beside a run's logs, changes the training and is no setting of a recipe, in a few words."""
    settings = run.settings
    return () if settings is None else tuple(dict.fromkeys(_left_out(settings, _entries(settings))))


def _left_out(settings: Settings, entries: Mapping[str, Json]) -> Iterator[str]:
    every = entries.get("train_freq")
    if isinstance(every, list) and "episode" in every:
        yield "train_freq in episodes"
    buffer = _name(entries.get("replay_buffer_class"))
    if buffer and buffer not in _OWN_BUFFERS:
        yield f"replay_buffer_class {buffer}"
    noise = _name(entries.get("action_noise.object"))
    if noise and noise != "NormalActionNoise":
        yield f"action_noise {noise}"
    for key in entries:
        name = key.removeprefix(_POLICY).partition(".")[0]
        is_ddpgs = name == "n_critics" and _is_ddpg(entries)
        if key.startswith(_POLICY) and name not in _OF_POLICY and not is_ddpgs:
            yield f"{_POLICY}{name}"
    arch = {key: value for key, value in entries.items() if key.startswith(f"{_POLICY}net_arch.")}
    if len({repr(value) for value in arch.values()}) > 1:
        yield "net_arch of the critic"
    if settings.normalize_observations or settings.normalize_rewards:
        yield "VecNormalize"


def _entries(settings: Settings | None) -> Mapping[str, Json]:
    """Return what files with Stable-Baselines3's own names state; nothing of any other library."""
    if settings is None:
        return {}
    known = next((library for library in libraries() if library.library == settings.library), None)
    is_sb3 = known is not None and _SB3 in (known.library, known.defaults_of)
    return settings.entries if is_sb3 else {}


def _is_ddpg(entries: Mapping[str, Json]) -> bool:
    """Return whether it is DDPG, which SB3 saves as a TD3 with one critic and no delay (ddpg.py)."""
    return entries.get("policy_delay") == 1 and entries.get(f"{_POLICY}n_critics") == 1


def _hindsight(entries: Mapping[str, Json]) -> dict[str, Json]:
    if _name(entries.get("replay_buffer_class")) != _HINDSIGHT:
        return {}
    found: dict[str, Json] = {"her": True}
    for key in ("n_sampled_goal", "goal_selection_strategy"):
        value = entries.get(f"replay_buffer_kwargs.{key}")
        if value is not None:
            found[f"her_{key}"] = value.lower() if isinstance(value, str) else value
    return found


def _name(value: Json) -> str:
    """Return the last part of a dotted name; empty for what is none."""
    return value.rpartition(".")[2].rstrip("'>") if isinstance(value, str) else ""
