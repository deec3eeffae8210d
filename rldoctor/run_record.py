"""What ``run.json`` says of a training, read in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe, recipe_from_mapping
from rldoctor.run_directory import RUN_FILE, read_json


@dataclass(frozen=True)
class RunRecord:
    """What ``run.json`` says of a training, typed. What is missing or of the wrong type reads as not said.

    Attributes:
        content: The file as it is.
    """

    content: Mapping[str, Json] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """``running``, ``finished``, ``interrupted`` or ``failed``; empty where it is not said."""
        return self._text("status")

    @property
    def is_finished(self) -> bool:
        """Whether the training reached its total of steps."""
        return self.status == "finished"

    @property
    def error(self) -> str:
        """What broke the training, in the words of the exception."""
        return self._text("error")

    @property
    def engine(self) -> str:
        """What stepped the environments. Runs of earlier versions do not say: there was one engine."""
        return self._text("engine") or "gymnasium"

    @property
    def seed(self) -> int | None:
        """Seed of the training."""
        return self._count("seed")

    @property
    def steps(self) -> int | None:
        """Environment steps that the training has learned from."""
        return self._count("steps")

    @property
    def recipe_table(self) -> Mapping[str, Json]:
        """The recipe as it was written; empty where there is none."""
        return json_table(self.content, "recipe")

    @property
    def recipe(self) -> Recipe | None:
        """What was trained; ``None`` where that is not said, or is no recipe of this version."""
        try:
            return recipe_from_mapping(self.recipe_table, RUN_FILE) if self.recipe_table else None
        except UsageError:
            return None

    def require_recipe(self, directory: Path) -> Recipe:
        """Return what was trained in ``directory``, whose record this is.

        Raises:
            CannotJudge: That is not said.
            UsageError: The recipe is not valid.
        """
        if not self.recipe_table:
            raise CannotJudge(f"{directory / RUN_FILE} holds no recipe.", "It was not written by rldoctor.")
        return recipe_from_mapping(self.recipe_table, str(directory / RUN_FILE))

    def number(self, key: str) -> float | None:
        """Return a number of the record, such as ``train_seconds``."""
        return as_number(self.content.get(key))

    def _text(self, key: str) -> str:
        value = self.content.get(key)
        return value if isinstance(value, str) else ""

    def _count(self, key: str) -> int | None:
        value = self.content.get(key)
        return value if type(value) is int and value >= 0 else None


def read_run_record(directory: Path) -> RunRecord:
    """Read ``run.json``.

    Raises:
        CannotJudge: As :func:`read_json`.
    """
    return RunRecord(read_json(directory / RUN_FILE, "the record of a run"))


def as_number(value: Json) -> float | None:
    """Return a JSON number as a float; ``None`` for anything else, truth values included."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def json_table(content: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    """Return the table under ``key``, an empty one where there is none."""
    value = content.get(key)
    return value if isinstance(value, Mapping) else {}
