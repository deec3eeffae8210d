"""The installed packages work together.

What it does: reads the installed versions, without importing anything, and compares them with the combinations that
are known to be broken (``checks/preflight/versions.toml``).

Why it matters: an update of one package can break another, and the error appears far from the cause. With mujoco 3.12
or later, gymnasium-robotics 1.4.2 fails in ``gymnasium.make`` with an AssertionError without a message, and an unpinned
``pip install`` installs exactly that pair.

What to do: run the command in the finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rldoctor import datafile, machine
from rldoctor.errors import UsageError
from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, check, error, note
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.expectations import Table, read_toml

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True)
class BrokenTogether:
    """Versions that do not work together: see the keys of ``versions.toml``."""

    name: str
    packages: Mapping[str, SpecifierSet]
    breaks: str
    symptom: str
    why: str
    cure: str

    def fits(self, versions: Mapping[str, str | None]) -> bool:
        """Return whether every package is installed in a version that is broken."""
        from packaging.version import InvalidVersion, Version

        try:
            return all(
                broken.contains(Version(versions.get(package) or ""), prereleases=True)
                for package, broken in self.packages.items()
            )
        except InvalidVersion:
            return False


@cache
def known_broken() -> tuple[BrokenTogether, ...]:
    """Return the shipped combinations."""
    path = datafile.folder("checks") / "preflight" / "versions.toml"
    rules = Table(read_toml(path), path.name).get("broken", list, required=True)
    return tuple(broken_from(Table(rule, f"{path.name}: broken[{i}]")) for i, rule in enumerate(rules))


def broken_from(table: Table) -> BrokenTogether:
    """Build one combination from its table.

    Raises:
        UsageError: A key is missing, unknown or not valid; the message names file and key.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    packages = table.table("packages").data
    try:
        specifiers = {package: SpecifierSet(text) for package, text in packages.items()}
    except (InvalidSpecifier, AttributeError):
        raise UsageError(f"{table.where}: packages = {dict(packages)!r} are no version specifiers.") from None
    if not specifiers:
        raise UsageError(f"{table.where}: the key 'packages' is missing.")
    texts = {key: table.get(key, str, required=True) for key in ("name", "breaks", "symptom", "why", "cure", "source")}
    table.finish()
    return BrokenTogether(texts["name"], specifiers, texts["breaks"], texts["symptom"], texts["why"], texts["cure"])


def broken_combinations(versions: Mapping[str, str | None], entry_point: str) -> list[Finding]:
    """Judge installed versions.

    Args:
        versions: Distribution to version, ``None`` where it is not installed.
        entry_point: Where the environment's class comes from, ``module:class``; empty where its package could not
            even be imported.

    Returns:
        An error for each combination that breaks this environment, a note for one that breaks others.
    """
    findings = []
    for rule in known_broken():
        if not rule.fits(versions):
            continue
        message = f"{' and '.join(f'{package} {versions[package]}' for package in rule.packages)} do not work together"
        affected = not entry_point or entry_point.startswith(rule.breaks)
        found = error if affected else note
        findings.append(
            found(
                "versions-broken-together" if affected else "versions-broken-elsewhere",
                f"{message}: {rule.why}." if affected else f"{message}; this environment does not use them.",
                rule.cure,
                observed={package: versions[package] for package in rule.packages},
                broken_together={package: str(specifier) for package, specifier in rule.packages.items()},
            )
        )
    return findings


@check(
    "SYS101",
    "package-versions",
    Group.MACHINE,
    faults=("versions-broken-together", "versions-broken-elsewhere"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the installed versions with the combinations that are known to be broken."""
    versions = machine.versions()
    yield from broken_combinations(versions, context.entry_point)
    shown = ("torch", "stable-baselines3", "gymnasium", "gymnasium-robotics", "mujoco")
    return ", ".join(f"{name} {versions[name]}" for name in shown if versions[name])
