"""The audit of a policy: how much of its gain it keeps under what a machine or another day does to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import torch

from rldoctor import datafile, machine, run_directory
from rldoctor.datafile import Finite, Table, Text
from rldoctor.environments.rollouts import Env, Episode, random_action, roll_out, zero_action
from rldoctor.errors import UsageError
from rldoctor.model import AuditResult, Finding, Json, PerturbationResult, Severity, Unjudged, verdict_of_findings
from rldoctor.model import Verdict as _Verdict
from rldoctor.recipe import AUDIT_CRITERIA
from rldoctor.stats import Share, bootstrap_share
from rldoctor.training.evaluate import play, playing
from rldoctor.training.perturbations import (
    ActionDelay,
    DroppedSteps,
    JitteredSteps,
    ObservationNoise,
    Spread,
    SpreadRecorder,
    Wrap,
)
from rldoctor.training.players import Player

EPISODES = 20
"""Of each perturbation: an interval of about a tenth of the gain where returns vary by a fifth of it."""
# Evaluation episodes have seeds 0..N-1 and training ones begin at 1,000,000 (rldoctor.environments.vec_envs).
_OTHER_SEEDS = 500_000
NOMINAL = "nominal"
AuditWatcher = Callable[[str, int, int], None]
"""Called with what is being played, how many of these episodes are done, and how many there are."""


class Perturbation(Table, frozen=True):
    """What is done to a policy: see the comments in ``checks/audit.toml``."""

    what: Text
    remedy: Text
    source: Text
    level: Finite = 0.0
    warn_below: Finite | None = None


@cache
def perturbations() -> dict[str, Perturbation]:
    """Return the shipped perturbations by name.

    Raises:
        UsageError: The file is not valid.
    """
    return datafile.load(datafile.folder("checks") / "audit.toml", dict[str, Perturbation])


def audit(
    player: Player,
    path: str,
    *,
    episodes: int = EPISODES,
    film: Path | None = None,
    watcher: AuditWatcher | None = None,
) -> AuditResult:
    """Play a policy as it is and under each perturbation.

    What was kept is written beside the policy, as ``audit.json`` of a run or ``<model>.audit.json``, which
    ``rldoctor gate`` reads; of a model in Python nothing is written.

    Args:
        player: The policy and its environment.
        path: What the result is called.
        episodes: Of each perturbation, at least 2; seeds 0..N-1, but for the other seeds.
        film: Film the worst of all episodes to this file.
        watcher: Notified of progress.

    Raises:
        UsageError: ``episodes`` is too small, or the film cannot be written.
        TrainingFailed: The environment raised while being played.
    """
    if episodes < 2:
        raise UsageError(f"{episodes} episodes have no spread.", "Ask for at least 2.")
    seeds = range(episodes)
    watch = watcher or (lambda what, done, total: None)
    recorder = SpreadRecorder()
    with playing(player, "audit"):
        floors = {name: _baseline(player, seeds, name, watch) for name in ("zero_action", "random")}
        better = max(floors, key=lambda name: _mean(floors[name]))
        floor = floors[better]
        nominal = play(player, seeds, lambda done: watch("as it is", done, episodes), wrap=recorder.wrap)
        played = dict(_perturbed(player, seeds, recorder.spread, watch))
        # Other episodes may be harder or easier: for every policy.
        elsewhere = {"other_seeds": _baseline(player, _elsewhere(seeds), better, watch)}
    rows = [_row(NOMINAL, nominal, nominal, floor)]
    rows += [_row(name, part, nominal, floor, elsewhere.get(name)) for name, part in played.items()]
    result = _result(player, path, rows, floor)
    if film is not None:
        _film_worst(player, rows, recorder.spread, film)
        result = replace(result, film=str(film))
    _write(player, result)
    return result


def _baseline(player: Player, seeds: Sequence[int], name: str, watch: AuditWatcher) -> list[Episode]:
    probe = player.make_env()
    space = probe.action_space
    probe.close()
    act = zero_action(space) if name == "zero_action" else random_action(space)
    return roll_out(player.make_env, act, seeds, lambda done: watch("baselines", done, len(seeds)), lanes=1)


def wrapper_of(name: str, spread: Spread) -> Wrap:
    """Return what a perturbation does to an environment; nothing for one that is about seeds or the policy."""
    level = perturbations()[name].level if name in perturbations() else 0.0
    wrappers: dict[str, Wrap] = {
        "action_delay": lambda env: ActionDelay(env, int(level)),
        "observation_noise": lambda env: ObservationNoise(env, spread, level),
        "dropped_steps": lambda env: DroppedSteps(env, level),
        "jittered_steps": lambda env: JitteredSteps(env, level),
    }
    return wrappers.get(name, _as_it_is)


def _as_it_is(env: Env) -> Env:
    return env


def _perturbed(
    player: Player, seeds: Sequence[int], spread: Spread, watch: AuditWatcher
) -> Iterator[tuple[str, list[Episode]]]:
    """Yield each perturbation that applies to this policy, and its episodes."""
    for name in perturbations():
        if (name == "observation_noise" and not spread) or (name == "unnormalised" and not player.normalised_by):
            continue
        chosen = _elsewhere(seeds) if name == "other_seeds" else seeds
        if name == "stochastic":
            torch.manual_seed(0)
        yield (
            name,
            play(
                player,
                chosen,
                partial(_told, watch, name.replace("_", " "), len(chosen)),
                wrap=wrapper_of(name, spread),
                deterministic=name != "stochastic",
                normalise=name != "unnormalised",
            ),
        )


def _elsewhere(seeds: Sequence[int]) -> Sequence[int]:
    return [_OTHER_SEEDS + seed for seed in seeds]


def _told(watch: AuditWatcher, what: str, total: int, done: int) -> None:
    watch(what, done, total)


def _returns(episodes: Sequence[Episode]) -> list[float]:
    return [episode.episode_return for episode in episodes]


def _mean(episodes: Sequence[Episode]) -> float:
    return math.fsum(_returns(episodes)) / len(episodes)


def _row(
    name: str,
    played: Sequence[Episode],
    nominal: Sequence[Episode],
    floor: Sequence[Episode],
    own_floor: Sequence[Episode] | None = None,
) -> PerturbationResult:
    share = Share(1.0, 1.0, 1.0) if name == NOMINAL else _share(played, nominal, floor, own_floor)
    if _mean(nominal) <= _mean(floor):
        share = Share(math.nan, math.nan, math.nan)
    code, title, _ = AUDIT_CRITERIA.get(f"kept_{name}", ("", "as it is", ""))
    worst = min(played, key=lambda episode: episode.episode_return)
    successes = [episode.success for episode in played if episode.success is not None]
    return PerturbationResult(
        name,
        code,
        title,
        len(played),
        _mean(played),
        _known(share.share),
        _known(share.low),
        _known(share.high),
        sum(successes) / len(successes) if successes else None,
        worst.episode_return,
        worst.seed,
    )


def _known(number: float) -> float | None:
    return None if math.isnan(number) else round(number, 4)


def _share(
    played: Sequence[Episode],
    nominal: Sequence[Episode],
    floor: Sequence[Episode],
    own_floor: Sequence[Episode] | None,
) -> Share:
    paired = [episode.seed for episode in played] == [episode.seed for episode in nominal]
    own = None if own_floor is None else _returns(own_floor)
    return bootstrap_share(_returns(played), _returns(nominal), _returns(floor), paired=paired, own_floor=own)


def _result(player: Player, path: str, rows: Sequence[PerturbationResult], floor: Sequence[Episode]) -> AuditResult:
    nominal, baseline = rows[0], _mean(floor)
    shown = AuditResult(
        path=path,
        verdict=_Verdict.UNJUDGED,
        title=f"audit on {nominal.episodes} episodes of {player.env} for each perturbation",
        env=player.env,
        baseline_return=baseline,
        perturbations=tuple(rows),
        facts={"steps": player.steps, "normalised_by": player.normalised_by, "versions": dict(machine.versions())},
    )
    if nominal.kept is None:
        reason = (
            f"The policy has no gain that it could keep: its mean return is {nominal.return_mean:.4g}, and that of the "
            f"better of the zero-action and the random policy is {baseline:.4g}."
        )
        return replace(shown, unjudged=(Unjudged("EVL001", reason, "Train longer, then audit again."),))
    findings = tuple(_findings(rows[1:]))
    worst = min(rows[1:], key=lambda row: row.kept if row.kept is not None else math.inf)
    kept = "" if worst.kept is None else f"Least of its gain kept: {worst.kept:.0%}, with {worst.title}."
    return replace(shown, verdict=verdict_of_findings(findings), findings=findings, summary=kept)


def _findings(rows: Sequence[PerturbationResult]) -> Iterator[Finding]:
    for row in rows:
        about = perturbations()[row.name]
        if about.warn_below is None or row.kept is None or row.kept_high is None or row.kept_high >= about.warn_below:
            continue
        yield Finding(
            row.code,
            f"{row.name.replace('_', '-')}-hurts",
            Severity.WARNING,
            f"The policy keeps {row.kept:.0%} of its gain ({row.kept_low:.0%} to {row.kept_high:.0%}) where "
            f"{about.what}.",
            about.remedy,
            {
                "metric": f"kept_{row.name}",
                "observed": row.kept,
                "expected": f"> {about.warn_below:g}",
                "level": about.level,
                "return_mean": row.return_mean,
            },
        )


def _film_worst(player: Player, rows: Sequence[PerturbationResult], spread: Spread, file: Path) -> None:
    from rldoctor.training.video import film

    # A policy without its normalisation is another one, and one that draws its actions does not do so twice.
    shown = [row for row in rows if row.name not in ("unnormalised", "stochastic")]
    worst = min(shown, key=lambda row: row.worst_return)
    film(player, file, [worst.worst_seed], wrap=wrapper_of(worst.name, spread))


def _write(player: Player, result: AuditResult) -> None:
    if player.file is None:
        return
    name = run_directory.AUDIT_FILE
    in_run = player.file.with_name(run_directory.RUN_FILE).exists()
    file = player.file.with_name(name) if in_run else run_directory.beside(player.file, name)
    kept: dict[str, Json] = {f"kept_{row.name}": row.kept for row in result.perturbations[1:]}
    content: dict[str, Json] = {
        "rldoctor_audit": 1,
        "env": result.env,
        "policy": {"file": player.file.name, "sha256": run_directory.file_hash(player.file), "steps": player.steps},
        "kept": kept,
        "versions": dict(machine.versions()),
    }
    run_directory.write_json(file, content)
