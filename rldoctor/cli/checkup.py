"""``rldoctor checkup``."""

from __future__ import annotations

import sys

from rldoctor.cli import options
from rldoctor.cli.configured import configured, need_training_packages
from rldoctor.cli.options import RUNS, Format, pairs, words
from rldoctor.cli.output import finish
from rldoctor.environments.engine import Engine


def checkup(
    reference: options.Reference = "smoke",
    seed: options.Seed = 0,
    env: options.Env = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    set_: options.Set = None,
    require: options.Require = None,
    engine: options.Engine = None,
    runs: options.Runs = RUNS,
    config: options.Config = None,
    isolated: options.Isolated = False,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """All in one: preflight, train, evaluate, gate and diagnose on a reference. The exit code is the gate's."""
    need_training_packages("checkup")
    from rldoctor.checkup import checkup as examine
    from rldoctor.cli.progress import bars
    from rldoctor.references import load_trainable

    settings = configured(config, isolated)
    recipe = load_trainable(reference, settings.references).with_overrides(
        (*options.env_changes(env, env_kwargs, max_episode_steps), *pairs(set_))
    )
    recipe = recipe.with_criteria((*settings.requirements, *words(require)))
    command, backend = ["rldoctor", *sys.argv[1:]], engine or Engine.GYMNASIUM
    with bars(quiet=format_ not in (None, Format.TEXT)) as bar:
        report = examine(recipe, runs, seed, command=command, bar=bar, engine=backend, config=settings)
    finish(report, format_, verbose, output, quiet)
