"""``rldoctor checkup``."""

from __future__ import annotations

import sys

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured
from rldoctor.cli.options import (
    RUNS,
    EngineOption,
    Format,
    FormatOption,
    LongOutputOption,
    OutOption,
    ReferenceOption,
    RequireOption,
    SeedOption,
    SetOption,
    VerboseOption,
    finish,
    need_training_packages,
    pairs,
    words,
)
from rldoctor.environments.engine import Engine


def checkup(
    reference: ReferenceOption = "quick",
    seed: SeedOption = 0,
    set_: SetOption = None,
    require: RequireOption = None,
    engine: EngineOption = Engine.GYMNASIUM,
    out: OutOption = RUNS,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    format_: FormatOption = Format.TEXT,
    output: LongOutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """All in one: preflight, train, evaluate, gate and diagnose on a reference. The exit code is the gate's."""
    need_training_packages("checkup")
    from rldoctor.checkup import checkup as examine
    from rldoctor.cli.progress import bars
    from rldoctor.references import load_trainable

    asked = configured(config, isolated)
    recipe = load_trainable(reference, asked.references).with_overrides(pairs(set_))
    recipe = recipe.with_criteria((*asked.requirements, *words(require)))
    with bars(quiet=format_ is not Format.TEXT) as bar:
        report = examine(recipe, out, seed, command=["rldoctor", *sys.argv[1:]], bar=bar, engine=engine, config=asked)
    finish(report, format_, verbose, output)
