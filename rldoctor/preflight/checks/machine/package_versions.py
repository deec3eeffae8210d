"""The installed packages fit together.

What it does: reads the installed versions, without importing anything, and compares them with the combinations that
are known to be broken (``checks/preflight/versions.toml``).

Why it matters: a package that moved on under another one fails far from the cause. With mujoco 3.12 or later,
gymnasium-robotics 1.4.2 dies in ``gymnasium.make`` with an AssertionError that says nothing, and an unpinned
``pip install`` brings exactly that pair.

What to do: run the command in the finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from rldoctor import datafile, machine
from rldoctor.errors import UsageError
from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, check, error, note
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.expectations import Table, read_toml


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
        """Tell whether every package is installed in a version that is broken."""
        for package, broken in self.packages.items():
            try:
                installed = Version(versions.get(package) or "")
            except InvalidVersion:
                return False
            if not broken.contains(installed, prereleases=True):
                return False
        return True


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
    packages = table.table("packages").data
    try:
        specifiers = {package: SpecifierSet(text) for package, text in packages.items()}
    except (InvalidSpecifier, AttributeError):
        raise UsageError(f"{table.where}: packages = {dict(packages)!r} holds no valid version specifiers.") from None
    if not specifiers:
        raise UsageError(f"{table.where}: the key 'packages' is missing.")
    texts = {key: table.get(key, str, required=True) for key in ("name", "breaks", "symptom", "why", "cure", "source")}
    table.finish()
    return BrokenTogether(texts["name"], specifiers, texts["breaks"], texts["symptom"], texts["why"], texts["cure"])


def broken_combinations(
    versions: Mapping[str, str | None], entry_point: str, rules: tuple[BrokenTogether, ...] | None = None
) -> list[Finding]:
    """Judge installed versions.

    Args:
        versions: Distribution to version, ``None`` where it is not installed.
        entry_point: Where the environment's class comes from, ``module:class``; empty where its package could not
            even be imported.
        rules: The known combinations; the shipped ones without them.

    Returns:
        An error for each combination that breaks this environment, a note for one that breaks others.
    """
    findings = []
    for rule in known_broken() if rules is None else rules:
        if not rule.fits(versions):
            continue
        names = " and ".join(f"{package} {versions[package]}" for package in rule.packages)
        installed = {package: versions[package] for package in rule.packages}
        broken = {package: str(specifier) for package, specifier in rule.packages.items()}
        if not entry_point or entry_point.startswith(rule.breaks):
            message = f"{names} do not work together: {rule.why}."
            findings.append(
                error("versions-broken-together", message, rule.cure, observed=installed, broken_together=broken)
            )
        else:
            message = f"{names} do not work together; this environment does not use them."
            findings.append(
                note("versions-broken-elsewhere", message, rule.cure, observed=installed, broken_together=broken)
            )
    return findings


@check(
    "SYS101",
    "package-versions",
    Group.MACHINE,
    faults=("versions-broken-together", "versions-broken-elsewhere"),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Compare the installed versions with what is known to be broken."""
    yield from broken_combinations({name: machine.version(name) for name in machine.DISTRIBUTIONS}, patient.entry_point)
    shown = ("torch", "stable-baselines3", "gymnasium", "gymnasium-robotics", "mujoco")
    return ", ".join(f"{name} {machine.version(name)}" for name in shown if machine.version(name))
