"""What is kept of the laboratory's trainings, who counts as harmed, and the strengths of signs."""

import math

import numpy as np
import pytest

from benchmarks.laboratory import harm, kept, strengths
from benchmarks.laboratory.kept import Kept
from rldoctor.model import Aggregation, Curve, Run


def curve(metric: str, values: list[float], tag: str = "", every: int = 512) -> Curve:
    steps = every * np.arange(1, len(values) + 1)
    return Curve(metric, steps, np.array(values), tag or f"rollout/{metric}", Aggregation.WINDOW)


def run(points: int = 40) -> Run:
    rising = list(np.linspace(-50, -5, points))
    curves = {
        "episode_return": curve("episode_return", rising, "rollout/ep_rew_mean"),
        "success_rate": curve("success_rate", list(np.linspace(0, 1, points)), "rollout/success_rate"),
        "approx_kl": curve("approx_kl", [0.01] * points, "train/approx_kl"),
        "update_alignment": curve(
            "update_alignment", [0.4, math.nan, *[0.4] * (points - 2)], "doctor/update_alignment"
        ),
    }
    record = {"status": "finished", "steps": 512 * points}
    return Run("lab-1", "sb3", curves, record=record, algorithm="ppo", tags_known=(4, 4))


def label(**others: object) -> dict[str, object]:
    return {
        "batch": 0,
        "training": 0,
        "environment": "reach-2d",
        "steps": 512 * 40,
        "faults": [],
        "severities": [],
        "right": ["healthy"],
        "always_harms": False,
        "failed": False,
        "recipe": "{}",
        "returns": [None, -40.0, -30.0, -20.0, -10.0, -5.0],
        "successes": [None, 0.1, 0.2, 0.4, 0.8, 1.0],
        **others,
    }


def test_what_is_written_is_read_again(tmp_path) -> None:
    path = tmp_path / "curves" / "batch-00000.npz"
    kept.write(path, [Kept(run(), label()), Kept(run(8), label(training=1))])
    first, second = kept.read(path)
    assert [one.label["training"] for one in (first, second)] == [0, 1]
    assert first.run.record == run().record
    assert (first.run.path, first.run.framework, first.run.algorithm) == ("lab-1", "sb3", "ppo")
    for name, before in run().curves.items():
        after = first.run.curves[name]
        assert (after.tag, after.aggregation) == (before.tag, before.aggregation)
        np.testing.assert_array_equal(after.steps, before.steps)
        np.testing.assert_allclose(after.values, before.values, rtol=1e-6)
    assert [path.name for path in path.parent.iterdir()] == ["batch-00000.npz"]


def test_views_are_what_libraries_log() -> None:
    found = kept.views(run())
    assert list(found) == ["callback", "plain", "no-success", "no-updates"]
    assert set(found["plain"].curves) == {"episode_return", "success_rate", "approx_kl"}
    assert set(found["no-success"].curves) == {"episode_return", "approx_kl"}
    assert set(found["no-updates"].curves) == {"episode_return"}


def test_a_run_is_cut_at_a_share_of_its_planned_steps() -> None:
    half = kept.until(run(20), 0.25, 512 * 40)
    assert half.last_step == 512 * 10
    assert half.record["status"] == "running"
    # A training that had ended by then is as it ended.
    short = run(8)
    assert kept.until(short, 0.5, 512 * 40) is short


def test_faults_of_logs_are_done_to_the_curves() -> None:
    assert kept.spoiled(run(), run(), {"log_killed": 0.05}).last_step == 512 * 2
    again = kept.spoiled(run(), run(), {"log_reset": 0.5})
    assert again.last_step == 512 * 20
    assert len(again.curves["episode_return"]) == 40
    mixed = kept.spoiled(run(), run(8), {"log_mixed": 1.0})
    assert len(mixed.curves["episode_return"]) == 48
    assert (np.diff(mixed.curves["episode_return"].steps) >= 0).all()
    whole = run()
    assert kept.spoiled(whole, run(8), {}) is whole


def test_an_outcome_is_that_of_the_last_episodes() -> None:
    steps = np.arange(1, 1001) * 10.0
    results = np.arange(1000.0)
    assert harm.outcome(steps, results, 10_000) == pytest.approx(np.mean(results[-100:]))
    # Long episodes: those of the last fifth, and at least eight.
    assert harm.outcome(steps[:50] * 100, results[:50], 50_000) == pytest.approx(np.mean(results[40:50]))
    assert harm.outcome(steps[:20] * 100, results[:20], 20_000) == pytest.approx(np.mean(results[12:20]))
    assert math.isnan(harm.outcome(steps, results, 5))


