"""Selecting signs and preflight checks by code prefix or name: one way for the command line and the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from rldoctor.config import Config
from rldoctor.errors import UsageError, near


class Rule(Protocol):
    """What can be selected: a sign or a preflight check."""

    @property
    def code(self) -> str:
        """Family and three digits."""

    @property
    def name(self) -> str:
        """The name, in kebab-case."""


R = TypeVar("R", bound=Rule)


@dataclass(frozen=True)
class Selection(Generic[R]):
    """The rules that are left.

    Attributes:
        rules: In the order given.
        ignored: Rules that the configuration leaves out, with its reason.
        adjusted: The configuration's ``select`` in words; empty where it selected nothing.
    """

    rules: tuple[R, ...]
    ignored: tuple[tuple[R, str], ...]
    adjusted: str


@dataclass(frozen=True)
class Selector:
    """How one kind of rule is selected.

    Attributes:
        kind: What messages call it, such as ``sign``.
        name_prefix: Whether the beginning of a name selects too, not only the whole.
    """

    kind: str
    name_prefix: bool = False

    def fits(self, rule: Rule, word: str) -> bool:
        """Return whether ``word`` is the beginning of the code, in any case, or the name."""
        by_name = rule.name.startswith(word) if self.name_prefix else rule.name == word
        return bool(word) and (rule.code.startswith(word.upper()) or by_name)

    def known(self, rules: Iterable[Rule], words: Iterable[str]) -> list[str]:
        """Return the words that fit one of ``rules``."""
        rules = list(rules)
        return [word for word in words if any(self.fits(rule, word) for rule in rules)]

    def apply(
        self,
        rules: Sequence[R],
        config: Config,
        select: Sequence[str] = (),
        ignore: Sequence[str] = (),
        complete: Callable[[list[R]], list[R]] = lambda chosen: chosen,
    ) -> Selection[R]:
        """Return what a caller and a configuration leave of ``rules``.

        Args:
            rules: All there are.
            config: Its ``select`` holds where the caller selects nothing; a word of it that fits none of ``rules`` is
                meant for the other kind.
            select: Only rules that one of these fits; all where empty. One named in full is used although the
                configuration ignores it.
            ignore: Rules that the caller leaves out as well.
            complete: Adds what the selected rules require, before any are left out.

        Raises:
            UsageError: A word of ``select`` or ``ignore`` fits no rule.
        """
        for word in (*select, *ignore):
            if not self.known(rules, [word]):
                names = {name for rule in rules for name in (rule.code, rule.name)}
                raise UsageError(f"No {self.kind} has the code or name {word!r}.", near(word, names))
        asked = [] if select else self.known(rules, config.select)
        words = select or asked
        chosen = complete([rule for rule in rules if not words or any(self.fits(rule, word) for word in words)])
        chosen = [rule for rule in chosen if not any(self.fits(rule, word) for word in ignore)]
        ignored = {}
        for rule in chosen:
            reasons = [(len(word), reason) for word, reason in config.ignore.items() if self.fits(rule, word)]
            if reasons and not any(word in (rule.code, rule.code.lower(), rule.name) for word in select):
                # The reason of the word that fits most closely.
                ignored[rule.code] = (rule, max(reasons)[1])
        return Selection(
            tuple(rule for rule in chosen if rule.code not in ignored),
            tuple(ignored.values()),
            f"only {', '.join(asked)} of the {self.kind}s" if asked else "",
        )


SIGNS = Selector("sign")
CHECKS = Selector("preflight check", name_prefix=True)
