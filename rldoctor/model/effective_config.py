"""The effective configuration: its keys with where each comes from, and what a project adds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rldoctor.model.enums import Json


@dataclass(frozen=True)
class EffectiveKey:
    """A key, its value as a person writes it, and where it comes from: ``default``, a file, the command line."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True)
class Addition:
    """Something that the project adds: a reference, sign, diagnosis, metric, tag mapping, expectation or check."""

    kind: str
    name: str
    place: str


@dataclass(frozen=True)
class EffectiveConfig:
    """The effective configuration.

    Attributes:
        file: The configuration that was read; empty for none.
        looked_at: The files that were looked at, the nearest first.
        keys: Every key; of a table each entry.
        additions: What the project adds.
    """

    file: str
    looked_at: tuple[str, ...]
    keys: tuple[EffectiveKey, ...]
    additions: tuple[Addition, ...]

    def to_json(self) -> dict[str, Json]:
        """Return it as ``rldoctor config --format json`` prints it."""
        return asdict(self)