def trainings(count: int, ends: float, healthy: bool, **others: bool) -> list[harm.Training]:
    noise = np.random.default_rng(0).normal(0, 1, count)
    return [
        harm.Training("e", 1000, healthy, [0.0, 0.0, 0.0, 0.0, 0.0, ends + one], [math.nan] * 6, **others)
        for one in noise
    ]


def test_harmed_is_what_is_worse_than_nearly_every_healthy_training_that_learned() -> None:
    healthy = [*trainings(60, 100.0, True), *trainings(5, 10.0, True)]
    line = harm.lines(healthy)["e"]
    assert not line.by_success
    assert line.learned == pytest.approx(50.0, abs=2)
    assert [harm.judged(one, line)[0] for one in healthy] == [True] * 60 + [False] * 5
    assert 85 < line.harmed[1000] < 95
    assert all(harm.judged(one, line) == (False, True) for one in trainings(5, 40.0, False))
    assert all(harm.judged(one, line) == (True, True) for one in trainings(5, 70.0, False))
    assert all(harm.judged(one, line) == (True, False) for one in trainings(5, 100.0, False))
    assert all(harm.judged(one, line) == (False, True) for one in trainings(5, 100.0, False, failed=True))
    assert all(harm.judged(one, line) == (True, True) for one in trainings(5, 100.0, False, always_harms=True))


def test_where_most_healthy_recipes_fail_nothing_is_said_of_harm() -> None:
    hard = [*trainings(20, 100.0, True), *trainings(20, 10.0, True)]
    line = harm.lines(hard)["e"]
    assert all(harm.judged(one, line) == (False, None) for one in trainings(5, 10.0, False))
    assert all(harm.judged(one, line) == (False, True) for one in trainings(5, 10.0, False, always_harms=True))


def test_every_view_and_every_share_is_a_row_of_strengths() -> None:
    rows = list(strengths.observed(Kept(run(), label())))
    assert [(row["view"], row["share"]) for row in rows] == [
        *(("callback", share) for share in kept.SHARES),
        *(("plain", share) for share in kept.SHARES),
        ("no-success", 1.0),
        ("no-updates", 1.0),
    ]
    whole = next(row for row in rows if row["view"] == "plain" and row["share"] == 1.0)
    # Not one update metric is measured where none is logged, and the return's rise is seen in full.
    assert all(0 <= whole[code] <= strengths.FULL or whole[code] == strengths.UNMEASURED for code in strengths.signs())
    assert whole["RET905"] == strengths.FULL
    assert rows[-1]["UPD191"] == strengths.UNMEASURED
    assert rows[0]["RET905"] == strengths.UNMEASURED


def test_rows_of_all_batches_are_joined_and_judged(tmp_path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    parts = []
    for batch in range(2):
        found = [
            row for number in range(2) for row in strengths.observed(Kept(run(), label(batch=batch, training=number)))
        ]
        found += strengths.observed(
            Kept(run(), label(batch=batch, training=2, faults=["goal-hidden"], successes=[None, *[0.1] * 5]))
        )
        parts.append(tmp_path / f"batch-{batch}.parquet")
        strengths.write(parts[-1], found)
    strengths.collect(parts, tmp_path / "all.parquet")
    table = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert len(table) == 2 * 3 * 14
    assert {(bool(row["faults"]), row["learned"], row["harmed"]) for row in table} == {
        (False, True, False),
        (True, False, True),
    }
    # Another command joins these with its own, but for an environment that it makes anew.
    strengths.collect(parts[:1], tmp_path / "more.parquet", tmp_path / "all.parquet")
    more = parquet.read_table(tmp_path / "more.parquet").to_pylist()
    assert len(more) == 3 * 3 * 14
    assert {row["batch"] for row in more} == {0, strengths.EARLIER, strengths.EARLIER + 1}
    assert [row["RET905"] for row in more[3 * 14 :]] == [row["RET905"] for row in table]
    anew = str(table[0]["environment"])
    strengths.collect(parts[:1], tmp_path / "anew.parquet", tmp_path / "all.parquet", [anew])
    assert len(parquet.read_table(tmp_path / "anew.parquet")) == 3 * 14


@pytest.mark.slow
def test_a_batch_is_trained_once_and_measured_again(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip("pyarrow")
    from benchmarks.laboratory import generate

    line = generate.train_batch(30, 1, 3, tmp_path)
    assert "3 trainings" in line
    before = (tmp_path / "rows" / "batch-00030.parquet").read_bytes()
    (tmp_path / "rows" / "batch-00030.parquet").unlink()
    generate.measure_batch(30, tmp_path)
    assert (tmp_path / "rows" / "batch-00030.parquet").read_bytes() == before
    generate.finish(tmp_path)
    assert len(kept.read(tmp_path / "sample.npz")) == 3
    assert "1 batches" in capsys.readouterr().out
