"""Known defects of versions of packages: ``checks/advisories.toml``, and where each of them matters."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from rldoctor import datafile
from rldoctor.datafile import Table, Text
from rldoctor.model import Finding, Json, Run, Severity, Verdict
from rldoctor.run_record import RunRecord

CODE, NAME = "SYS101", "package-versions"
"""Of the preflight check; a diagnosis reports under the same code."""
_SPECIFIERS = re.compile(r"\s*(===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*(,\s*(===|==|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*)*")
_NUMBERS, _PLAIN = re.compile(r"\d+(\.\d+)*"), re.compile(r"(<=|>=|<|>|==)(\d+(?:\.\d+)*)")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
_Versions = Annotated[dict[str, str], Meta(min_length=1)]
# Tells the version of a distribution; None where it is not installed, or not known.
VersionOf = Callable[[str], str | None]


class Applies(Table, frozen=True):
    """Where an advisory matters: see the comments in ``advisories.toml``."""

    environments: tuple[str, ...] = ()
    env_ids: tuple[Text, ...] = ()
    except_ids: tuple[Text, ...] = ()
    simulator: Literal["", "mujoco"] = ""
    wrappers: tuple[Text, ...] = ()
    folder: str = ""
    frameworks: tuple[Text, ...] = ()
    algorithms: tuple[Text, ...] = ()
    lacks: str = ""


@dataclass(frozen=True)
class Subject:
    """What is known of what is examined: an environment, or the log of a run. What is empty is not known.

    Attributes:
        env_id: Gymnasium id of the environment.
        modules: Of the environment's class and its bases.
        simulator: ``mujoco`` where the environment holds a model of MuJoCo.
        wrappers: Class names of its wrappers.
        framework: Of a log.
        algorithm: Of a log.
        metrics: That a log has; ``None`` for an environment.
    """

    env_id: str = ""
    modules: Collection[str] = ()
    simulator: str = ""
    wrappers: Collection[str] = ()
    framework: str = ""
    algorithm: str = ""
    metrics: Collection[str] | None = None


class Advisory(Table, frozen=True):
    """A defect of versions of packages: see the comments in ``advisories.toml``."""

    name: Text
    packages: _Versions
    severity: Severity
    applies: Applies
    wrong: Text
    cure: Text
    source: Text
    verified: Text
    fires: Annotated[tuple[_Versions, ...], Meta(min_length=1)]
    silent: Annotated[tuple[_Versions, ...], Meta(min_length=1)]
    breaks: bool = False
    symptom: str = ""
    instead: dict[str, Text] = {}  # noqa: RUF012

    def __post_init__(self) -> None:
        """Refuse versions that are no version specifiers, and an advisory that would never matter."""
        # By their form: the library that compares versions takes longer to import than a diagnosis takes.
        if not all(_SPECIFIERS.fullmatch(versions) for versions in self.packages.values()):
            raise ValueError(f"packages = {self.packages!r} must be version specifiers")
        if self.applies == Applies():
            raise ValueError("applies must say where it matters")

    def fits(self, version_of: VersionOf) -> bool:
        """Return whether every package is there in a version that has the defect."""
        if any(version_of(package) is None for package in self.packages):
            return False
        if any(_is_outside(version_of(package) or "", affected) for package, affected in self.packages.items()):
            return False
        # Late: it takes longer to import than a diagnosis takes, and few subjects come this far.
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion, Version

        try:
            return all(
                SpecifierSet(affected).contains(Version(version_of(package) or ""), prereleases=True)
                for package, affected in self.packages.items()
            )
        except InvalidVersion:
            return False

    def matters(self, subject: Subject) -> bool:
        """Return whether the subject has what the defect is in, as far as that is known."""
        where = self.applies
        by_class = any(module.startswith(begin) for module in subject.modules for begin in where.environments)
        always = "" in where.environments
        env_id = subject.env_id.rpartition(":")[2]
        by_id = any(fnmatchcase(env_id, pattern) for pattern in where.env_ids)
        by_simulator = bool(where.simulator) and where.simulator == subject.simulator
        asks_for_env = bool(where.environments or where.env_ids or where.simulator)
        return (
            (not asks_for_env or always or by_class or by_id or by_simulator)
            and not any(fnmatchcase(env_id, pattern) for pattern in where.except_ids)
            and (not where.wrappers or any(name in where.wrappers for name in subject.wrappers))
            and (not where.folder or (subject.metrics is None and Path(where.folder).is_dir()))
            and (not where.frameworks or subject.framework in where.frameworks)
            and (not where.algorithms or subject.algorithm in where.algorithms)
            and (not where.lacks or (subject.metrics is not None and where.lacks not in subject.metrics))
        )

    def cure_with(self, version_of: VersionOf) -> str:
        """Return the cure, or the one that is meant where another package is installed too."""
        return next((cure for package, cure in self.instead.items() if version_of(package)), self.cure)


def _is_outside(version: str, affected: str) -> bool:
    """Return whether plain numbers show at a glance that a version is not among those that specifiers mean."""
    for clause in affected.split(","):
        found = _PLAIN.fullmatch(clause)
        if found is None or not _NUMBERS.fullmatch(version):
            continue
        have, limit = ([int(part) for part in text.split(".")] for text in (version, found[2]))
        # 2.3.0 is no less than 2.3.
        length = max(len(have), len(limit))
        have, limit = (numbers + [0] * (length - len(numbers)) for numbers in (have, limit))
        if not _COMPARE[found[1]](have, limit):
            return True
    return False


class _File(Table, frozen=True):
    advisory: tuple[Advisory, ...]


@cache
def shipped_advisories() -> tuple[Advisory, ...]:
    """Return the shipped advisories, in the order of their file.

    Raises:
        UsageError: The file is not valid.
    """
    return datafile.load(datafile.folder("checks") / "advisories.toml", _File).advisory


def find_advisories(version_of: VersionOf, subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each advisory that fits the versions and matters here.

    One that breaks other environments than this one is a note without advice: its cure might break this one.

    Args:
        version_of: Tells the version of a distribution.
        subject: What is examined.
    """
    for advisory in shipped_advisories():
        matters = advisory.matters(subject)
        # Of what does not matter, a run is told nothing; comparing versions takes longest.
        if (not matters and subject.metrics is not None) or not advisory.fits(version_of):
            continue
        named = " and ".join(f"{package} {version_of(package)}" for package in advisory.packages)
        evidence: dict[str, Json] = {"advisory": advisory.name, "affected": advisory.packages}
        evidence |= {package: version_of(package) for package in advisory.packages}
        if not matters:
            if advisory.breaks:
                message = f"{named} do not work together; this environment does not use them."
                yield Finding(CODE, "versions-broken-elsewhere", Severity.NOTE, message, "", evidence)
            continue
        together = " do not work together" if advisory.breaks else ""
        name = "versions-broken-together" if advisory.breaks else "version-advisory"
        message = f"{named}{together}: {advisory.wrong}."
        yield Finding(CODE, name, advisory.severity, message, advisory.cure_with(version_of), evidence)


def advisory_findings(run: Run, verdict: Verdict) -> tuple[Finding, ...]:
    """Return a finding for each defect that matters for a run; notes where the run is healthy all the same."""
    if not run.versions:
        return ()
    recipe = RunRecord(run.record).recipe
    subject = Subject(
        env_id=recipe.env if recipe else run.settings.env if run.settings else "",
        framework=run.framework,
        algorithm=run.algorithm,
        metrics=tuple(run.curves),
    )
    found = find_advisories(run.versions.get, subject)
    if verdict is Verdict.HEALTHY:
        return tuple(replace(finding, severity=Severity.NOTE) for finding in found)
    return tuple(found)
