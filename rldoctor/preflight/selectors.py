"""What a configuration and its rules say about signs and checks by name: each name must exist."""

from __future__ import annotations

from rldoctor import datafile
from rldoctor.config import Config
from rldoctor.errors import UsageError, near
from rldoctor.preflight.checks import all_checks
from rldoctor.recipe import CRITERIA
from rldoctor.rulebook import Rulebook, load_rulebook
from rldoctor.rulebook.selection import CHECKS, SIGNS, Rule
from rldoctor.settings.signs import setting_signs


def require_known(config: Config) -> Config:
    """Return ``config`` if every sign and preflight check that it names exists.

    Each word of ``select`` and ``ignore`` must fit a sign or a check: diagnosis and preflight both read them, and a
    word may be meant for one of the two. The checks that confirm the project's own diagnoses must exist.

    Raises:
        UsageError: A word fits nothing.
    """
    selectors = [(key, word) for key in ("select", "ignore") for word in getattr(config, key)]
    if not selectors and not config.rules:
        return config
    book = load_rulebook(own=config.rules)
    _require_confirming_checks(book)
    if not selectors:
        return config
    # Late, as it is rarely needed: the metadata of every installed package is searched.
    from rldoctor.preflight.plugins import plugin_docs

    signs: list[Rule] = [*book.signs.values(), *setting_signs().values()]
    checks: list[Rule] = [*all_checks(), *plugin_docs()]
    for key, word in selectors:
        if SIGNS.known(signs, [word]) or CHECKS.known(checks, [word]):
            continue
        if word.upper().startswith("EVL") or word in CRITERIA:
            raise UsageError(
                f"{config.where(key)}: {word!r} is a criterion of the gate.",
                'Change criteria in the table "require": final_distance_mean = "off".',
            )
        known = {name for rule in (*signs, *checks) for name in (rule.code, rule.name) if name}
        raise UsageError(f"{config.where(key)}: no sign and no check has the code or name {word!r}.", near(word, known))
    return config


def _require_confirming_checks(book: Rulebook) -> None:
    for rule in book.diagnoses.values():
        if not rule.confirmed_by or datafile.folder("checks") in rule.file.parents:
            continue
        codes = {check.code for check in all_checks()}
        for code in rule.confirmed_by:
            if code not in codes:
                raise UsageError(
                    f"{rule.file}: confirmed_by names {code!r}, which is no preflight check.", near(code, codes)
                )
