"""Whether the words of a configuration mean anything: what a project ignores or selects must exist."""

from __future__ import annotations

from rldoctor.config import Config
from rldoctor.errors import UsageError, near
from rldoctor.preflight.check_docs import own_pages, preflight_checks
from rldoctor.recipe import CRITERIA
from rldoctor.rulebook import load_rulebook


def require_known(config: Config) -> Config:
    """Return ``config`` if each word of its ``select`` and ``ignore`` fits a sign or a preflight check.

    Both are read by diagnoses and by preflights, and a word may be for one of them alone.

    Raises:
        UsageError: A word fits nothing.
    """
    asked = [(key, word) for key in ("select", "ignore") for word in getattr(config, key)]
    if not asked:
        return config
    signs = [(sign.code, sign.name) for sign in load_rulebook(own=config.rules).signs.values()]
    checks = [(page.code, page.name) for page in (*preflight_checks(), *own_pages())]
    for key, word in asked:
        of_signs = any(code.startswith(word.upper()) or name == word for code, name in signs)
        if of_signs or any(code.startswith(word.upper()) or name.startswith(word) for code, name in checks):
            continue
        if word.upper().startswith("EVL") or word in CRITERIA:
            raise UsageError(
                f"{config.where(key)}: {word!r} is a criterion of the gate.",
                'Change criteria in the table "require": final_distance_mean = "off".',
            )
        words = {word for pair in (*signs, *checks) for word in pair if word}
        raise UsageError(f"{config.where(key)}: no sign and no check has the code or name {word!r}.", near(word, words))
    return config
