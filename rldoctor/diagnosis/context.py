"""The means of a diagnosis: the rules in force, the references there are, and the names that logs are read by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from rldoctor.config import DEFAULTS, Config
from rldoctor.errors import UsageError, near
from rldoctor.logs.frameworks import own_tag_mappings
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Suppressed
from rldoctor.references import Reference, load_own
from rldoctor.rulebook import Case, Rulebook, Sign, load_rulebook
from rldoctor.rulebook.observe import Evidence, observe
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
    # Of a selection that speaks of preflight checks alone nothing follows for signs.
    asked = [word for word in config.select if any(fits(sign, [word]) for sign in book.signs.values())]
    chosen = choose(book, select or asked, ignore)
    reasons = {sign.code: _reason(sign, config.ignore) for sign in chosen.signs.values() if not _named(sign, select)}
    ignored = tuple((chosen.signs[code], reason) for code, reason in reasons.items() if reason)
    left_out = {sign.code for sign, _ in ignored}
    return DiagnosisContext(
        replace(chosen, signs={code: sign for code, sign in chosen.signs.items() if code not in left_out}),
        ignored,
        moved,
        f"only {', '.join(asked)} of the signs" if asked and not select else "",
        load_own(config.references),
        own_tag_mappings(config.rules),
    )


@cache
def shipped_context() -> DiagnosisContext:
    """Return the means of a diagnosis that nobody has asked anything of."""
    return context_of()


def fits(sign: Sign, words: Iterable[str]) -> bool:
    """Tell whether one of ``words`` begins the sign's code, or is its name."""
    return any(sign.code.startswith(word.upper()) or sign.name == word for word in words)


def _named(sign: Sign, words: Iterable[str]) -> bool:
    return any(word in (sign.code, sign.code.lower(), sign.name) for word in words)


def _reason(sign: Sign, ignore: Mapping[str, str]) -> str:
    """Return why a sign is ignored: the reason of the word that fits it most closely; empty where none does."""
    return max(((len(word), reason) for word, reason in ignore.items() if fits(sign, [word])), default=(0, ""))[1]


def choose(book: Rulebook, select: Sequence[str], ignore: Sequence[str]) -> Rulebook:
    """Return the rulebook with only the selected and none of the ignored signs.

    Raises:
        UsageError: A word fits no sign.
    """
    for word in (*select, *ignore):
        if not any(fits(sign, [word]) for sign in book.signs.values()):
            known = {*book.signs, *(sign.name for sign in book.signs.values())}
            raise UsageError(f"No sign has the code or name {word!r}.", near(word, known))
    kept = {
        code: sign for code, sign in book.signs.items() if (not select or fits(sign, select)) and not fits(sign, ignore)
    }
    return replace(book, signs=kept)
