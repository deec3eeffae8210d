"""More trainings by other algorithms than PPO, of other libraries than Stable-Baselines3, and with large updates.

What a report says must be for the run at hand: no setting that its algorithm lacks, no metric that it does not log, no
advice of another library, and no large update that a return which rises makes good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.consistency.contradictions import contradictions, printed_contradictions
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import Run, RunDiagnosis, Verdict
from tests.diagnosis.kinds.played import (
    CLEANRL,
    LEARNS,
    RL_GAMES,
    RSL_RL,
    SB3,
    SKRL,
    TIANSHOU,
    Progress,
    as_events,
    as_progress,
    logged,
    play,
    rows,
    through,
)

RISES, FLAT, FALLS = through(-190, -60, 150, 220, 240), through(-100, -101, -99, -100), through(-100, -180, -310, -420)
LIBRARIES = {
    "sb3": SB3,
    "rsl_rl": RSL_RL,
    "rl_games": RL_GAMES,
    "skrl": SKRL,
    "cleanrl": CLEANRL,
    "tianshou": TIANSHOU,
}
OFF_POLICY: Mapping[str, Progress] = {
    "critic_loss": through(5, 3, 2, 1.5),
    "actor_loss": through(-5, -30, -60, -80),
    "learning_rate": through(3e-4),
}
A2C: Mapping[str, Progress] = {name: LEARNS[name] for name in ("entropy", "explained_variance", "value_loss")}
TRPO = {
    **SB3,
    "kl": "train/kl_divergence_loss",
    "searches": "train/is_line_search_success",
}
ARS = {**SB3, "spread": "train/delta_std", "step_size": "train/step_size"}
STEPS, EVERY = 60_000, 600


def trained(
    folder: Path,
    tags: Mapping[str, str],
    metrics: Mapping[str, Progress],
    returns: Progress | None = FLAT,
    **changes: tuple[np.ndarray, np.ndarray],
) -> tuple[Run, RunDiagnosis]:
    """Return a training that was logged by these tags, and what is said of it; without a return where that is None."""
    table = logged(play(returns or FLAT, steps=STEPS), tags, metrics, every=EVERY, steps=STEPS, noise={"searches": 0.0})
    if returns is None:
        for name in ("return", "length"):
            table.pop(tags[name], None)
    table |= {tag.replace("__", "/"): points for tag, points in changes.items()}
    (as_progress if tags["return"] == SB3["return"] else as_events)(table, folder)
    run = read_run(folder)
    return run, diagnose_run(run)


def advice(said: RunDiagnosis) -> Iterator[str]:
    for cause in said.diagnoses:
        yield from (cause.remedy, cause.next_test)
    yield from (found.remedy for found in said.findings)
    yield from (one.how_to_log for one in said.unjudged)


def of_its_own(run: Run, said: RunDiagnosis, never: str = "(?!)") -> None:
    """Assert that a report has no contradiction, and that its advice has none of the words."""
    assert [*contradictions(run, said), *printed_contradictions(said)] == []
    assert [text for text in advice(said) if re.search(never, text)] == []


class TestLargeUpdates:
    """Kind 6: a return that improves makes no update good that replaced the policy."""

    @pytest.mark.parametrize(("size", "count"), [(183.0, 3), (60.0, 8), (2000.0, 5)])
    @pytest.mark.parametrize("library", ["sb3", "cleanrl", "rl_games"])
    def test_several_that_replace_the_policy(self, tmp_path: Path, library: str, size: float, count: int) -> None:
        at = rows(STEPS, EVERY)
        kl = np.full(len(at), 0.01)
        kl[np.linspace(12, 88, count).astype(int)] = size
        tags = LIBRARIES[library]
        run, said = trained(tmp_path, tags, LEARNS, RISES, **{tags["approx_kl"].replace("/", "__"): (at, kl)})
        assert said.verdict is Verdict.SUSPECT, said.summary
        assert said.diagnoses[0].name in ("updates-too-aggressive", "learning-rate-too-high")
        assert [row.mark for row in said.table if row.metric == "approx_kl"] == ["odd"]
        of_its_own(run, said)

    @pytest.mark.parametrize(("size", "told"), [(183.0, True), (30.0, True), (1.1, False)])
    def test_a_single_one_is_told(self, tmp_path: Path, size: float, told: bool) -> None:
        at = rows(STEPS, EVERY)
        kl = np.where(np.arange(len(at)) == 50, size, 0.01)
        _, said = trained(tmp_path, SB3, LEARNS, RISES, train__approx_kl=(at, kl))
        assert said.verdict is Verdict.HEALTHY
        assert ("UPD126" in [found.code for found in said.findings]) is told
        assert told is any("UPD126" in row.why for row in said.table if row.metric == "approx_kl")


class TestOtherAlgorithms:
    """Kind 10: nobody is told another algorithm's usual values, settings or metrics."""

    @pytest.mark.parametrize("returns", [RISES, FLAT, FALLS], ids=["rises", "flat", "falls"])
    def test_augmented_random_search(self, tmp_path: Path, returns: Progress) -> None:
        metrics = {"learning_rate": through(0.02), "spread": through(0.05), "step_size": through(0.1, 0.02)}
        run, said = trained(tmp_path, ARS, metrics, returns)
        assert (run.algorithm, said.verdict is Verdict.HEALTHY) == ("ars", returns is RISES)
        assert not [found.code for found in said.findings if found.code[:3] in ("LOG", "UPD", "VAL")]
        of_its_own(run, said, never="clip_range|epoch|vf_coef|ent_coef|approx_kl|rollouts|critic|gradient")

    @pytest.mark.parametrize("rate", [0.05, 0.3])
    def test_a_rate_for_a2c_goes_back_to_that_of_a2c(self, tmp_path: Path, rate: float) -> None:
        metrics = {**A2C, "learning_rate": through(rate), "entropy": through(2.8, 0.3, 0.001)}
        run, said = trained(tmp_path, SB3 | {"policy_loss": "train/policy_loss"}, metrics | {"policy_loss": through(1)})
        assert (run.algorithm, said.diagnoses[0].name) == ("a2c", "learning-rate-too-high")
        assert said.diagnoses[0].remedy.startswith("Set learning_rate to 0.0007")
        of_its_own(run, said, never="clip_range|n_epochs|target_kl|approx_kl|0\\.0003")

    @pytest.mark.parametrize("found", [0.05, 0.2, 0.25])
    def test_line_searches_of_trpo_that_fail(self, tmp_path: Path, found: float) -> None:
        metrics = {
            **A2C,
            "kl": through(0.008),
            "searches": through(found),
            "learning_rate": through(1e-3),
            "std": through(1, 0.99),
        }
        run, said = trained(tmp_path, {name: tag for name, tag in TRPO.items() if name != "entropy"}, metrics)
        assert (run.algorithm, said.verdict, said.diagnoses[0].name) == ("trpo", Verdict.SICK, "updates-too-small")
        of_its_own(run, said, never="clip_range|n_epochs|ent_coef|vf_coef|max_grad_norm|approx_kl")

    @pytest.mark.parametrize("value_loss", [(30, 29), (500, 480, 510), (2, 2.1)])
    def test_a_critic_of_trpo_that_does_not_learn(self, tmp_path: Path, value_loss: Sequence[float]) -> None:
        metrics = {
            "kl": through(0.008),
            "searches": through(1),
            "explained_variance": through(0, 0.01, 0),
            "value_loss": through(*value_loss),
            "std": through(1, 0.99),
        }
        run, said = trained(tmp_path, TRPO, metrics)
        assert said.verdict is Verdict.SICK
        of_its_own(run, said, never="clip_range|n_epochs|ent_coef|vf_coef|max_grad_norm|approx_kl")

    @pytest.mark.parametrize("returns", [FLAT, FALLS], ids=["flat", "falls"])
    @pytest.mark.parametrize("algorithm", ["sac", "td3", "dqn"])
    def test_off_policy_methods(self, tmp_path: Path, algorithm: str, returns: Progress) -> None:
        metrics = {
            "sac": {**OFF_POLICY, "ent_coef": through(0.9, 0.3, 0.1, 0.05)},
            "td3": OFF_POLICY,
            "dqn": {"loss": through(0.1, 0.2), "exploration_rate": through(1, 0.9), "learning_rate": through(1e-4)},
        }[algorithm]
        run, said = trained(tmp_path, SB3, metrics, returns)
        assert (run.algorithm, said.verdict is Verdict.HEALTHY) == (algorithm, False)
        foreign = {
            # What SAC tunes itself is set already.
            "sac": "DQN|exploration_f|Set ent_coef to auto",
            "td3": "DQN|exploration_f|ent_coef|temperature",
            "dqn": "TD3|SAC|[Aa]ctor|ent_coef|action noise|tau to 0.005",
        }[algorithm]
        of_its_own(run, said, never=f"{foreign}|clip_range|n_epochs|vf_coef|approx_kl|advantage")


