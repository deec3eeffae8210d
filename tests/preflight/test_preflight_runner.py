from __future__ import annotations

import pytest

from rldoctor.config import DEFAULTS
from rldoctor.errors import UsageError
from rldoctor.model import Outcome, Severity, Verdict
from rldoctor.preflight.check import SECTIONS, Check, Group, Skipped, error, warning
from rldoctor.preflight.checks import all_checks, in_order
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.runner import run_checks, run_preflight, with_required
from rldoctor.rulebook.selection import CHECKS


def check(code, run, requires=(), faults=("broken",), group=Group.ENVIRONMENT):
    name = f"name-of-{code.lower()}"
    return Check(code=code, name=name, docs="Title.\n\nText.", group=group, requires=requires, faults=faults, run=run)


def chosen(**words):
    return CHECKS.apply(all_checks(), DEFAULTS, complete=with_required, **words).rules


def passes(context):
    yield from ()
    return "1.5 m"


def fails(context):
    yield error("broken", "It is broken.", "Fix it.")


def warns(context):
    yield warning("broken", "It is odd.", "Look.")


def crashes(context):
    yield warning("broken", "Seen before the crash.", "Look.")
    raise ZeroDivisionError("by zero\nin two lines")


def does_not_apply(context):
    yield from ()
    raise Skipped("no goals")


def run(*checks):
    results = run_checks(checks, PreflightContext("CartPole-v1"), lambda name, place, total: None)
    return {result.code: (result, findings) for result, findings in results}


def test_outcomes_and_what_a_check_measured():
    results = run(check("ENV901", passes), check("ENV902", warns), check("ENV903", does_not_apply))
    assert [result.outcome for result, _ in results.values()] == ["passed", "fired", "skipped"]
    assert results["ENV901"][0].note == "1.5 m"
    assert results["ENV902"][1][0].code == "ENV902"
    assert results["ENV903"][0].note == "no goals"


def test_a_crash_becomes_a_finding_and_the_others_run():
    results = run(check("ENV901", crashes), check("ENV902", passes))
    before, crash = results["ENV901"][1]
    assert before.name == "broken"
    assert (crash.name, crash.severity) == ("check-crashed", Severity.ERROR)
    assert "name-of-env901 (ENV901)" in crash.message
    assert "ZeroDivisionError: by zero." in crash.message
    assert "\n" not in crash.message
    assert results["ENV902"][0].outcome is Outcome.PASSED


def test_a_finding_that_is_not_declared_is_a_defect():
    (finding,) = run(check("ENV901", fails, faults=()))["ENV901"][1]
    assert finding.name == "check-crashed"


def test_what_follows_a_failure_is_not_run():
    results = run(
        check("ENV901", fails),
        check("ENV902", passes, requires=("ENV901",)),
        check("ENV903", passes, requires=("ENV902",)),
        check("ENV904", passes),
    )
    assert [e.outcome for e, _ in results.values()] == ["fired", "not-run", "not-run", "passed"]
    assert results["ENV903"][0].note == "not run: name-of-env901 (ENV901) failed"


def test_a_warning_blocks_nothing():
    results = run(check("ENV901", warns), check("ENV902", passes, requires=("ENV901",)))
    assert results["ENV902"][0].outcome is Outcome.PASSED


def test_order_is_group_then_code_and_prerequisites_first():
    machine = check("SYS901", passes, requires=("ENV901",), group=Group.MACHINE)
    checks = in_order([check("ENV902", passes), machine, check("ENV901", passes)])
    assert [c.code for c in checks] == ["ENV901", "SYS901", "ENV902"]
    with pytest.raises(ValueError, match="require each other"):
        in_order([check("ENV901", passes, requires=("ENV902",)), check("ENV902", passes, requires=("ENV901",))])
    with pytest.raises(ValueError, match=r"no checks.*ENV903"):
        in_order([check("ENV901", passes, requires=("ENV903",))])
    with pytest.raises(ValueError, match=r"share a code"):
        in_order([check("ENV901", passes), check("ENV901", passes)])


def test_select_brings_prerequisites_and_ignore_takes_away():
    codes = [c.code for c in chosen(select=["ENV304"])]
    assert codes == [
        "ENV101",
        "ENV102",
        "ENV111",
        "ENV201",
        "ENV202",
        "ENV124",
        "ENV205",
        "ENV206",
        "ENV301",
        "ENV302",
        "ENV304",
    ]
    assert "ENV301" not in [c.code for c in chosen(select=["action-movement"], ignore=["ENV301"])]
    assert {c.group for c in chosen(ignore=["ENV"])} == {Group.MACHINE}


def test_unknown_prefix_offers_near_matches():
    with pytest.raises(UsageError, match=r"'throughputt'.*Did you mean throughput"):
        run_preflight("CartPole-v1", select=["throughputt"])
    with pytest.raises(UsageError, match="ENV999"):
        run_preflight("CartPole-v1", ignore=["ENV999"])


def test_unknown_environment_is_a_usage_error():
    with pytest.raises(UsageError, match="FetchReachDense-v4"):
        run_preflight("FetchReachDens-v4")


def test_environment_that_cannot_be_made(monkeypatch):
    """Machine checks still run; everything else is not run; the known symptom brings the known cure."""
    import gymnasium

    def set_joint_qpos():
        raise AssertionError

    def make(*args, **kwargs):
        set_joint_qpos()

    monkeypatch.setattr(gymnasium, "make", make)
    result = run_preflight("FetchReachDense-v4")
    broken = next(f for f in result.findings if f.name == "environment-broken")
    assert "mujoco" in broken.message
    assert "gymnasium-robotics" in broken.message
    assert "python -m pip install 'mujoco<3.12'" in broken.remedy
    outcomes = {e.code: e.outcome for e in result.checks}
    assert outcomes["SYS104"] is Outcome.PASSED
    assert outcomes["SYS301"] is Outcome.NOT_RUN
    assert {outcomes[c.code] for c in all_checks() if c.code.startswith("ENV") and c.code != "ENV101"} == {"not-run"}
    assert result.verdict is Verdict.SICK
    assert all(missed.reason for missed in result.unjudged)


def test_nothing_run_is_unjudged():
    result = run_preflight("CartPole-v1", select=["ENV101"], ignore=["ENV101"])
    assert result.verdict is Verdict.UNJUDGED


def test_watcher_and_shared_measurements():
    seen, measured = [], {"baselines": {"random": {"return_mean": 1.0}}}
    result = run_preflight(
        "CartPole-v1",
        select=["ENV601"],
        measured=measured,
        watcher=lambda name, place, total: seen.append((name, place, total)),
    )
    assert seen == [("environment-makes", 0, 3), ("step-and-reset", 1, 3), ("baseline-policies", 2, 3)]
    assert result.facts["baselines"] == measured["baselines"]


@pytest.mark.parametrize("declared", all_checks(), ids=lambda declared: declared.code)
def test_every_check_has_a_page(declared):
    assert declared.title.endswith(".")
    assert tuple(heading for heading, _ in declared.sections) == SECTIONS
    assert len(declared.docs) > 160
    assert declared.code.startswith("SYS") == (declared.group is Group.MACHINE)
    assert declared.faults


def test_names_are_used_once():
    names = [check.name for check in all_checks()]
    faults = [fault for check in all_checks() for fault in check.faults]
    assert len(set(names)) == len(names)
    assert len(set(faults)) == len(faults)
