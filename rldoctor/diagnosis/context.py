"""The means of a diagnosis: the rules in force, the references there are, and the names that logs are read by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from rldoctor.config import DEFAULTS, Config
from rldoctor.logs.frameworks import own_tag_mappings
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Suppressed
from rldoctor.references import Reference, load_own
from rldoctor.rulebook import Case, Rulebook, Sign, load_rulebook
from rldoctor.rulebook.observe import Evidence, observe
from rldoctor.rulebook.selection import SIGNS
from rldoctor.rulebook.thresholds import with_thresholds


@dataclass(frozen=True)
class DiagnosisContext:
    """What a run is diagnosed by. Whole, and without a path in it: it goes to other processes and machines.

    Attributes:
        book: The rules in force.
        ignored: Signs that the configuration leaves out, with the reason.
        moved: Code to the words on a threshold that the configuration moves.
        narrowed: The words on a selection of the configuration's; empty without one.
        references: The user's own.
        names: Dictionaries of tags of the user's own.
    """

    book: Rulebook
    ignored: tuple[tuple[Sign, str], ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)
    narrowed: str = ""
    references: tuple[Reference, ...] = ()
    names: tuple[TagMapping, ...] = ()

    def suppressed(self, case: Case) -> tuple[Suppressed, ...]:
        """Return the ignored signs that show on a case, those of health among them: they would have weighed."""
        seen = ((observe(sign, case), reason) for sign, reason in self.ignored)
        return tuple(
            Suppressed(item.sign.code, item.sign.name, reason)
            for item, reason in seen
            if isinstance(item, Evidence) and item.fires
        )

    @property
    def adjusted(self) -> tuple[str, ...]:
        """What else is otherwise than as shipped, in words."""
        moved = (words for code, words in self.moved.items() if code in self.book.signs)
        return (*moved, *((self.narrowed,) if self.narrowed else ()))


def context_of(config: Config = DEFAULTS, select: Sequence[str] = (), ignore: Sequence[str] = ()) -> DiagnosisContext:
    """Return the means that a configuration asks for.

    Args:
        config: The configuration.
        select: Signs that the caller selects, instead of those that the configuration does. One that is named in
            full is used although the configuration ignores it.
        ignore: Signs that the caller leaves out as well.

    Raises:
        UsageError: A word of the caller's or a threshold fits no sign, or a rule or reference of the user's is not
            valid.
    """
    whole = load_rulebook(own=config.rules)
    book, moved = with_thresholds(whole, config.thresholds, config.where("thresholds"))
    selection = SIGNS.apply(tuple(book.signs.values()), config, select, ignore)
    return DiagnosisContext(
        replace(book, signs={sign.code: sign for sign in selection.rules}),
        selection.ignored,
        moved,
        selection.adjusted,
        load_own(config.references),
        own_tag_mappings(config.rules),
    )


@cache
def shipped_context() -> DiagnosisContext:
    """Return the means of a diagnosis that nobody has asked anything of."""
    return context_of()
