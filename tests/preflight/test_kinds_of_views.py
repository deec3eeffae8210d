"""Late parts, rings of frames, clipped numbers, jumping angles and frames that stay are named; sound ones are not."""

from __future__ import annotations

import pytest

from rldoctor.model import CheckResult, Finding, Outcome
from rldoctor.preflight.runner import run_preflight
from tests.preflight import kinds_of_views as own
from tests.preflight.examining import examined, one_in


def looked_at(name: str, code: str) -> tuple[list[Finding], CheckResult]:
    """Return what a check finds on an environment, and its result."""
    result = examined(name, code, own)
    (check,) = (check for check in result.checks if check.code == code)
    return [finding for finding in result.findings if finding.code == code], check


@pytest.mark.parametrize(
    ("name", "code", "finding"),
    one_in(
        2,
        [
            ("OneAxisLate", "ENV215", "observation-part-late"),
            ("OneKeyLate", "ENV215", "observation-part-late"),
            ("LatePlaces", "ENV311", "action-takes-effect-late"),
            ("QueueOfOne", "ENV311", "action-takes-effect-late"),
            ("HiddenCell", "ENV411", "reward-needs-what-is-hidden"),
            ("HiddenDoor", "ENV411", "reward-needs-what-is-hidden"),
            ("Turntable", "ENV214", "angle-jumps"),
            ("DegreesInADict", "ENV214", "angle-jumps"),
            ("Granary", "ENV214", "observation-wraps-around"),
            ("Battery", "ENV214", "counter-overflows"),
            ("ring", "ENV216", "frames-out-of-order"),
            ("ring_of_places", "ENV216", "frames-out-of-order"),
            ("Clipped", "ENV217", "observation-saturated"),
            ("ClippedPart", "ENV217", "observation-saturated"),
            ("old_frames", "ENV111", "state-outlives-episode"),
            ("SmoothedView", "ENV111", "state-outlives-episode"),
            ("DeadLamp", "ENV205", "observation-dimensions-constant"),
            ("SameWish", "ENV205", "observation-part-frozen"),
        ],
    ),
)
def test_the_fault_is_named(name, code, finding):
    assert [one.name for one in looked_at(name, code)[0]] == [finding]


@pytest.mark.parametrize(
    ("code", "name"),
    one_in(
        3,
        [
            *(("ENV215", name) for name in ("NowAndBefore", "LastDemand", "PlacesAlone", "Fleeting")),
            *(("ENV311", name) for name in ("PlacesAlone", "PlacesAndTorque", "stacked", "Plane")),
            *(("ENV411", name) for name in ("ShownCell", "ShownByDirection", "UnusedCell")),
            *(("ENV214", name) for name in ("AroundZero", "SineAndCosine", "Winding")),
            *(("ENV214", name) for name in ("GranaryThatEmpties", "Reloads", "Encoder")),
            *(("ENV216", name) for name in ("in_order", "stacked", "Turns")),
            *(("ENV217", name) for name in ("ClippedALittle", "Signs", "Switches")),
            *(("ENV111", name) for name in ("new_frames", "SmoothedAnew", "RemembersLast")),
            *(("ENV205", name) for name in ("Lamps", "RareAlarm", "Plane")),
        ],
    ),
)
def test_what_looks_alike_is_left_alone(code, name):
    found, check = looked_at(name, code)
    assert not found and check.outcome in (Outcome.PASSED, Outcome.SKIPPED), check.note


@pytest.mark.parametrize(("name", "attribute"), [("old_frames", "frames"), ("SmoothedView", "memory")])
def test_what_outlives_an_episode_is_named(name, attribute):
    (finding,), _ = looked_at(name, "ENV111")
    assert finding.evidence["attributes"] == [attribute]
    assert f"self.{attribute}" in finding.remedy


def test_an_angle_whose_jump_is_elsewhere_is_noted():
    (finding,), _ = looked_at("Heading", "ENV214")
    assert finding.name == "angle-jumps" and finding.severity.value == "note"


def test_what_cannot_be_judged_has_not_passed(tmp_path):
    (tmp_path / "counts.py").write_text(
        "from tests.preflight.kinds_of_views import Plane\n"
        "EPISODES = 0\n"
        "class Counts(Plane):\n"
        "    def begin(self):\n"
        "        global EPISODES\n"
        "        EPISODES += 1\n"
        "        self.x = 0.01 * EPISODES\n"
    )
    result = run_preflight(f"{tmp_path / 'counts.py'}:Counts", select=("ENV105",), budget=600.0)
    (check,) = (check for check in result.checks if check.code == "ENV111")
    assert check.outcome is Outcome.NOT_RUN and "ENV105" in check.note
    assert [one.name for one in result.findings if one.code == "ENV105"] == ["trajectory-not-reproducible"]
