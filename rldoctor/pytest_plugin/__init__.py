"""The pytest plugin: a project's own tests assert that its environment, algorithm and runs pass.

Loaded by pytest through the entry point ``pytest11``; it imports the rest of rldoctor only when a test asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest

MARKER = "rldoctor"
_FIXTURES = ("assert_preflight", "assert_probes_pass", "assert_gate")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", f"{MARKER}: uses rldoctor's fixtures, which train and play: -m 'not {MARKER}'")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses one of the fixtures."""
    for item in items:
        if set(_FIXTURES) & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKER)


@pytest.fixture
def assert_preflight() -> Callable[..., Any]:
    """Return ``assert_preflight(env, **options)``: the environment passes preflight.

    ``env`` is an id or a function that makes an environment; the options are those of :func:`rldoctor.preflight`.
    """

    def check(env: Any, **options: Any) -> Any:
        import rldoctor

        return _passed(lambda: rldoctor.preflight(env, **options))

    return check


@pytest.fixture
def assert_gate() -> Callable[..., Any]:
    """Return ``assert_gate(runs, **options)``: the evaluation of the runs passes its criteria.

    The options are those of :func:`rldoctor.gate`, such as ``require={"success_rate": 0.9}``.
    """

    def check(*runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], **options: Any) -> Any:
        import rldoctor

        return _passed(lambda: rldoctor.gate(*runs, **options))

    return check


@pytest.fixture
def assert_probes_pass() -> Callable[..., Any]:
    """Return ``assert_probes_pass(train, **options)``: the algorithm passes the probes.

    ``train`` is the function that ``rldoctor probe`` takes, or its name; the options are those of
    :func:`rldoctor.probe`, such as ``algorithm="dqn"``.
    """

    def check(train: Any, **options: Any) -> Any:
        import rldoctor

        return _passed(lambda: rldoctor.probe(train, **options))

    return check


def _passed(examine: Callable[[], Any]) -> Any:
    """Return the report of an examination; fail the test with the report where it did not pass, or was not judged."""
    from rldoctor.errors import RldoctorError
    from rldoctor.render.terminal.report import lines_of

    try:
        report = examine()
    except RldoctorError as error:
        pytest.fail(str(error), pytrace=False)
    if report.exit_code:
        pytest.fail("\n".join(lines_of(report, verbose=False)), pytrace=False)
    return report
