"""Which rules a measurement was made with: a digest of all that judges a training while it runs, and of nothing else."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from msgspec import structs

from rldoctor import datafile
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.applicable import applicable
from rldoctor.settings.signs import setting_signs

# Changes of code that judge otherwise change tables too, but not this; changes of texts change neither.
_JUDGES = ("code", "when", "direction", "outcome", "severity", "algorithms")
_SETTINGS = ("code", "setting", "side", "causes", "ranges", "value", "log", "cleared", "unless", "only_with")


@cache
def judging_rules(algorithm: str = "ppo") -> str:
    """Return twelve digits that are others as soon as a sign, a weight or a phase of an algorithm's runs changes."""
    chosen = applicable(load_rulebook(), algorithm)
    # Weights of what preflight finds judge no training that still runs.
    codes = {sign.code for sign in chosen.signs}
    parts: list[Any] = [
        [[getattr(sign, name) for name in _JUDGES] for sign in chosen.signs],
        [(rule.name, rule.bias, sorted(w for w in rule.weights.items() if w[0] in codes)) for rule in chosen.rules],
        [[structs.asdict(sign)[name] for name in _SETTINGS] for sign in setting_signs().values()],
        *(datafile.read_toml(datafile.folder("checks") / name) for name in ("live.toml", "phases.toml")),
    ]
    # Of PPO and its kin.
    parts[-2]["late"].pop("off_policy")
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