class TestLogsWithoutAReturn:
    """What is not logged neither accuses nor clears, and is named."""

    @pytest.mark.parametrize("library", ["sb3", "rsl_rl", "skrl", "rl_games"])
    def test_of_each_library(self, tmp_path: Path, library: str) -> None:
        run, said = trained(tmp_path, LIBRARIES[library], LEARNS, None)
        assert (run.framework, said.verdict) == (library, Verdict.UNJUDGED)
        assert "LOG401" in [found.code for found in said.findings]
        of_its_own(run, said, never="(?!)" if library == "sb3" else "Monitor|VecNormalize|DoctorCallback")

    def test_of_an_off_policy_method(self, tmp_path: Path) -> None:
        run, said = trained(tmp_path, SB3, {**OFF_POLICY, "ent_coef": through(0.9, 0.1)}, None)
        assert (run.algorithm, said.verdict) == ("sac", Verdict.UNJUDGED)
        assert "LOG401" in [found.code for found in said.findings]

    def test_evaluations_show_what_the_policy_achieves(self, tmp_path: Path) -> None:
        at = rows(STEPS, 6_000)
        run, said = trained(tmp_path, SB3, LEARNS, None, eval__mean_reward=(at, np.linspace(-200, 240, len(at))))
        assert said.verdict is Verdict.HEALTHY
        assert not [found.code for found in said.findings if found.code == "LOG401"]
        of_its_own(run, said)

    def test_returns_alone_need_no_monitor(self, tmp_path: Path) -> None:
        _, said = trained(tmp_path, SB3, {}, FALLS)
        [missing] = [cause.remedy for cause in said.diagnoses if cause.name == "missing-metrics"]
        assert "Monitor" not in missing and "logger" in missing


