"""Verdicts on trainings that still run: schedule, row of examinations, phases, and recorded runs as they grew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.corpus import RECORDED, RecordedRun, recorded_runs
from benchmarks.watch.prefixes import course_of
from rldoctor.diagnosis.live.course import Course
from rldoctor.diagnosis.live.glance import Glance, glance
from rldoctor.diagnosis.live.memory import Memory
from rldoctor.diagnosis.live.phase import Phases, shipped_phases
from rldoctor.diagnosis.live.rules import live_rules
from rldoctor.diagnosis.live.schedule import Schedule, shares
from rldoctor.diagnosis.live.session import LiveSession, last_line
from rldoctor.logs.series import MOST_POINTS, Series
from rldoctor.model import Json, Verdict
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.applicable import applicable
from rldoctor.rulebook.detectors.shape import Gain
from rldoctor.settings.in_memory import settings_in_memory

SICK = Glance(0, 10, Verdict.SICK, "learning-rate-too-high", 0.9, False, 0.1, ("UPD101 approx-kl-above-range",))
SUSPECT = Glance(0, 10, Verdict.SUSPECT, "learning-rate-too-high", 0.6, False, 0.4, ("UPD101 approx-kl-above-range",))
CLEAR = Glance(0, 10, Verdict.SUSPECT, "learning-rate-too-high", 0.95, True, 0.05, ("UPD103 approx-kl-extreme",))
FINE = Glance(0, 10, Verdict.HEALTHY, health=0.9)
NOTHING = Glance(0, 10, Verdict.UNJUDGED, health=0.5)


def verdicts(*glances: Glance) -> list[str]:
    course = Course()
    return [str(course.add(glance).verdict) for glance in glances]


def test_a_run_is_examined_more_than_twenty_times_at_fixed_steps() -> None:
    assert len(shares()) > 20 and shares()[-1] == 1.0
    schedule = Schedule(1000)
    due = [step for step in range(0, 1001, 5) if schedule.is_due(step, 10)]
    assert due == [round(1000 * share) for share in shares()]


def test_what_was_due_before_there_were_points_is_made_up_for_once() -> None:
    schedule = Schedule(1000)
    assert [schedule.is_due(step, points) for step, points in ((100, 1), (200, 2), (201, 3))] == [False, True, False]


def test_without_a_plan_examinations_grow_rarer_with_the_points() -> None:
    schedule = Schedule(None)
    due = [points for points in range(1, 2001) if schedule.is_due(points, points)]
    assert due[:3] == [2, 3, 4] and 20 < len(due) < 150


def test_one_examination_is_not_enough_and_three_are() -> None:
    assert verdicts(SICK, SICK, SICK) == ["unjudged", "unjudged", "sick"]
    assert verdicts(SUSPECT, NOTHING, SUSPECT, SUSPECT, SUSPECT)[-2:] == ["unjudged", "suspect"]


def test_a_clear_cause_is_warned_about_at_once_and_never_stops_a_run_by_itself() -> None:
    course = Course()
    assert course.add(CLEAR).verdict is Verdict.SUSPECT
    assert not course.hopeless
    assert "no longer show UPD103 approx-kl-extreme" in course.taken_back_when


def test_a_verdict_does_not_flicker_and_is_withdrawn_after_three_that_find_nothing() -> None:
    assert verdicts(*[SICK] * 3, NOTHING, SICK, NOTHING, NOTHING) == ["unjudged"] * 2 + ["sick"] * 5
    assert verdicts(*[SICK] * 3, *[FINE] * 3)[-2:] == ["sick", "healthy"]
    course = Course()
    for each in [SICK] * 3 + [NOTHING] * 3:
        course.add(each)
    assert "withdrawn" in course.news and course.standing.verdict is Verdict.UNJUDGED


def test_confidence_rises_with_every_examination_that_agrees() -> None:
    course = Course()
    rising = [course.add(CLEAR).confidence for _ in range(3)]
    assert rising == sorted(set(rising)) and rising[-1] < CLEAR.probability


def test_an_error_is_believed_sooner_and_a_single_sign_later() -> None:
    assert verdicts(*[replace(SICK, error=True)] * 2) == ["unjudged", "sick"]
    assert verdicts(*[replace(SICK, single=True)] * 5) == ["unjudged", "unjudged", "suspect", "suspect", "sick"]


def test_a_broken_success_flag_warns_and_does_not_stop() -> None:
    course = Course()
    for _ in range(4):
        course.add(Glance(0, 10, Verdict.SICK, "success-signal-broken", 0.99, True, 0.01, ("RET205 x",)))
    assert course.standing.verdict is Verdict.SICK and not course.hopeless


def test_a_sign_counts_as_far_as_it_goes_beyond_healthy_runs_in_that_phase() -> None:
    phases = Phases((0.0, 0.5), {"A": (0.5, 0.0), "B": (1.0, 0.0)})
    assert phases.beyond("A", 0.75, 0.1) == 0.5
    assert phases.beyond("A", 0.75, 0.9) == 0.75
    assert phases.beyond("B", 1.0, 0.1) == 0.0
    # Without a plan the most of any phase; a sign that nobody measured counts from half of the plan on.
    assert phases.beyond("A", 0.75, None) == 0.5
    assert [phases.beyond("C", 1.0, share) for share in (0.3, None, 0.6)] == [0.0, 0.0, 1.0]


def test_that_the_return_does_not_rise_yet_says_nothing_by_itself_until_late() -> None:
    late = live_rules().late
    assert "RET101" in late.still(0.3) and "RET101" in late.still(None) and not late.still(late.begins)
    assert late.still(None) <= load_rulebook().signs.keys()
    # Off-policy trainings have phases of many tasks.
    assert "EXP205" in late.still(0.3) and "EXP205" not in late.still(0.3, "off_policy")


def test_signs_of_a_return_that_does_not_rise_wait_until_it_might_have() -> None:
    waiting = live_rules().late.still(0.0)
    for sign in applicable(load_rulebook(), "ppo").signs:
        gains = [
            when
            for when in sign.when
            if isinstance(when, Gain) and when.metric == "episode_return" and not when.optional
        ]
        still = any(when.thresholds[0] > when.thresholds[1] >= 0 for when in gains)
        assert sign.of_health or sign.code in waiting or not still, sign.code


def test_a_healthy_task_of_one_decision_is_not_called_sick_before_it_might_have_learned() -> None:
    memory, course = Memory("sb3"), Course()
    for point in range(1, 15):
        for tag, value in {"rollout/ep_rew_mean": -0.8, "rollout/ep_len_mean": 1.0, "train/approx_kl": 0.01}.items():
            memory.add(tag, 2048 * point, value + 0.001 * (point % 3) * (tag == "rollout/ep_rew_mean"))
        course.add(glance(memory.run(""), 60_000))
    assert course.standing.verdict is Verdict.UNJUDGED


def test_the_shipped_phases_are_whole() -> None:
    phases = shipped_phases()
    assert phases.begins[0] == 0 and all(len(values) == len(phases.begins) for values in phases.strengths.values())


@pytest.mark.parametrize("count", [10, MOST_POINTS, 3 * MOST_POINTS + 1])
def test_a_series_stays_small_and_keeps_its_mean_and_its_ends(count: int) -> None:
    series = Series()
    for step in range(count):
        series.add(step, float(step))
    steps, values = series.points()
    assert len(series) <= MOST_POINTS and steps[-1] == count - 1 and (steps[1:] > steps[:-1]).all()
    if count <= MOST_POINTS:
        assert values.tolist() == list(range(count))
    # Points that stand for several are halfway between the steps that they cover.
    assert abs(values.mean() - (count - 1) / 2) < 8 and abs(values[-1] - (count - 1)) < 8


def test_a_series_is_cut_where_a_resumed_training_goes_on() -> None:
    series = Series()
    for step in range(10):
        series.add(step, 1.0)
    series.cut(6)
    assert series.steps.tolist() == list(range(6))


def test_a_memory_gives_the_run_that_its_logs_would() -> None:
    memory = Memory("sb3")
    for step in range(1, 6):
        memory.add("rollout/ep_rew_mean", 100 * step, float(step))
        memory.add("train/entropy_loss", 100 * step, -1.0)
        memory.add("train/clip_range", 100 * step, 0.2)
    run = memory.run("x")
    assert run.framework == "sb3" and run.last_step == 500 and memory.points == 5
    assert run.curves["entropy"].values.tolist() == [1.0] * 5


def _recorded(place: str) -> RecordedRun:
    (found,) = recorded_runs((RECORDED / place,))
    return found


@pytest.mark.parametrize(
    "place", ["cartpole/zoo/as-recorded-20", "pendulum/zoo/clip-0.4-44", "fetch_reach_dense/quick/net-32-55"]
)
def test_a_healthy_run_is_never_called_sick_while_it_grows(place: str) -> None:
    assert all(at.standing.verdict is not Verdict.SICK for at in course_of(_recorded(f"healthy/{place}"), 0.5))


@pytest.mark.slow
@pytest.mark.parametrize("known_plan", [True, False])
def test_no_healthy_run_is_called_sick_at_any_prefix(known_plan: bool) -> None:
    healthy = [recorded for recorded in recorded_runs() if not recorded.fault]
    for recorded in healthy[known_plan::2]:
        for plain in (recorded, recorded.without_doctor()):
            course = course_of(plain, known_plan=known_plan)
            assert all(at.standing.verdict is not Verdict.SICK for at in course), recorded.name


def test_an_extreme_learning_rate_is_found_in_the_first_quarter() -> None:
    found = _recorded("sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100")
    course = course_of(found.without_doctor(), 0.25)
    assert course[-1].hopeless and course[-1].standing.cause == "learning-rate-too-high"


def maximal_entropy() -> Memory:
    """Return what PPO on CartPole logs under an entropy bonus of 10: the policy stays as random as it was."""
    memory = Memory("sb3")
    for point in range(1, 7):
        step = 2048 * point
        memory.add("rollout/ep_rew_mean", step, 22.0 + (point % 2))
        if point > 1:
            values = {"approx_kl": 1e-6, "clip_fraction": 0.0, "entropy_loss": -0.6931, "learning_rate": 3e-4}
            for name, value in values.items():
                memory.add(f"train/{name}", step, value)
    return memory


@pytest.mark.parametrize(("ent_coef", "verdict"), [(10.0, Verdict.SICK), (0.0, None), (None, None)])
def test_a_setting_with_which_nothing_learns_is_a_second_witness(
    ent_coef: float | None, verdict: Verdict | None
) -> None:
    stated: dict[str, Json] = {"algorithm": "PPO", "ent_coef": ent_coef}
    settings = None if ent_coef is None else settings_in_memory("sb3", stated, "PPO(...)")
    found = glance(maximal_entropy().run("", settings=settings), 60_000)
    if verdict is not None:
        assert (found.verdict, found.cause, found.single) == (verdict, "entropy-too-high", False)
    else:
        assert found.cause != "entropy-too-high" or found.verdict is not Verdict.SICK


def test_a_setting_alone_warns_at_once_and_stops_nothing() -> None:
    memory = Memory("sb3")
    for step, mean in ((2048, 22.0), (4096, 23.0)):
        memory.add("rollout/ep_rew_mean", step, mean)
    settings = settings_in_memory("sb3", {"algorithm": "PPO", "ent_coef": 10.0}, "PPO(...)")
    course = Course()
    for _ in range(6):
        course.add(glance(memory.run("", settings=settings), 60_000))
    assert course.standing.verdict is Verdict.SUSPECT and not course.hopeless
    assert course.standing.cause == "entropy-too-high" and "show learning" in course.taken_back_when


def off_policy_course(returns: tuple[float, float], **others: float) -> Course:
    """Return the course of a DQN training whose returns rise between two values, with other values constant."""
    memory, course = Memory("sb3"), Course()
    for point in range(1, 31):
        share = point / 30
        memory.add("rollout/ep_rew_mean", 1000 * point, returns[0] + (returns[1] - returns[0]) * share)
        memory.add("rollout/exploration_rate", 1000 * point, max(0.05, 1 - 5 * share))
        for tag, value in others.items():
            memory.add(tag.replace("__", "/"), 1000 * point, value if share > 0.5 else min(value, 0.5))
        course.add(glance(memory.run(""), 30_000))
    return course


def test_an_off_policy_training_that_learns_is_not_stopped() -> None:
    signs = {"doctor__target_gap": 0.0, "doctor__terminal_value_error": 1.5, "train__loss": 1.0}
    assert off_policy_course((20.0, 20.0), **signs).standing.verdict is Verdict.SICK
    assert off_policy_course((20.0, 400.0), **signs).standing.verdict is not Verdict.SICK


@pytest.mark.parametrize("length", [50.0, 30.0])
def test_a_sparse_task_that_off_policy_methods_have_not_yet_learned_is_not_called_sick(length: float) -> None:
    """SAC with hindsight on a sparse reach: -1 at each step until the first success, which comes late."""
    memory, course = Memory("sb3"), Course()
    for point in range(1, 34):
        memory.add("rollout/ep_rew_mean", 1000 * point, -length)
        memory.add("rollout/ep_len_mean", 1000 * point, length)
        memory.add("rollout/success_rate", 1000 * point, 0.0)
        memory.add("train/critic_loss", 1000 * point, 1.0 + 1.0 / point)
        memory.add("train/actor_loss", 1000 * point, 5.0 + 0.3 * point + point % 3)
        memory.add("train/ent_coef", 1000 * point, 0.9**point)
        course.add(glance(memory.run(""), 60_000))
    assert course.standing.verdict is Verdict.UNJUDGED


def test_a_training_that_ends_young_is_told_what_to_change() -> None:
    live = LiveSession(Memory("sb3"), 60_000)
    for step in (2048, 4096, 6144):
        for tag, value in {"rollout/ep_rew_mean": 9.4, "train/approx_kl": 20.0, "train/learning_rate": 0.3}.items():
            live.memory.add(tag, step, value)
        live.examine()
    result = live.report("runs/a")
    # Too short to be diagnosed as a whole.
    assert result is not None and result.verdict is Verdict.UNJUDGED
    assert live.remedy(result) == "Set learning_rate to 0.0003 (was 0.3)."
    assert "(was 0.3). More: rldoctor explain learning" in last_line(result, live.standing, live.remedy(result))
