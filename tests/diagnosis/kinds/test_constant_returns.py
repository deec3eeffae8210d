"""A return that never varies, with nothing to compare it with: solved from the first point on, or no signal at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from rldoctor.cli.app import run as command
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.logs import read_run
from rldoctor.model import RunDiagnosis, Verdict


def said_of(place: Path, name: str, *lines: str) -> RunDiagnosis:
    (place / name).write_text("\n".join(lines) + "\n")
    return diagnose_run(read_run(place / name))


def evaluations(value: float, count: int) -> list[str]:
    lines = (
        [f"Eval num_timesteps={10_000 * i}, episode_reward={value:.2f} +/- 0.00", "Episode length: 200.00 +/- 0.00"]
        for i in range(1, count + 1)
    )
    return [line for pair in lines for line in pair]


@pytest.mark.parametrize("count", [5, 9, 30, 200])
@pytest.mark.parametrize("value", [200.0, 500.0, 1.0])
def test_a_constant_return_above_zero_is_not_judged(tmp_path, value, count):
    """CartPole's 200 and 500 are the most that there is."""
    said = said_of(tmp_path, "train.log", *evaluations(value, count))
    assert said.verdict is Verdict.UNJUDGED
    assert f"The return is {value:g} at all {count} points" in said.summary
    rows = [f"{1000 * i},{value}" for i in range(1, count + 1)]
    for name in ("evaluation_return", "episode_return"):
        assert said_of(tmp_path, "curves.csv", f"global_step,{name}", *rows).verdict is Verdict.UNJUDGED


@pytest.mark.parametrize("value", [0.0, -200.0])
def test_one_that_pays_nothing_is_suspect_at_most(tmp_path, value):
    """MountainCar's -200, or a reward that is never paid: seldom the most that there is, but costs may be 0."""
    assert said_of(tmp_path, "train.log", *evaluations(value, 5)).verdict is Verdict.UNJUDGED
    said = said_of(tmp_path, "train.log", *evaluations(value, 30))
    assert said.verdict is Verdict.SUSPECT
    assert said.cause is not None
    assert said.cause.name == "reward-uninformative"


def test_signs_of_the_updates_speak(tmp_path):
    rows = [f"{2048 * i},500.0,0.9,0.8,-3.5" for i in range(1, 40)]
    said = said_of(
        tmp_path, "curves.csv", "global_step,episode_return,approx_kl,clip_fraction,explained_variance", *rows
    )
    assert said.verdict in (Verdict.SICK, Verdict.SUSPECT)
    rows = [f"{2048 * i},500.0,nan" for i in range(1, 40)]
    said = said_of(tmp_path, "curves.csv", "global_step,episode_return,value_loss", *rows)
    assert said.verdict is Verdict.SICK


def test_a_return_that_varied_is_judged_as_before(tmp_path):
    solved = [20, 90, 260, *[500] * 30]
    rows = [f"{2048 * i},{value}" for i, value in enumerate(solved, 1)]
    assert said_of(tmp_path, "curves.csv", "global_step,episode_return", *rows).verdict is Verdict.HEALTHY
    # Training varies and does not rise, whatever its evaluations show.
    rows = [f"{2048 * i},{20 + i % 3},0.0" for i in range(1, 40)]
    said = said_of(tmp_path, "curves.csv", "global_step,episode_return,evaluation_return", *rows)
    assert said.verdict in (Verdict.SICK, Verdict.SUSPECT)


def test_what_is_piped_in(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(evaluations(500, 5)).encode())))
    assert command(["diagnose", "-", "--quiet"]) == 3
    assert capsys.readouterr().out.startswith("unjudged")