FAULTS: Mapping[str, tuple[Progress, Mapping[str, Progress]]] = {
    "rate-high": (FLAT, {"learning_rate": through(0.05), "approx_kl": through(2, 6), "clip_fraction": through(0.7)}),
    "rate-low-and-kl-high": (FLAT, {"learning_rate": through(1e-5), "approx_kl": through(0.2, 0.6)}),
    "still": (FLAT, {"approx_kl": through(1e-6), "clip_fraction": through(0), "entropy": through(2.8)}),
    "critic": (FLAT, {"explained_variance": through(0, 0.01, 0), "value_loss": through(30, 31)}),
    "falls": (FALLS, {}),
    "collapse": (through(-100, 200, 240, -90, -100), {"approx_kl": through(0.01, 0.01, 0.8, 0.01)}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("library", ["rsl_rl", "tianshou", "cleanrl", "rl_games"])
def test_advice_of_a_library_is_its_own(tmp_path: Path, library: str, fault: str) -> None:
    """Kinds 12 and 13."""
    returns, changed = FAULTS[fault]
    run, said = trained(tmp_path, LIBRARIES[library], {**LEARNS, **changed}, returns)
    assert said.verdict in (Verdict.SICK, Verdict.SUSPECT)
    assert said.diagnoses[0].name in said.summary or "no single cause" in said.summary
    of_its_own(run, said, never="Monitor|VecNormalize|DoctorCallback|stable_baselines3|its value is usual")
    texts = [found.message for found in said.findings]
    assert not (fault == "falls" and [text for text in texts if "return does not move" in text])
