"""More trainings of the kinds that were once judged wrongly, as each library logs them: cases 02 to 08, 14 and 20."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from rldoctor import diagnose
from rldoctor.model import RunDiagnosis, Verdict
from tests.diagnosis.kinds.played import (
    CLEANRL,
    LEARNS,
    RL_GAMES,
    RSL_RL,
    SB3,
    SKRL,
    TIANSHOU,
    Episodes,
    Progress,
    Table,
    as_events,
    as_monitor,
    as_progress,
    logged,
    play,
    recent,
    rows,
    through,
    wavering,
)

WELL = (Verdict.HEALTHY,)
ILL = (Verdict.SICK, Verdict.SUSPECT)
LIBRARIES = {"sb3": SB3, "rsl_rl": RSL_RL, "rl_games": RL_GAMES, "skrl": SKRL, "tianshou": TIANSHOU}
MORE: Mapping[str, Progress] = {"std": through(1.0, 0.8, 0.6), "policy_loss": through(-0.01, -0.012, -0.008)}


def said_of(folder: Path) -> RunDiagnosis:
    [said] = diagnose(folder).subjects
    return said


def leading(said: RunDiagnosis) -> set[str]:
    """Return the cause that leads, and those that the report ties with it."""
    return {said.diagnoses[0].name, *said.tied}


def wandering(low: float, high: float, seed: int, wildest: float) -> Progress:
    """Return a learning rate that a controller moves by factors of 1.5, from where it is to ``wildest`` at the most."""
    rng = np.random.default_rng(seed)
    rates = [low]
    for _ in range(300):
        rates.append(float(np.clip(rates[-1] * 1.5 ** rng.integers(-1, 2), low / 10, high)))
    rates[137] = wildest
    return through(*rates)


class TestAdaptiveLearningRates:
    """Case 03: a rate that holds the KL is judged by the KL."""

    @pytest.mark.parametrize(("library", "wildest"), [("rsl_rl", 1e-2), ("rl_games", 8e-3), ("skrl", 1e-2)])
    def test_of_a_walker_that_learns(self, tmp_path: Path, library: str, wildest: float) -> None:
        played = play(through(-0.5, 2, 14, 21, 23), lengths=through(20, 300, 900, 990), steps=400_000, environments=16)
        metrics = {**LEARNS, **MORE, "learning_rate": wandering(5e-4, 5e-3, 3, wildest)}
        as_events(logged(played, LIBRARIES[library], metrics, every=1500, steps=400_000), tmp_path / "run")
        assert said_of(tmp_path).verdict in WELL

    @pytest.mark.parametrize("rates", [(1e-5, 3e-3, 1.5e-3, 1e-4, 0), (2e-3, 1.4e-3, 7e-4, 0)])
    def test_of_a_warm_up_and_a_schedule_that_ends_at_nothing(self, tmp_path: Path, rates: Sequence[float]) -> None:
        metrics = {**LEARNS, "learning_rate": through(*rates)}
        as_progress(logged(play(through(-190, 0, 180, 230, 240)), SB3, metrics), tmp_path / "run")
        assert said_of(tmp_path).verdict in WELL

    def test_a_rate_that_runs_away_with_the_kl_is_too_high(self, tmp_path: Path) -> None:
        metrics = {**LEARNS, "learning_rate": through(3e-4, 3e-2, 0.1), "approx_kl": through(0.02, 0.6, 4)}
        table = logged(play(through(-190, -150, -400, -500)), RL_GAMES, metrics)
        as_events(table, tmp_path / "run")
        assert said_of(tmp_path).verdict in ILL


class TestHowDenselyTheLogIsWritten:
    """Case 04: thousands of rows, one for each episode, or a dozen."""

    @pytest.mark.parametrize("every", [200, 4000, 16_000])
    @pytest.mark.parametrize("library", ["sb3", "rl_games", "tianshou"])
    def test_a_return_that_rises(self, tmp_path: Path, library: str, every: int) -> None:
        played = play(through(20, 90, 300, 440, 480), lengths=through(20, 480), spread=0.25, seed=4)
        as_events(logged(played, LIBRARIES[library], {**LEARNS, **MORE}, every=every), tmp_path / "run")
        assert said_of(tmp_path).verdict in WELL

    @pytest.mark.parametrize("spread", [0.2, 0.5])
    def test_each_episode_for_thousands_of_them(self, tmp_path: Path, spread: float) -> None:
        played = play(through(0.1, 0.4, 1.5, 2.1, 2.2), lengths=through(40), spread=spread, seed=5)
        as_events(logged(played, CLEANRL, each_episode=True), tmp_path / "run")
        assert len(played.ends) > 4000
        assert said_of(tmp_path).verdict in WELL

    @pytest.mark.parametrize("spread", [0.2, 0.5])
    def test_the_monitor_file_alone(self, tmp_path: Path, spread: float) -> None:
        as_monitor(play(through(17, 200, 600, 770), lengths=through(100, 600), spread=spread), tmp_path / "monitor.csv")
        assert said_of(tmp_path).verdict in WELL

    @pytest.mark.parametrize("every", [400, 16_000])
    def test_a_return_of_noise_alone_is_not_called_well(self, tmp_path: Path, every: int) -> None:
        played = play(through(20, 21), lengths=through(20), spread=4.0, seed=6)
        metrics = {**LEARNS, "explained_variance": through(0.0, 0.02, 0.0), "entropy": through(0.69, 0.68)}
        as_events(logged(played, SB3, metrics, every=every), tmp_path / "run")
        assert said_of(tmp_path).verdict in ILL


class TestLongRuns:
    """Case 05: "too short" is no word for millions of steps."""

    @pytest.mark.parametrize("success", [(0.15, 0.5, 0.66, 0.68, 0.68), (0.3, 0.42, 0.45, 0.46, 0.45)])
    def test_half_of_the_way_to_success(self, tmp_path: Path, success: Sequence[float]) -> None:
        played = play(through(*(50 * (s - 1) for s in success)), lengths=through(50), steps=600_000, environments=8)
        table = logged(played, SB3, every=2400, steps=600_000)
        table["rollout/success_rate"] = wavering(through(*success), table[SB3["return"]][0], 0.04, 9)
        as_events(table, tmp_path / "run")
        assert said_of(tmp_path).verdict in WELL

    @pytest.mark.parametrize("library", ["sb3", "skrl"])
    def test_learned_in_the_first_fiftieth(self, tmp_path: Path, library: str) -> None:
        rises = through(-400, -150, 310, 330, 330, at=(0, 0.005, 0.02, 0.1, 1))
        played = play(rises, steps=1_000_000, environments=8, spread=0.03)
        as_events(logged(played, LIBRARIES[library], {**LEARNS, **MORE}, every=1600, steps=1_000_000), tmp_path / "run")
        assert said_of(tmp_path).verdict in WELL


class TestCollapses:
    """Case 07: what rose and fell has collapsed, and its reward is not to blame."""

    OF = ("performance-collapse", "policy-collapsed", "learning-rate-too-high", "updates-too-aggressive")

    @pytest.mark.parametrize("every", [500, 2500, 16_000])
    @pytest.mark.parametrize("returns", [(-150, 100, 220, 150, -100, -140), (20, 300, 480, 400, 150, 40)])
    def test_of_stable_baselines(self, tmp_path: Path, returns: Sequence[float], every: int) -> None:
        as_events(logged(play(through(*returns), spread=0.06, seed=7), SB3, every=every), tmp_path / "run")
        said = said_of(tmp_path)
        assert said.verdict is Verdict.SICK
        assert leading(said) & set(self.OF), said.summary

    @pytest.mark.parametrize("library", ["rsl_rl", "rl_games", "skrl", "tianshou"])
    def test_of_libraries_that_log_less(self, tmp_path: Path, library: str) -> None:
        played = play(through(0.5, 12, 24, 23, 9, 2, 1.5), lengths=through(60, 800, 900, 200), spread=0.08, seed=8)
        as_events(logged(played, LIBRARIES[library], {**LEARNS, **MORE}, every=1000), tmp_path / "run")
        said = said_of(tmp_path)
        assert said.verdict is Verdict.SICK
        assert leading(said) & set(self.OF), said.summary


class TestReturnsThatHoldMore:
    """Cases 02 and 08: a return that is normalised, or has a penalty or a bonus in it."""

    @pytest.mark.parametrize("scale", [through(1 / 4, 1 / 40, 1 / 60), through(1 / 200, 1 / 300)])
    def test_a_normalised_return_is_judged_by_the_monitor_files(self, tmp_path: Path, scale: Progress) -> None:
        """VecMonitor outside VecNormalize: what is logged shrinks as the spread of returns grows."""
        played = play(through(-1300, -1100, -500, -260, -200), spread=0.08)
        shares = played.ends / played.ends[-1]
        shrunk = Episodes(played.ends, played.returns * [scale(share) for share in shares], played.lengths)
        as_events(logged(shrunk, SB3), tmp_path / "run")
        as_monitor(played, tmp_path / "run/0.monitor.csv")
        said = said_of(tmp_path)
        assert said.verdict in WELL, said.summary
        assert "LOG312" in [found.code for found in said.findings]

    @pytest.mark.parametrize(("raw", "verdicts"), [((0.0, 0.02, 0.0, 0.01), ILL), ((0.1, 4, 15, 21), WELL)])
    def test_curiosity_of_rsl_rl(self, tmp_path: Path, raw: Sequence[float], verdicts: Sequence[Verdict]) -> None:
        """With random network distillation Train/mean_reward holds the intrinsic reward, which rises here."""
        task = play(through(*raw), lengths=through(500), steps=400_000, environments=16)
        bonus = through(2, 9, 16, 20)
        table = logged(task, RSL_RL, {**LEARNS, **MORE}, every=4000, steps=400_000)
        at, extrinsic = table.pop("Train/mean_reward")
        intrinsic = np.array([bonus(step / at[-1]) for step in at])
        table["Rnd/mean_extrinsic_reward"] = at, extrinsic
        table["Rnd/mean_intrinsic_reward"] = at, intrinsic
        table["Rnd/weight"] = at, np.ones(len(at))
        table["Train/mean_reward"] = at, extrinsic + intrinsic
        as_events(table, tmp_path / "run")
        said = said_of(tmp_path)
        assert said.verdict in verdicts, said.summary
        assert "LOG311" in [found.code for found in said.findings]

    @pytest.mark.parametrize("prefix", ["", "train/"])
    @pytest.mark.parametrize("kl", [(0.5, -3, -20, -70), (2, -8, -45, -160)])
    def test_a_negative_kl_that_pays(self, tmp_path: Path, prefix: str, kl: Sequence[float]) -> None:
        at = rows(40_000, 500)
        distance, scores = (wavering(through(*values), at, 0.05, 11)[1] for values in (kl, (0.4, 0.3, 0.0, -0.4)))
        table: Table = {
            "objective/kl": (at, distance),
            "objective/scores": (at, scores),
            "objective/non_score_reward": (at, -0.05 * distance),
            "objective/rlhf_reward": (at, scores - 0.05 * distance),
            "policy/approxkl_avg": wavering(through(0.02, 0.03), at, 0.2, 12),
        }
        as_events({prefix + tag: points for tag, points in table.items()}, tmp_path / "run")
        said = said_of(tmp_path)
        assert said.verdict in ILL
        assert said.diagnoses[0].name == "answers-not-from-policy"

    def test_one_answer_to_everything(self, tmp_path: Path) -> None:
        at = rows(60_000, 600)
        distance = wavering(through(0.5, 12, 60, 140), at, 0.05, 13)[1]
        scores = wavering(through(-0.5, 1.2, 2.6, 3.0), at, 0.05, 14)[1]
        table: Table = {
            "objective/kl": (at, distance),
            "objective/entropy": wavering(through(80, 30, 3, 0.5), at, 0.05, 15),
            "policy/entropy_avg": wavering(through(1.6, 0.6, 0.05, 0.008), at, 0.05, 16),
            "objective/scores": (at, scores),
            "objective/rlhf_reward": (at, scores - 0.01 * distance),
            "policy/approxkl_avg": wavering(through(0.02, 0.04), at, 0.2, 17),
        }
        as_events(table, tmp_path / "run")
        said = said_of(tmp_path)
        assert said.verdict in ILL
        assert said.diagnoses[0].name == "reward-model-exploited"


class TestRolloutAndUpdateDisagree:
    """Case 14: ratios that do not start at 1 are a fault of the code, not of the settings."""

    @pytest.mark.parametrize("error", [0.4, 6.0, 400.0])
    @pytest.mark.parametrize("returns", [(-60, -58, -61, -60), (-1250, -1300, -1280, -1260)])
    def test_with_the_callback(self, tmp_path: Path, returns: Sequence[float], error: float) -> None:
        metrics = {**LEARNS, "approx_kl": through(0.8, 2, 3), "clip_fraction": through(0.5, 0.6, 0.55)}
        metrics["explained_variance"] = through(0.0, 0.2, 0.3)
        table = logged(play(through(*returns), spread=0.5), SB3, metrics)
        table["doctor/first_ratio_error"] = wavering(through(error, 1.5 * error), rows(200_000, 2048), 0.3, 21)
        as_events(table, tmp_path / "run")
        said = said_of(tmp_path)
        assert said.verdict in ILL
        assert "rollout-update-mismatch" in leading(said), said.summary


class TestSuccessThatComesLate:
    """Case 20: the return rises long before the first success."""

    @pytest.mark.parametrize("share", [0.3, 0.5])
    @pytest.mark.parametrize("returns", [(-60, -48, -33, -22, -14), (-9, -7, -5.2, -3.8, -2.9)])
    def test_half_way(self, tmp_path: Path, returns: Sequence[float], share: float) -> None:
        steps = round(120_000 * share)
        whole = through(*returns)
        played = play(lambda done: whole(done * share), lengths=through(50), steps=steps)
        table = logged(played, SB3, every=2048, steps=steps)
        at = table[SB3["return"]][0]
        table["rollout/success_rate"] = at, np.zeros(len(at))
        as_events(table, tmp_path / "run")
        assert said_of(tmp_path).verdict is not Verdict.SICK


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_rewards_in_cents_and_in_hundreds_of_them(tmp_path: Path, scale: float) -> None:
    """A training that learns is well in any unit; a policy that is not updated is blamed for that in any unit."""
    good = play(through(5, 60, 140, 180), spread=0.1)
    still = {**LEARNS, "approx_kl": through(1e-6, 1e-6), "clip_fraction": through(0.0), "learning_rate": through(1e-7)}
    bad = play(through(5, 5.1), spread=0.5)
    for name, played, metrics in (("good", good, LEARNS), ("bad", bad, still)):
        moved = {**metrics, "value_loss": lambda share, of=metrics["value_loss"]: scale**2 * of(share)}
        scaled = Episodes(played.ends, scale * played.returns, played.lengths)
        as_events(logged(scaled, SB3, moved), tmp_path / name)
    assert said_of(tmp_path / "good").verdict in WELL
    said = said_of(tmp_path / "bad")
    assert said.verdict in ILL
    assert "updates-too-small" in leading(said), said.summary


def test_evaluations_are_heard_before_means_that_hold_the_whole_run(tmp_path: Path) -> None:
    """Kind 14: means over a hundred episodes of a run of as many, and evaluations beside them that show the policy."""
    played = play(through(-1500, -1400, -500, -160, -150, at=(0, 0.3, 0.5, 0.7, 1)), steps=20_000, environments=1)
    at = rows(20_000, 800)
    when, gained, took = recent(played, at)
    table: Table = {SB3["return"]: (when, gained), SB3["length"]: (when, took)}
    best = through(-1410, -1300, -250, -140, -135)
    table["eval/mean_reward"] = at[::2], np.array([best(step / 20_000) for step in at[::2]])
    table["eval/mean_ep_length"] = at[::2], np.full(len(at[::2]), 200.0)
    as_events(table, tmp_path / "run")
    assert said_of(tmp_path).verdict in WELL
