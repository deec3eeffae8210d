"""Post-mortem of trainings that broke, recorded with four libraries and made up: what left its band first is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.robots import crashes, named
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Run, Verdict
from rldoctor.rulebook.movers import movers
from tests.robots.robot import Robot, robot, run_of
from tests.robots.stories import cut, grown, penalty_explosion, std_nan


def broken(spoil: Callable[[Robot, int], None], learns: int = 14) -> Callable[[int], Run]:
    """Return a story of a healthy robot that is spoilt at a place drawn anew, and is not a number some points later."""

    def story(seed: int) -> Run:
        made = robot(seed)
        at = int(made.n * made.rng.uniform(0.5, 0.9))
        spoil(made, at)
        return run_of(cut(made.tags(), at + learns + 3, at + learns))

    return story


def critic(made: Robot, at: int) -> None:
    made.value_loss = grown(made.value_loss, at, 2.5)
    made.std = grown(made.std, at + 7, 1.3)


def spread(made: Robot, at: int) -> None:
    made.std = grown(made.std, at, 1.3)
    made.value_loss = grown(made.value_loss, at + 7, 2.5)
    made.terms["action_rate_l2"] = grown(made.terms["action_rate_l2"], at + 9, 2.0)


def rate(made: Robot, at: int) -> None:
    made.rate = grown(np.full(made.n, 3e-4), at, 2.0)
    made.value_loss = grown(made.value_loss, at + 6, 2.5)


def torques(made: Robot, at: int) -> None:
    made.terms["dof_torques_l2"] = grown(made.terms["dof_torques_l2"], at, 1.5)
    made.value_loss = grown(made.value_loss, at + 5, 2.0)


def acceleration(made: Robot, at: int) -> None:
    made.terms["dof_acc_l2"] = grown(made.terms["dof_acc_l2"], at, 4.0)
    made.value_loss = grown(made.value_loss, at + 2, 4.0)
    made.std = grown(made.std, at + 4, 1.5)


def slow_critic(made: Robot, at: int) -> None:
    made.value_loss = grown(made.value_loss, at - 20, 1.4)
    made.terms["action_rate_l2"] = grown(made.terms["action_rate_l2"], at + 6, 2.0)


CRASHES: dict[str, tuple[Callable[[int], Run], tuple[str, ...]]] = {
    "action rate, critic, spread": (penalty_explosion, ("term/action_rate_l2",)),
    "all at once": (std_nan, ("value_loss", "policy_loss", "entropy", "std")),
    "critic": (broken(critic), ("value_loss",)),
    "spread": (broken(spread), ("std", "entropy")),
    "learning rate": (broken(rate), ("learning_rate",)),
    "torques": (broken(torques), ("term/dof_torques_l2",)),
    "joint acceleration": (broken(acceleration, 8), ("term/dof_acc_l2",)),
    "critic, slowly": (broken(slow_critic), ("value_loss",)),
}


def test_the_first_mover_of_recorded_crashes_is_right_in_nine_of_ten() -> None:
    right = {stranger.name: named(stranger) for stranger in crashes()}
    assert len(right) >= 10
    assert sum(right.values()) >= 0.9 * len(right), right


@pytest.mark.parametrize("seed", [1, 2])
def test_the_first_mover_of_made_up_crashes_is_right_in_all_but_one(seed: int) -> None:
    told = {name: movers(story(seed)) for name, (story, _) in CRASHES.items()}
    wrong = {n: found[:2] for n, found in told.items() if not found or found[0].metric not in CRASHES[n][1]}
    assert len(wrong) <= 1, wrong


def test_the_order_is_told_with_steps_as_the_library_calls_them() -> None:
    subject = diagnose_run(penalty_explosion(3))
    assert subject.verdict is Verdict.SICK
    found = next(item for item in subject.findings if item.code == "NUM111")
    places = [found.message.index(tag) for tag in ("Episode_Reward/action_rate_l2", "Loss/value_function")]
    assert places == sorted(places)
    assert "Clip the actions" in found.remedy


def test_what_was_finite_to_the_end_had_no_first_mover() -> None:
    for seed in range(4):
        assert movers(robot(seed).run()) == ()


def test_the_table_marks_what_the_post_mortem_names() -> None:
    said = diagnose_run(penalty_explosion(5))
    [row] = [row for row in said.table if row.metric == "value_loss"]
    assert "Loss/value_function at" in next(str(f.evidence["subject"]) for f in said.findings if f.code == "NUM111")
    assert row.mark == "bad"
