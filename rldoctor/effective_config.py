"""The effective configuration: what a file and the command line set, as ``rldoctor config`` shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rldoctor.config import KEYS, Config
from rldoctor.diagnosis.context import context_of
from rldoctor.model import Addition, EffectiveConfig, EffectiveKey
from rldoctor.preflight.expectations import load_expectations
from rldoctor.preflight.plugins import plugin_docs
from rldoctor.preflight.selectors import require_known
from rldoctor.recipe import Criterion
from rldoctor.rulebook import Sign, load_rulebook
from rldoctor.rulebook.examples import wrong_examples

_COMMAND_LINE, _DEFAULT = "command line", "default"


def effective_config(config: Config, options: Mapping[str, Sequence[str]]) -> EffectiveConfig:
    """Return what applies. Everything that the configuration names is read, which shows whether it is valid.

    Args:
        config: The configuration.
        options: Key to the values of the command line, which override the file.

    Raises:
        UsageError: A selector, a rule or a reference is not valid.
    """
    require_known(
        Config(select=tuple(options["select"]), ignore=dict.fromkeys(options["ignore"], ""), rules=config.rules)
    )
    return EffectiveConfig(
        str(config.file or ""),
        tuple(map(str, config.looked_at)),
        tuple(row for key in KEYS for row in _rows(key, config, options.get(key, ()))),
        tuple(_additions(config)),
    )


def failing_examples(config: Config) -> list[str]:
    """Return the examples of the project's own signs that fail, one sentence each."""
    return list(wrong_examples(_own_signs(config)))


def _own_signs(config: Config) -> list[Sign]:
    shipped = load_rulebook().signs
    return [sign for code, sign in load_rulebook(own=config.rules).signs.items() if code not in shipped]


def _rows(key: str, config: Config, options: Sequence[str]) -> Iterator[EffectiveKey]:
    value = getattr(config, key.replace("-", "_"))
    origin = config.where(key) if key in config.given else _DEFAULT
    if isinstance(value, Mapping):
        pairs = dict(pair.partition("=")[::2] for pair in options)
        kept = {name: item for name, item in value.items() if name not in pairs}
        yield from (EffectiveKey(f"{key}.{name}", _text(item), f"{origin}.{name}") for name, item in kept.items())
        yield from (EffectiveKey(f"{key}.{name}", item or "-", _COMMAND_LINE) for name, item in pairs.items())
        if not value and not pairs:
            yield EffectiveKey(key, "-", origin)
    elif options:
        yield EffectiveKey(key, ", ".join(options), _COMMAND_LINE)
    else:
        yield EffectiveKey(key, _text(value), origin)


def _text(value: object) -> str:
    if isinstance(value, Criterion):
        return f"{value.relation} {value.threshold:g} ({value.level})"
    if isinstance(value, tuple):
        return ", ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value) or "-"
    return str(value)


def _additions(config: Config) -> Iterator[Addition]:
    context = context_of(config)
    for reference in context.references:
        about = "" if reference.bands else " (not recorded: it has no curves.csv)"
        yield Addition("reference", reference.recipe.name, f"{reference.folder}{about}")
    shipped, book = load_rulebook(), load_rulebook(own=config.rules)
    yield from (Addition("sign", f"{sign.code} {sign.name}", str(sign.file)) for sign in _own_signs(config))
    for name, rule in book.diagnoses.items():
        if name not in shipped.diagnoses:
            yield Addition("diagnosis", name, str(rule.file))
    yield from (Addition("metric", name, "metrics.toml") for name in book.metrics if name not in shipped.metrics)
    yield from (Addition("names", names.framework, names.source) for names in context.tag_mappings)
    for env in sorted(load_expectations(config.rules).keys() - load_expectations().keys()):
        yield Addition("expectations", env, "preflight/environments")
    yield from (Addition("check", f"{check.code} {check.name}".strip(), check.origin) for check in plugin_docs())
