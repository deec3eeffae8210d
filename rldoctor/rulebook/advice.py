"""Advice worded for the run at hand: what its library calls things, and only what is not so already.

The wording is data, ``checks/advice.toml``, whose head explains the placeholders.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

import msgspec

from rldoctor import datafile
from rldoctor.datafile import Table
from rldoctor.hyperparameters import SETTINGS
from rldoctor.model import Json
from rldoctor.model.settings import Place

PLAIN, EXPLAINED = "plain", "sb3"
_CHANGE = re.compile(r"\{(lower|raise|limit) (\w+) (-?[\d.]+(?:e-?\d+)?)\}")
_PREFLIGHT = re.compile(r"\{preflight\?([^|{}]*)\|([^|{}]*)\}")
_FIX = re.compile(r"\{fix\|([^|{}]*)\}")
_HAS = re.compile(r"\{has (\w+)\?((?:[^|{}]|\{\w+\})*)\|((?:[^|{}]|\{\w+\})*)\}")
_WORD = re.compile(r"\{(\w+)\}")
_SENTENCE, _CLAUSE = re.compile(r"(?<=[.!?]) (?=[A-Z{])"), "; "
# A value that is so close to the one to set is that one: the first value of a schedule is logged an update into it.
_TOLERANCE = 0.1
# Texts that are remembered: some hundred of rules, for each library and value of a setting that a folder holds.
_MOST_TEXTS = 4096
# From here on three digits would hide what a person wrote.
_WHOLE = 1000


class Library(Table, frozen=True):
    """How advice is worded for one library; one table of ``checks/advice.toml``.

    Attributes:
        preflight: Whether rldoctor can make the environments that are trained on with it.
        settings: Hyperparameter, as rldoctor calls it, to what the library calls it.
        phrases: Name of a phrase to its text.
        instead: A placeholder to what it becomes, where its value has another meaning in the library.
        suites: Collection of environments, as ``Run.suite``, to what settings are called in its files.
    """

    preflight: bool = True
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    phrases: dict[str, str] = msgspec.field(default_factory=dict)
    instead: dict[str, str] = msgspec.field(default_factory=dict)
    suites: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)

    @property
    def takes_callback(self) -> bool:
        """Whether it can be trained with DoctorCallback."""
        return "callback" in self.phrases


@cache
def _libraries() -> dict[str, Library]:
    return datafile.load(datafile.folder("checks") / "advice.toml", dict[str, Library])


@lru_cache(64)
def library(framework: str, suite: str = "") -> Library:
    """Return how advice is worded for a framework, a key of ``checks/tags/``; in plain words where none is known.

    Args:
        framework: The framework.
        suite: The collection of environments that is trained on; its files may call settings otherwise.
    """
    known = _libraries()
    own, plain = known.get(framework, known[PLAIN]), known[PLAIN]
    settings = {**own.settings, **own.suites.get(suite, {})}
    return Library(own.preflight, settings, {**plain.phrases, **own.phrases}, own.instead)


def _nothing(setting: str) -> Json:
    """Know nothing of a setting."""
    del setting
    return None


@dataclass(frozen=True)
class Advice:
    """The one who words advice on one run.

    Attributes:
        library: Of the run.
        value: Returns the run's value of a setting; ``None`` where it is not known.
        controlled: Settings that the trainer itself moves up and down to hold the KL divergence.
        places: Where the files beside the logs state a setting, and what they call it.
        lacks: Settings that the run's algorithm does not have: clauses that change them are left out.
        rate: The usual learning rate of the run's algorithm, as a multiple of PPO's: so are those that texts name.
        logged: The metrics that the run logs; ``None`` where that is not known, so that all may be.
    """

    library: Library
    value: Callable[[str], Json] = _nothing
    controlled: Collection[str] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    lacks: Collection[str] = ()
    rate: float = 1.0
    logged: Collection[str] | None = None
    # What the settings that a text names are in this run, by the text's settings.
    _known: dict[frozenset[str], str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def name(self, setting: str) -> str:
        """Return what the files of settings call a setting, or else the library."""
        usual = self.library.settings.get(setting, setting)
        # Where the library has no such setting by itself, words say what is meant.
        if " " in usual or setting not in self.places or not self.places[setting].file:
            return usual
        return self.places[setting].key.rpartition(".")[2]

    def now(self, setting: str, value: Json) -> str:
        """Return a setting's value before a change, in brackets, with where it stands."""
        place = self.places.get(setting)
        where = f" {place}" if place is not None else ""
        return f" (was {'not set' if value is None else f'{show(value)}{where}'})"

    def means_otherwise(self, setting: str) -> bool:
        """Return whether a value of a setting has another meaning in the library."""
        return any(setting in placeholder.split() for placeholder in self.library.instead)

    def text(self, raw: str, otherwise: str = "", fix: str = "", without: Collection[str] = ()) -> str:
        """Return a text of a rule for this run.

        Args:
            raw: The text with its placeholders.
            otherwise: The text to take where all changes in ``raw`` are made already.
            fix: What ``{fix|...}`` stands for, if anything.
            without: Settings that are dealt with elsewhere: clauses that change them are left out.
        """
        if "{" not in raw and (self.library.preflight or "rldoctor preflight" not in raw):
            return raw
        # Runs side by side get the same advice where what it names is the same for them.
        without = frozenset(self.lacks).union(without) if without else frozenset(self.lacks)
        known = self._known_of(settings_of(raw)) + (self._known_of(settings_of(otherwise)) if otherwise else "")
        known += repr([self.rate, *filter(self._is_logged, _metrics_of(raw) + _metrics_of(otherwise))])
        key = id(self.library), raw, otherwise, fix, without, known
        found = _texts.get(key)
        # The library is kept with its texts, so that no other one gets its identity.
        if found is None or found[0] is not self.library:
            if len(_texts) >= _MOST_TEXTS:
                _texts.clear()
            found = _texts[key] = self.library, self._worded(raw, otherwise, fix, without)
        return found[1]

    def _known_of(self, settings: frozenset[str]) -> str:
        """Return all that the wording of a text depends on, beside the library, by the settings that it names."""
        found = self._known.get(settings)
        if found is None:
            # A change of a controlled setting names what controls it.
            named = sorted({*settings, "target_kl"} if settings else settings)
            found = self._known[settings] = repr(
                [(key, self.value(key), self.places.get(key), key in self.controlled) for key in named]
            )
        return found

    def _worded(self, raw: str, otherwise: str, fix: str, without: Collection[str]) -> str:
        raw = _HAS.sub(self._of_what_is_logged, raw)
        raw = _PREFLIGHT.sub(lambda found: found[1 if self.library.preflight else 2], raw)
        if not self.library.preflight:
            raw = re.sub(r" \([^()]*rldoctor preflight[^()]*\)", "", raw)
        changes = _changes(raw)
        open_ = [change for change in changes if change[1] not in self.lacks and not self._is_made(*change)]
        if otherwise and changes and not open_:
            return self.text(otherwise, fix=fix, without=without)
        sentences = _SENTENCE.split(raw) if "{" in raw or not self.library.preflight else [raw]
        return " ".join(filter(None, (self._sentence(sentence, fix, without) for sentence in sentences)))

    def _target(self, setting: str, to: str) -> float:
        return float(to) * (self.rate if setting == "learning_rate" else 1.0)

    def _of_what_is_logged(self, found: re.Match[str]) -> str:
        metric, text, other = found.groups()
        if self.logged is None and text.endswith(".") and other:
            return f"{text} Where {metric} is not logged: {other[0].lower()}{other[1:]}"
        return str(text if self._is_logged(metric) else other)

    def _is_logged(self, metric: str) -> bool:
        return self.logged is None or metric in self.logged

    def _sentence(self, sentence: str, fix: str, without: Collection[str]) -> str:
        clauses = sentence.split(_CLAUSE)
        kept = [clause for clause in clauses if self._applies(clause, fix, without)]
        if not kept or not sentence:
            return ""
        text = self._filled(_CLAUSE.join(kept), fix)
        if kept[-1] is not clauses[-1] and sentence[-1] in ".!?":
            text += sentence[-1]
        # A changed beginning is the beginning of a sentence.
        begins_anew = kept[0] is not clauses[0] or kept[0].startswith("{")
        return f"{text[0].upper()}{text[1:]}" if begins_anew else text

    def _applies(self, clause: str, fix: str, without: Collection[str]) -> bool:
        if "{" not in clause and self.library.preflight:
            return True
        if "rldoctor preflight" in clause and not self.library.preflight:
            return False
        if "{fix" in clause and any(not (fix or instead) for instead in _FIX.findall(clause)):
            return False
        changes = _changes(clause)
        if changes:
            return not any(setting in without or self._is_made(verb, setting, to) for verb, setting, to in changes)
        return not (settings_of(clause) & set(without))

    def _is_made(self, verb: str, setting: str, to: str) -> bool:
        now, target = self.value(setting), self._target(setting, to)
        if not isinstance(now, (int, float)) or isinstance(now, bool):
            return False
        slack = _TOLERANCE * (max(abs(now), abs(target)) or 1.0)
        return now >= target - slack if verb == "raise" else now <= target + slack

    def _filled(self, text: str, fix: str) -> str:
        if "{" not in text:
            return text
        text = _FIX.sub(lambda found: fix or found[1], _CHANGE.sub(self._change, text))
        return _WORD.sub(lambda found: self.library.phrases.get(found[1]) or self._setting(found), text)

    def _setting(self, found: re.Match[str]) -> str:
        return self.name(found[1]) if found[1] in SETTINGS else found[0]

    def _change(self, found: re.Match[str]) -> str:
        verb, setting, to = found.groups()
        instead = self.library.instead.get(f"{verb} {setting} {to}")
        if instead:
            return instead
        if setting in self.controlled:
            return f"{verb} {self.name('target_kl')}, which controls {self.name(setting)}"
        now = self.value(setting)
        beside = f" if it is {'lower' if verb == 'raise' else 'higher'}"
        if isinstance(now, (int, float)):
            beside = self.now(setting, now)
        elif verb == "limit":
            beside = ""
        return f"{'set' if verb == 'limit' else verb} {self.name(setting)} to {show(self._target(setting, to))}{beside}"


# Texts as they were worded, with the library that they were worded for.
_texts: dict[tuple[int, str, str, str, frozenset[str], str], tuple[Library, str]] = {}


def explained(text: str) -> str:
    """Return a text of a rule as ``rldoctor explain`` shows it: for no run, in the words of Stable-Baselines3."""
    return Advice(library(EXPLAINED)).text(text)


@lru_cache(1024)
def _changes(text: str) -> tuple[tuple[str, str, str], ...]:
    """Return verb, setting and value of each change that a text asks for; the same few are asked for on every run."""
    return tuple(_CHANGE.findall(text))


@lru_cache(1024)
def _metrics_of(text: str) -> tuple[str, ...]:
    """Return the metrics for which a text asks whether they are logged."""
    return tuple(name for name, _, _ in _HAS.findall(text))


@lru_cache(1024)
def settings_of(text: str) -> frozenset[str]:
    """Return the settings that the placeholders of a text name."""
    words = {setting for _, setting, _ in _changes(text)} | set(_WORD.findall(text))
    return frozenset(words & SETTINGS)


def show(value: Json) -> str:
    """Return a setting's value as a person writes it."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:g}" if abs(value) >= _WHOLE else f"{value:.3g}"
