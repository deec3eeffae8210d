"""What a configuration and a command line put in force, gathered to be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rldoctor.config import KEYS, Config
from rldoctor.diagnosis.context import DiagnosisContext, context_of
from rldoctor.model import Addition, EffectiveConfig, EffectiveKey
from rldoctor.preflight.check_docs import own_pages
from rldoctor.preflight.expectations import load_expectations
from rldoctor.preflight.selectors import require_known
from rldoctor.rulebook import Sign, load_rulebook
from rldoctor.rulebook.examples import wrong_examples

_COMMAND_LINE, _DEFAULT = "command line", "default"


def in_force(config: Config, typed: Mapping[str, Sequence[str]]) -> EffectiveConfig:
    """Return what is in force; reading everything that the configuration names shows whether it is valid.

    Args:
        config: The configuration.
        typed: Key to the words of the command line, which goes before the file.

    Raises:
        UsageError: A word, a rule or a reference is not valid.
    """
    words = Config(select=tuple(typed["select"]), ignore=dict.fromkeys(typed["ignore"], ""), rules=config.rules)
    require_known(words)
    means = context_of(config)
    keys = [row for key in KEYS for row in _rows(key, config, typed)]
    return EffectiveConfig(
        str(config.file or ""),
        tuple(map(str, config.looked_at)),
        tuple(keys),
        tuple(_additions(config, means)),
    )


def own_signs(config: Config) -> list[Sign]:
    """Return the signs in the project's folders of rules."""
    shipped = load_rulebook().signs
    return [sign for code, sign in load_rulebook(own=config.rules).signs.items() if code not in shipped]


def tried(config: Config) -> list[str]:
    """Return in words the examples of the project's own signs that do not hold."""
    return list(wrong_examples(own_signs(config)))


def _rows(key: str, config: Config, typed: Mapping[str, Sequence[str]]) -> Iterator[EffectiveKey]:
    value = getattr(config, key.replace("-", "_"))
    origin = config.where(key) if key in config.given else _DEFAULT
    asked = typed.get(key, ())
    if isinstance(value, Mapping):
        pairs = dict(pair.partition("=")[::2] for pair in asked)
        kept = {name: item for name, item in value.items() if name not in pairs}
        yield from (EffectiveKey(f"{key}.{name}", _shown(item), f"{origin}.{name}") for name, item in kept.items())
        yield from (EffectiveKey(f"{key}.{name}", item or "-", _COMMAND_LINE) for name, item in pairs.items())
        if not value and not pairs:
            yield EffectiveKey(key, "-", origin)
    elif asked:
        yield EffectiveKey(key, ", ".join(asked), _COMMAND_LINE)
    else:
        yield EffectiveKey(key, _shown(value), origin)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value) or "-"
    return str(value)


def _additions(config: Config, means: DiagnosisContext) -> Iterator[Addition]:
    for reference in means.references:
        about = "" if reference.bands else " (not recorded: it has no curves.csv)"
        yield Addition("reference", reference.recipe.name, f"{reference.folder}{about}")
    shipped, book = load_rulebook(), load_rulebook(own=config.rules)
    for sign in own_signs(config):
        yield Addition("sign", f"{sign.code} {sign.name}", str(sign.file))
    for name, rule in book.diagnoses.items():
        if name not in shipped.diagnoses:
            yield Addition("diagnosis", name, str(rule.file))
    yield from (Addition("metric", name, "metrics.toml") for name in book.metrics if name not in shipped.metrics)
    yield from (Addition("names", names.framework, names.source) for names in means.names)
    known = load_expectations()
    yield from (
        Addition("expectations", env, "preflight/environments")
        for env in load_expectations(config.rules)
        if env not in known
    )
    yield from (Addition("check", f"{page.code} {page.name}".strip(), page.origin) for page in own_pages())
