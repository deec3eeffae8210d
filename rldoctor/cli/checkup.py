"""``rldoctor checkup``."""

from __future__ import annotations

import sys

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
from rldoctor.training.engine import Engine


def checkup(
    reference: ReferenceOption = "quick",
    seed: SeedOption = 0,
    set_: SetOption = None,
    require: RequireOption = None,
    engine: EngineOption = Engine.GYMNASIUM,
    out: OutOption = RUNS,
    format_: FormatOption = Format.TEXT,
    output: LongOutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """All in one: preflight, train, evaluate, gate and diagnose on a reference. The exit code is the gate's."""
    need_training_packages("checkup")
    from rldoctor.checkup import checkup as examine
    from rldoctor.cli.progress import bars
    from rldoctor.references import load_recipe

    recipe = load_recipe(reference).with_overrides(pairs(set_)).with_criteria(words(require))
    with bars(quiet=format_ is not Format.TEXT) as bar:
        report = examine(recipe, out, seed, command=["rldoctor", *sys.argv[1:]], bar=bar, engine=engine)
    finish(report, format_, verbose, output)
