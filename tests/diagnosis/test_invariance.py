"""The short form of benchmarks.invariance: a few recorded runs, logged in other ways, are diagnosed alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import relogged
from benchmarks.invariance.diagnosed import CHANGES, HERE, said
from rldoctor.logs import read_run
from rldoctor.model import Run

SOME = (
    "healthy/fetch_reach_dense/quick/as-recorded-20",
    "healthy/pendulum/zoo/as-recorded-20",
    "sick/update-direction-wrong/cartpole-advantage-sign-full-100",
    "sick/learning-rate-too-high/fetch_reach_dense-learning-rate-high-strong-100",
)


def recorded(name: str) -> Run:
    run = read_run(HERE / "tests" / "runs" / name)
    assert run.curves, name
    return run


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("change", ["each value repeated 3 times", "each value repeated 20 times", "steps x 10"])
def test_a_run_that_is_logged_in_another_way_is_the_same_run(name: str, change: str) -> None:
    _, alone, changed = CHANGES[change]
    run = recorded(name)
    other = changed(run)
    assert other is not None
    assert said(other, alone) == said(run, alone)


@pytest.mark.parametrize("name", SOME)
def test_files_links_and_folders_make_no_difference(name: str, tmp_path: Path) -> None:
    run = recorded(name)
    before = said(run, True)
    assert said(relogged.split(run, tmp_path / "two", 2), True) == before
    assert said(relogged.with_hparams(run, tmp_path / "hparams"), True) == before
    assert said(relogged.linked(run, tmp_path / "link"), True) == before


@pytest.mark.parametrize("framework", ["cleanrl", "skrl"])
def test_nor_do_the_tags_of_another_framework(framework: str, tmp_path: Path) -> None:
    both = relogged.renamed(framework)(recorded(SOME[0]), tmp_path)
    assert both is not None
    assert said(both[1], True) == said(both[0], True)
