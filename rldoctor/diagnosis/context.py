"""What a diagnosis works with: the effective rules, the references and the tag mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from rldoctor.advisories import CODE as VERSIONS_CODE
from rldoctor.advisories import NAME as VERSIONS_CHECK
from rldoctor.config import DEFAULTS, Config
from rldoctor.logs.frameworks import own_tag_mappings
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Suppressed
from rldoctor.references import Reference, load_own
from rldoctor.rulebook import Case, Rulebook, Sign, load_rulebook
from rldoctor.rulebook.observe import Evidence, observe
from rldoctor.rulebook.selection import SIGNS
from rldoctor.rulebook.thresholds import with_thresholds
from rldoctor.settings.signs import SettingSign, setting_signs


@dataclass(frozen=True)
class DiagnosisContext:
    """What a diagnosis works with. It is sent to other processes and machines, so it is complete and needs no file.

    Attributes:
        book: The effective rules.
        ignored: Signs that the configuration leaves out, with the reason.
        thresholds: Code to a sentence on thresholds that the configuration changes.
        selected: The configuration's selection in words; empty without one.
        references: The user's own references.
        tag_mappings: The user's own tag mappings.
        judges_versions: Whether known defects of the recorded versions are reported.
        setting_signs: Codes of the signs of settings that count; all of them by default.
    """

    book: Rulebook
    ignored: tuple[tuple[Sign, str], ...] = ()
    thresholds: Mapping[str, str] = field(default_factory=dict)
    selected: str = ""
    references: tuple[Reference, ...] = ()
    tag_mappings: tuple[TagMapping, ...] = ()
    judges_versions: bool = True
    setting_signs: frozenset[str] = field(default_factory=lambda: frozenset(setting_signs()))

    def suppressed(self, case: Case) -> tuple[Suppressed, ...]:
        """Return the ignored signs that fire on a case, signs of health included: they would have counted."""
        results = ((observe(sign, case), reason) for sign, reason in self.ignored)
        return tuple(
            Suppressed(item.sign.code, item.sign.name, reason)
            for item, reason in results
            if isinstance(item, Evidence) and item.fires
        )

    @property
    def adjusted(self) -> tuple[str, ...]:
        """What else the configuration changes, in words."""
        changed = [words for code, words in self.thresholds.items() if code in self.book.signs]
        return (*changed, *([self.selected] if self.selected else []))


def context_of(config: Config = DEFAULTS, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> DiagnosisContext:
    """Return the context for a configuration.

    Args:
        config: The configuration.
        select: Signs to use instead of those that the configuration selects. A sign with its full code or name here is
            used even if the configuration ignores it.
        ignore: Further signs to leave out.

    Raises:
        UsageError: An entry or a threshold fits no sign, or one of the user's rules or references is not valid.
    """
    whole = load_rulebook(own=config.rules)
    book, thresholds = with_thresholds(whole, config.thresholds, config.where("thresholds"))
    # One selection for the signs of logs and those of settings.
    every: tuple[Sign | SettingSign, ...] = (*book.signs.values(), *setting_signs().values())
    selection = SIGNS.apply(every, config, select, ignore)
    return DiagnosisContext(
        replace(book, signs={sign.code: sign for sign in selection.rules if isinstance(sign, Sign)}),
        tuple((sign, reason) for sign, reason in selection.ignored if isinstance(sign, Sign)),
        thresholds,
        selection.adjusted,
        load_own(config.references),
        own_tag_mappings(config.rules),
        not any(VERSIONS_CODE.startswith(word) or word == VERSIONS_CHECK for word in (*config.ignore, *ignore)),
        frozenset(sign.code for sign in selection.rules if isinstance(sign, SettingSign)),
    )


@cache
def shipped_context() -> DiagnosisContext:
    """Return the default context: shipped rules only."""
    return context_of()
